import assert from 'node:assert/strict'
import net from 'node:net'
import { once } from 'node:events'
import fc from 'fast-check'
import { SeededRandom } from '@streambed/sdk/testing'
import { KafkaClient } from '../../src/client/kafka-client.ts'
import { encodeRequest } from '../../src/protocol/frames.ts'
import { apiTable, type ApiKey } from '../../src/protocol/messages/apis.ts'
import { encodeBatch } from '../../src/protocol/records/encode-batch.ts'
import { nodeNetwork } from '../../src/runtime/node-network.ts'
import { arbitraryMessage } from '../protocol/arbitrary-messages.ts'
import { BrokerProcess } from '../support/broker-process.ts'

// Frames in all; STREAMBED_HOSTILE_RUNS=5000000 for a long look.
const frameCount = Math.floor(Number(process.env.STREAMBED_HOSTILE_RUNS ?? 100_000))
const seed = process.env.STREAMBED_HOSTILE_SEED ?? 'hostile-server'
const residentBytesMax = 1_200 * 2 ** 20
const framesPerSlice = 2_000
const framesPerConnection = 40

/** Valid requests of every served API and version: what is mutated. */
function templates (): Buffer[] {
  return apiTable.flatMap(api => Array.from({ length: api.versionMax - api.versionMin + 1 }, (_, index) => {
    const version = api.versionMin + index
    const [body] = fc.sample(arbitraryMessage(api.request, version), { numRuns: 1, seed: api.key * 100 + version })
    return encodeRequest(api.key as ApiKey, version, 7, 'hostile', body as never)
  }))
}

function mutate (frame: Buffer, random: SeededRandom): Buffer {
  const out = Buffer.from(frame)
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(out.length)
    const kind = random.below(4)
    if (kind === 0) out[at] = random.below(256)
    else if (kind === 1) out[at] = out[at]! ^ 1 << random.below(8)
    else if (at + 4 <= out.length) out.writeUInt32BE([0x7fff_ffff, 0xffff_ffff, 0x0100_0000, 0x7fff, 0, 1][random.below(6)]!, at)
  }
  // Mostly with a size that fits, so that it is the body that is judged.
  if (random.below(10) > 0) out.writeInt32BE(out.length - 4)
  return out
}

/** Sends frames on one connection and hangs up, or is hung up on. */
async function attack (port: number, frames: readonly Buffer[]): Promise<void> {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => undefined)
  socket.resume()
  // A connection that is reset is one way to be hung up on: `once` of Node's would reject.
  const heard = (event: string): Promise<void> => new Promise(resolve => { socket.once(event, () => { resolve() }) })
  const closed = heard('close')
  await Promise.race([heard('connect'), closed])
  for (const frame of frames) if (!socket.destroyed && !socket.write(frame)) await Promise.race([heard('drain'), closed])
  // What was sent reaches the broker before the end does.
  socket.destroySoon()
  await Promise.race([closed, heard('finish')])
  socket.destroy()
}

describe('a broker among hostile clients', () => {
  it(`takes ${frameCount} broken frames without a crash, a hang or an effect on others (STREAMBED_HOSTILE_SEED=${seed})`, async function () {
    this.timeout(600_000)
    await using broker = await BrokerProcess.start({ settings: { STREAMBED_LOG__LEVEL: 'error', STREAMBED_KAFKA__AUTO_CREATE_TOPICS_ENABLE: 'false' } })
    const leader = broker.address
    await using good = new KafkaClient(nodeNetwork, leader)
    await good.createTopic('good', { partitions: 1, configs: {} })
    const random = new SeededRandom(seed)
    const valid = templates()
    const filesBefore = broker.openFiles
    let produced = 0
    for (let sent = 0; sent < frameCount; sent += framesPerSlice) {
      const attacks = Array.from({ length: framesPerSlice / framesPerConnection }, () =>
        attack(leader.port, Array.from({ length: framesPerConnection }, () => mutate(valid[random.below(valid.length)]!, random))))
      await Promise.all(attacks)
      // The good client goes on as if nothing were.
      const where = { topic: 'good', partition: 0 }
      assert.equal(await good.produce(leader, where, encodeBatch([{ value: Buffer.from(`v${produced}`) }], { timestamp: 1_760_000_000_000 })), produced)
      const { highWatermark, records } = await good.fetch(leader, where, produced, 100)
      assert.deepEqual([highWatermark, records.length > 0], [++produced, true])
      assert.ok(broker.statusBytes('VmRSS') < residentBytesMax, `memory grew to ${broker.statusBytes('VmRSS')}`)
    }
    assert.ok(broker.openFiles < filesBefore + 100, 'no file descriptors leak')
  })

  it('bears five hundred clients that claim large requests and never send them', async function () {
    this.timeout(120_000)
    await using broker = await BrokerProcess.start({ settings: { STREAMBED_LOG__LEVEL: 'error' } })
    const sockets = await Promise.all(Array.from({ length: 500 }, async () => {
      const socket = net.connect(broker.address)
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(Buffer.from([0x05, 0xf5, 0xe1, 0x00, 0]))
      return socket
    }))
    await using good = new KafkaClient(nodeNetwork, broker.address)
    await good.createTopic('good', { partitions: 1, configs: {} })
    assert.equal(await good.produce(broker.address, { topic: 'good', partition: 0 }, encodeBatch([{ value: Buffer.from('v') }], { timestamp: 1_760_000_000_000 })), 0)
    assert.ok(broker.statusBytes('VmRSS') < residentBytesMax)
    for (const socket of sockets) socket.destroy()
  })
})
