import assert from 'node:assert/strict'
import { BrokerProcess } from '../support/broker-process.ts'
import { clientOf, consumeAll, produce } from './client.ts'

describe('a broker process that is asked to end', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`drains and exits 0 on ${signal}, with clients connected and a long poll waiting`, async () => {
      await using broker = await BrokerProcess.start()
      await using client = clientOf(broker)
      await using poller = clientOf(broker)
      await client.createTopic('t', { partitions: 1, configs: {} })
      await produce(client, broker, 't', ['a', 'b'])
      const poll = poller.fetch(broker.address, { topic: 't', partition: 0 }, 2, 60_000).then(() => 'answered', () => 'cut off')
      // Answered on another connection: the broker has read the poll before it is told to end.
      await produce(client, broker, 't', ['c'])
      const waiting = poller.fetch(broker.address, { topic: 't', partition: 0 }, 3, 60_000).then(() => 'answered', () => 'cut off')
      assert.equal(await poll, 'answered')
      assert.deepEqual(await broker.end(signal), { code: 0, signal: null }, broker.run.stderr)
      assert.ok(['answered', 'cut off'].includes(await waiting))

      await broker.restart()
      await using after = clientOf(broker)
      assert.deepEqual(await consumeAll(after, broker, 't'), ['a', 'b', 'c'])
    })
  }
})
