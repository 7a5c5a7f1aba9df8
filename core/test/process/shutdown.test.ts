import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { BrokerProcess, folderSettings, startRun } from '../support/broker-process.ts'
import { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { ApiKey, type ResponseOf } from '../../src/protocol/messages/apis.ts'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { nodeNetwork } from '../../src/runtime/node-network.ts'
import { clientOf, consumeAll, produce } from './client.ts'

const launcher = path.join(import.meta.dirname, '../../../tools/run.mjs')

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

  it('while a member waits for others to join again: tells it to look for the coordinator, and exits 0', async () => {
    await using broker = await BrokerProcess.start()
    const [first, second] = [await connect(broker), await connect(broker)]
    while ((await first.request(ApiKey.FindCoordinator, 3, { key: 'g', keyType: 0 })).errorCode !== 0);
    const { generationId, memberId } = await join(first)
    assert.equal((await first.request(ApiKey.SyncGroup, 3, { groupId: 'g', generationId, memberId, assignments: [] })).errorCode, 0)
    const parked = join(second)
    const beat = async (): Promise<number> => (await first.request(ApiKey.Heartbeat, 3, { groupId: 'g', generationId, memberId })).errorCode
    // Once a heartbeat is told of the rebalance, the second member's request is parked.
    while (await beat() !== KafkaErrorCode.REBALANCE_IN_PROGRESS);
    const ended = broker.end('SIGTERM')
    assert.equal((await parked).errorCode, KafkaErrorCode.NOT_COORDINATOR)
    assert.deepEqual(await ended, { code: 0, signal: null }, broker.run.stderr)
    assert.doesNotMatch(broker.run.stderr, /error/i)
  })

  it('while it opens, with an object store that takes connections and never answers: has said what it waits for, and exits 0', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streambed-silent-'))
    const silent = net.createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      const { STREAMBED_STORAGE__OBJECTS__PATH: _, ...settings } = folderSettings(folder)
      const run = startRun({
        ...settings,
        STREAMBED_STORAGE__OBJECTS__PLUGIN: 's3',
        STREAMBED_STORAGE__OBJECTS__BUCKET: 'bucket',
        STREAMBED_STORAGE__OBJECTS__REGION: 'us-east-1',
        STREAMBED_STORAGE__OBJECTS__ENDPOINT: `http://127.0.0.1:${(silent.address() as net.AddressInfo).port}`,
        AWS_ACCESS_KEY_ID: 'id',
        AWS_SECRET_ACCESS_KEY: 'secret'
      })
      // Told by the log alone: nothing else of the process is to be seen.
      while (!run.stderr.includes('waiting for the object stores')) await once(run.child.stderr!, 'data')
      run.child.kill('SIGTERM')
      assert.deepEqual(await run.ended, { code: 0, signal: null }, run.stderr)
    } finally {
      silent.close()
      fs.rmSync(folder, { recursive: true, force: true })
    }
  })

  it('by a supervisor that has ended what started it, as npm does: ends too', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streambed-orphan-'))
    try {
      // The last command keeps the shell from becoming the first.
      const shell = spawn('sh', ['-c', `"${process.execPath}" "${launcher}" start; :`], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ...folderSettings(folder) } })
      const output = shell.stdout.setEncoding('utf8')
      let text = ''
      for await (const piece of output) {
        text += piece as string
        // What it had started holds the other end until it ends.
        if (text.includes('ready on')) shell.kill('SIGTERM')
      }
      assert.match(text, /ready on/)
    } finally {
      fs.rmSync(folder, { recursive: true, force: true })
    }
  })
})

function connect (broker: BrokerProcess): Promise<KafkaConnection> { return KafkaConnection.open(nodeNetwork, broker.address, 'member') }

/** Joins with the version that asks for no member id first. */
async function join (connection: KafkaConnection): Promise<ResponseOf<typeof ApiKey.JoinGroup>> {
  return await connection.request(ApiKey.JoinGroup, 3, {
    groupId: 'g', sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 60_000, memberId: '', protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }]
  })
}
