import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SeededRandom } from '@streambed/sdk/testing'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { encodeRequest } from '../../src/protocol/frames.ts'
import { ApiKey, apiTable } from '../../src/protocol/messages/apis.ts'
import { encodeBatch } from '../../src/protocol/records/encode-batch.ts'
import { BrokerFixture, type OpenBroker } from '../broker/broker-fixture.ts'
import { arbitraryMessage } from '../protocol/arbitrary-messages.ts'
import { hostileBatch } from './batch-generator.ts'
import { consume } from './reference-consumer.ts'

// Batches, and as many frames; STREAMBED_HOSTILE_RUNS=5000000 for a long look.
const count = Math.floor(Number(process.env.STREAMBED_HOSTILE_RUNS ?? 10_000))
const seed = process.env.STREAMBED_HOSTILE_SEED ?? 'poison'
/** A broker lives for this many of each, so that what is stored, and what a frame may create, stays small. */
const lifeSize = 2_000
const growthMax = 400 * 2 ** 20

/** What a producer that is answered so gives up, or does otherwise, but for a damaged batch, which it sends again. */
const expected: ReadonlySet<number> = new Set([
  KafkaErrorCode.NONE, KafkaErrorCode.CORRUPT_MESSAGE, KafkaErrorCode.MESSAGE_TOO_LARGE, KafkaErrorCode.INVALID_RECORD, KafkaErrorCode.INVALID_TIMESTAMP,
  KafkaErrorCode.UNSUPPORTED_COMPRESSION_TYPE, KafkaErrorCode.INVALID_TXN_STATE, KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, KafkaErrorCode.INVALID_PRODUCER_EPOCH
])

async function produce (broker: OpenBroker, batch: Uint8Array): Promise<number> {
  const { responses } = await broker.request(ApiKey.Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData: [{ name: 'poison', partitionData: [{ index: 0, records: batch }] }] })
  return responses[0]!.partitionResponses[0]!.errorCode
}

/** Reads all of the topic as a consumer of somebody else's would; gives how many batches there were. */
async function readAll (broker: OpenBroker): Promise<number> {
  let batches = 0
  for (let offset = 0; ;) {
    const { responses } = await broker.request(ApiKey.Fetch, 11, { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, topics: [{ topic: 'poison', partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20, currentLeaderEpoch: -1 }] }] })
    const bytes = Buffer.from(responses[0]!.partitions[0]!.records!)
    if (bytes.length === 0) return batches
    for (let at = 0; at < bytes.length; batches++) {
      const batch = bytes.subarray(at, at + bytes.readInt32BE(at + 8) + 12)
      try {
        assert.equal(Number(batch.readBigInt64BE(0)), offset, 'offsets are dense')
        offset += consume(batch)
      } catch (error) {
        throw new Error(`no consumer passes this batch. seed=${seed} offset=${offset} batch=${batch.toString('hex')}`, { cause: error })
      }
      at += batch.length
    }
  }
}

/** Valid requests of every served API and version: what is mutated. */
function templates (): Buffer[] {
  return apiTable.flatMap(api => Array.from({ length: api.versionMax - api.versionMin + 1 }, (_, index) => {
    const version = api.versionMin + index
    const [body] = fc.sample(arbitraryMessage(api.request, version), { numRuns: 1, seed: api.key * 100 + version })
    return encodeRequest(api.key as ApiKey, version, 7, 'hostile', body as never).subarray(4)
  }))
}

function mutate (frame: Buffer, random: SeededRandom): Buffer {
  const out = Buffer.from(frame)
  for (let changes = random.below(5); changes > 0; changes--) {
    const at = random.below(out.length)
    const kind = random.below(4)
    if (kind === 0) out[at] = random.below(256)
    else if (kind === 1) out[at] = out[at]! ^ 1 << random.below(8)
    else if (at + 4 <= out.length) out.writeUInt32BE([0x7fff_ffff, 0xffff_ffff, 0x0100_0000, 0x7fff, 0, 1][random.below(6)]!, at)
  }
  return random.below(10) === 0 ? out.subarray(0, random.below(out.length + 1)) : out
}

function complaints ({ fixture }: OpenBroker): unknown[] { return fixture.log.filter(({ level }) => level === 'error') }

/** Sockets would give the host its turn; without it nothing that it looks after is let go. */
function turn (): Promise<void> { return new Promise(resolve => setImmediate(resolve)) }

/** Memory in use after a collection, where one can be asked for. */
function usedBytes (): number {
  globalThis.gc?.()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

describe(`poison (STREAMBED_HOSTILE_SEED=${seed})`, () => {
  it(`${count} hostile batches: each is refused for good, or every consumer passes it`, async function () {
    this.timeout(0)
    const before = usedBytes()
    const answers = new Map<number, number>()
    let stored = 0
    for (let life = 0, sent = 0; sent < count; life++) {
      const random = new SeededRandom(`${seed}/batches/${life}`)
      await using broker = await new BrokerFixture().open({ kafka: { 'log.message.timestamp.after.max.ms': life % 2 === 0 ? '3600000' : '9223372036854775807' } })
      await broker.createTopic('poison', 1, life % 3 === 0 ? { 'compression.type': ['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed'][life % 5]! } : {})
      let accepted = 0
      for (let index = 0; index < lifeSize && sent < count; index++, sent++) {
        const code = await produce(broker, hostileBatch(random))
        answers.set(code, (answers.get(code) ?? 0) + 1)
        if (code === KafkaErrorCode.NONE) accepted++
        if (index % 100 === 99) await turn()
      }
      const found = await readAll(broker)
      // A repeated idempotent batch is confirmed and not stored again.
      assert.ok(found <= accepted && found > accepted * 0.9, `accepted=${accepted} found=${found}`)
      stored += found
      assert.deepEqual(complaints(broker), [])
    }
    assert.deepEqual([...answers.keys()].filter(code => !expected.has(code)), [])
    assert.ok(stored > count / 5 && stored < count * 4 / 5, `both kinds are met. stored=${stored}`)
    assert.ok(usedBytes() - before < growthMax, 'memory does not grow')
    if (count > 100_000) console.log(`      stored ${stored}, answers ${JSON.stringify(Object.fromEntries(answers))}, grown by ${Math.round((usedBytes() - before) / 2 ** 20)} MiB`)
  })

  it(`${count} hostile frames: each is answered, left unanswered or closes its connection, and nothing is unexpected`, async function () {
    this.timeout(0)
    const before = usedBytes()
    const valid = templates()
    for (let life = 0, sent = 0; sent < count; life++) {
      const random = new SeededRandom(`${seed}/frames/${life}`)
      await using broker = await new BrokerFixture().open({ kafka: { 'auto.create.topics.enable': 'false' } })
      await broker.createTopic('poison')
      const hangUp = new AbortController()
      const pending: Promise<unknown>[] = []
      for (let index = 0; index < lifeSize && sent < count; index++, sent++) {
        pending.push(broker.dispatch(mutate(valid[random.below(valid.length)]!, random), { signal: hangUp.signal }))
        if (index % 100 === 99) await turn()
      }
      assert.equal(await produce(broker, encodeBatch([{ value: Buffer.from('well') }], { timestamp: broker.fixture.clock.wallMs() })), KafkaErrorCode.NONE)
      hangUp.abort()
      await broker.close()
      await Promise.all(pending)
      assert.deepEqual(complaints(broker), [])
    }
    assert.ok(usedBytes() - before < growthMax, 'memory does not grow')
    if (count > 100_000) console.log(`      grown by ${Math.round((usedBytes() - before) / 2 ** 20)} MiB`)
  })
})
