import assert from 'node:assert/strict'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey, type ResponseOf } from '../../src/protocol/messages/apis.ts'
import { encodeBatch } from '../../src/protocol/records/encode-batch.ts'
import { BrokerFixture } from './broker-fixture.ts'
import { HeldWal } from './held-wal.ts'

async function settle (): Promise<void> { for (let turn = 0; turn < 200; turn++) await Promise.resolve() }

describe('Produce to a WAL that takes its time', () => {
  for (const { limitMs, timeoutMs } of [{ timeoutMs: 30_000, limitMs: 30_000 }, { timeoutMs: 0, limitMs: 1_000 }, { timeoutMs: -1, limitMs: 1_000 }]) {
    it(`is REQUEST_TIMED_OUT after ${limitMs} ms of a timeout of ${timeoutMs} ms; the records are there in the end, once`, async () => {
      const fixture = new BrokerFixture()
      const wal = new HeldWal()
      fixture.wrapWal = inner => wal.wrap(inner)
      const broker = await fixture.open()
      await broker.createTopic('t', 2)
      wal.hold()
      const partitionData = [0, 1].map(index => ({ index, records: encodeBatch([{ value: Buffer.from('a') }], { timestamp: 1 }) }))
      let answer: ResponseOf<typeof ApiKey.Produce> | undefined
      const asked = broker.request(ApiKey.Produce, 9, { transactionalId: null, acks: -1, timeoutMs, topicData: [{ name: 't', partitionData }] }).then(found => { answer = found })
      await settle()
      fixture.clock.advance(limitMs - 1)
      await settle()
      assert.equal(answer, undefined)
      fixture.clock.advance(1)
      await asked
      const late = KafkaErrorCode.REQUEST_TIMED_OUT
      const told = answer!.responses[0]!.partitionResponses.map(({ baseOffset, errorCode, index }) => [index, errorCode, baseOffset])
      assert.deepEqual(told, [[0, late, -1], [1, late, -1]])
      wal.release()
      await settle()
      const listed = await broker.request(ApiKey.ListOffsets, 5, { replicaId: -1, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] })
      assert.equal(listed.topics[0]!.partitions[0]!.offset, 1)
      await broker.close()
    })
  }
})
