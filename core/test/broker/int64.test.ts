import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addInt64, int64Max, int64Min, toInt64, type Int64 } from '@streambed/sdk'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey, apis, type RequestInputOf } from '../../src/protocol/messages/apis.ts'
import { Compression, computeCrc, maxTimestamp, producerId } from '../../src/protocol/records/batch-header.ts'
import { decodeRecords } from '../../src/protocol/records/decode-records.ts'
import { encodeBatch, type BatchOptions } from '../../src/protocol/records/encode-batch.ts'
import { hasVersion } from '../../src/protocol/schema/versions.ts'
import type { FieldSpec, Fields } from '../../src/protocol/schema/fields.ts'
import { BrokerFixture, versionsOf, type OpenBroker } from './broker-fixture.ts'

const safe = 2n ** 53n
const extremes: readonly Int64[] = [0n, -1n, safe - 1n, safe, safe + 1n, 1n - safe, -safe, -safe - 1n, int64Max, int64Min].map(toInt64)
/** 2026 in nanoseconds. */
const nanoseconds = 1_767_225_600_000_000_000n

/** What tells a request apart from garbage; all else is zero, empty or its default. */
const meant: Readonly<Record<string, unknown>> = { topic: 'orders', topicName: 'orders', name: 'orders', groupId: 'g', group: 'g', acks: -1, generationIdOrMemberEpoch: -1, memberEpoch: -1, replicaId: -1, minBytes: 0, currentLeaderEpoch: -1, partitionMaxBytes: 1_000, maxBytes: 1_000 }

interface Int64Field { readonly path: string, readonly set: (value: Int64) => void }

/** A request with one element in each array, and the int64 fields that it has. */
function requestOf (fields: Fields, version: number, topicId: string, path = ''): { readonly body: Record<string, unknown>, readonly int64s: readonly Int64Field[] } {
  const body: Record<string, unknown> = {}
  const int64s: Int64Field[] = []
  for (const [name, field] of Object.entries(fields)) {
    if (!hasVersion(field.versions, version)) continue
    body[name] = valueOf(field, name, version, topicId, `${path}.${name}`, int64s)
    if (field.type === 'wideInt64' || field.type === 'int64') int64s.push({ path: `${path}.${name}`, set: value => { body[name] = value } })
  }
  return { body, int64s }
}

function valueOf (field: FieldSpec, name: string, version: number, topicId: string, path: string, int64s: Int64Field[]): unknown {
  if (field.type === 'array' && field.element === 'struct' || field.type === 'struct') {
    const inner = requestOf(field.fields!, version, topicId, path)
    int64s.push(...inner.int64s)
    return field.type === 'array' ? [inner.body] : inner.body
  }
  if (field.type === 'uuid') return topicId
  return name in meant && field.type !== 'array' ? meant[name] : field.default
}

async function open (fixture = new BrokerFixture()): Promise<OpenBroker> {
  const broker = await fixture.open({ kafka: { 'log.message.timestamp.after.max.ms': String(int64Max), 'offsets.topic.num.partitions': '1' } })
  await broker.request(ApiKey.FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })
  return broker
}

function complaints ({ fixture }: OpenBroker): string[] { return fixture.log.filter(({ level }) => level === 'error').map(({ message }) => message) }

/** A batch whose header fields are overwritten; a wrong CRC is mended. */
function batchWith (fields: Readonly<Record<number, Int64>>, options: Partial<BatchOptions> = {}): Buffer {
  const batch = encodeBatch([0, 5, 3].map(delta => ({ value: Buffer.from('v'), timestamp: 1_000 + delta })), { timestamp: 1_000, ...options })
  for (const [position, value] of Object.entries(fields)) batch.writeBigInt64BE(BigInt(value), Number(position))
  batch.writeUInt32BE(computeCrc(batch), 17)
  return batch
}

const header = { baseOffset: 0, baseTimestamp: 27, maxTimestamp: 35, producerId: 43 } as const

async function produce (broker: OpenBroker, batch: Uint8Array, version = 9): Promise<{ readonly errorCode: number, readonly baseOffset: number }> {
  const { responses } = await broker.request(ApiKey.Produce, version, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batch }] }] })
  return responses[0]!.partitionResponses[0]!
}

async function fetch (broker: OpenBroker, fetchOffset = 0): Promise<Buffer> {
  const { responses } = await broker.request(ApiKey.Fetch, 11, { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 20, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1, currentLeaderEpoch: -1 }] }] })
  return Buffer.from(responses[0]!.partitions[0]!.records!)
}

async function offsetFor (broker: OpenBroker, timestamp: Int64): Promise<readonly Int64[]> {
  const { topics } = await broker.request(ApiKey.ListOffsets, 8, { replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp }] }] })
  const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!
  return [errorCode, offset, found]
}

describe('int64 fields beyond what a number holds', () => {
  const reached = new Set<string>()
  for (const [name, apiKey] of Object.entries(ApiKey)) {
    it(`${name}: any value in any of them, in every version, is answered, and nothing is unexpected`, async () => {
      await using broker = await open()
      const topicId = await broker.createTopic('orders')
      for (const version of versionsOf(apiKey)) {
        const { body, int64s } = requestOf(apis[apiKey].request.fields, version, topicId)
        for (const { path, set } of int64s) {
          reached.add(`${name}${path}`)
          for (const value of extremes) {
            set(value)
            const answer = await broker.send(apiKey, version, body as RequestInputOf<typeof apiKey>)
            assert.ok(typeof answer === 'object', `${path} v${version}=${value}: ${JSON.stringify(answer)}`)
          }
          set(-1)
        }
      }
      assert.deepEqual(complaints(broker), [])
    })
  }

  it('are all reached', () => {
    assert.deepEqual([...reached].sort(), [
      'DeleteRecords.topics.partitions.offset', 'Fetch.replicaState.replicaEpoch', 'Fetch.topics.partitions.fetchOffset', 'Fetch.topics.partitions.highWatermark',
      'Fetch.topics.partitions.logStartOffset', 'InitProducerId.producerId', 'ListOffsets.topics.partitions.timestamp', 'OffsetCommit.retentionTimeMs',
      'OffsetCommit.topics.partitions.committedOffset'
    ])
  })

  it('a position beyond the log is out of range, by Fetch and DeleteRecords', async () => {
    await using broker = await open()
    await broker.createTopic('orders')
    for (const offset of extremes) {
      const { responses } = await broker.request(ApiKey.Fetch, 11, { maxWaitMs: 0, minBytes: 0, maxBytes: 1_000, topics: [{ topic: 'orders', partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_000, currentLeaderEpoch: -1 }] }] })
      assert.equal(responses[0]!.partitions[0]!.errorCode, offset === 0 ? KafkaErrorCode.NONE : KafkaErrorCode.OFFSET_OUT_OF_RANGE)
      const { topics } = await broker.request(ApiKey.DeleteRecords, 2, { timeoutMs: 0, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, offset }] }] })
      assert.equal(topics[0]!.partitions[0]!.errorCode, offset === 0 || offset === -1 ? KafkaErrorCode.NONE : KafkaErrorCode.OFFSET_OUT_OF_RANGE)
    }
  })

  it('committed offsets come back as they were, in every version and after a restart', async () => {
    const fixture = new BrokerFixture()
    const commitVersions = versionsOf(ApiKey.OffsetCommit)
    const fetchVersions = versionsOf(ApiKey.OffsetFetch)
    const committed = async (broker: OpenBroker, version: number, topicId: string): Promise<Int64> => {
      const one = { ...version >= 10 ? { topicId } : { name: 'orders' }, partitionIndexes: [0] }
      const answer = await broker.request(ApiKey.OffsetFetch, version, version >= 8 ? { groups: [{ groupId: 'g', topics: [one] }] } : { groupId: 'g', topics: [{ name: 'orders', partitionIndexes: [0] }] })
      return (version >= 8 ? answer.groups[0]!.topics : answer.topics)[0]!.partitions[0]!.committedOffset
    }
    let topicId = ''
    for (const value of extremes) {
      {
        await using broker = await open(fixture)
        topicId ||= await broker.createTopic('orders')
        for (const version of commitVersions) {
          const one = { ...version >= 10 ? { topicId } : { name: 'orders' }, partitions: [{ partitionIndex: 0, committedOffset: value, committedMetadata: '' }] }
          const { topics } = await broker.request(ApiKey.OffsetCommit, version, { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics: [one] })
          assert.equal(topics[0]!.partitions[0]!.errorCode, KafkaErrorCode.NONE)
          for (const asked of fetchVersions) assert.equal(await committed(broker, asked, topicId), value)
        }
      }
      await using again = await open(fixture)
      assert.equal(await committed(again, fetchVersions.at(-1)!, topicId), value)
    }
  })

  for (const [field, position] of Object.entries(header)) {
    it(`${field} of a produced batch: stored as it is, or refused for good`, async () => {
      await using broker = await open()
      await broker.createTopic('orders')
      for (const compression of [Compression.None, Compression.Zstd]) {
        for (const value of extremes) {
          const { errorCode } = await produce(broker, batchWith({ [position]: value }, { compression, producerEpoch: 0, baseSequence: 0 }))
          const isRefused = field === 'baseOffset' && value !== 0
          // Times so far away that their distance from now is no int64 are out of any window; 5 ms after the last there is comes the first.
          const isTooFar = field === 'baseTimestamp' && (value === int64Min || value === int64Max)
          const expected = isRefused ? KafkaErrorCode.INVALID_RECORD : isTooFar ? KafkaErrorCode.INVALID_TIMESTAMP : KafkaErrorCode.NONE
          assert.equal(errorCode, expected, `${field}=${value}`)
        }
      }
      assert.deepEqual(complaints(broker), [])
    })
  }

  it('times in nanoseconds are stored exactly and found exactly, whatever the header said of the largest', async () => {
    const fixture = new BrokerFixture()
    for (const compression of [Compression.None, Compression.Lz4]) {
      await using broker = await open(fixture)
      if (compression === Compression.None) await broker.createTopic('orders')
      const said = compression === Compression.None ? nanoseconds + 5n : 7n
      const { baseOffset, errorCode } = await produce(broker, batchWith({ [header.baseTimestamp]: nanoseconds, [header.maxTimestamp]: said }, { compression }))
      assert.equal(errorCode, KafkaErrorCode.NONE)
      const batch = await fetch(broker, baseOffset)
      assert.equal(maxTimestamp(batch), nanoseconds + 5n)
      assert.deepEqual(decodeRecords(batch, 1_000).map(({ timestamp }) => timestamp), [nanoseconds, nanoseconds + 5n, nanoseconds + 3n])
    }
    await using broker = await open(fixture)
    await produce(broker, batchWith({ [header.baseTimestamp]: nanoseconds + 100n }))
    assert.deepEqual(await offsetFor(broker, nanoseconds), [0, 0, nanoseconds])
    assert.deepEqual(await offsetFor(broker, nanoseconds + 1n), [0, 1, nanoseconds + 5n])
    assert.deepEqual(await offsetFor(broker, nanoseconds + 6n), [0, 6, nanoseconds + 100n])
    assert.deepEqual(await offsetFor(broker, nanoseconds + 106n), [0, -1, -1])
    assert.deepEqual(await offsetFor(broker, int64Max), [0, -1, -1])
    assert.deepEqual(await offsetFor(broker, -3), [0, 7, nanoseconds + 105n])
  })

  it('producer ids are told apart exactly, and remembered over a restart', async () => {
    const fixture = new BrokerFixture()
    const ids = [int64Max, int64Max - 1n, safe, safe + 1n, 7n].map(toInt64)
    const offsets: number[] = []
    {
      await using broker = await open(fixture)
      await broker.createTopic('orders')
      for (const id of ids) offsets.push((await produce(broker, batchWith({ [header.producerId]: id }, { producerEpoch: 0, baseSequence: 0 }))).baseOffset)
      assert.equal(new Set(offsets).size, ids.length)
    }
    await using broker = await open(fixture)
    for (const [index, id] of ids.entries()) {
      assert.equal((await produce(broker, batchWith({ [header.producerId]: id }, { producerEpoch: 0, baseSequence: 0 }))).baseOffset, offsets[index])
      assert.equal(producerId(await fetch(broker, offsets[index])), id)
      assert.equal((await produce(broker, batchWith({ [header.producerId]: id }, { producerEpoch: 0, baseSequence: 9 }))).errorCode, KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
  })

  it('sums go round as Java\'s do', () => {
    const any = fc.bigInt({ min: int64Min, max: int64Max })
    fc.assert(fc.property(any, any, (left, right) => {
      assert.equal(BigInt(addInt64(toInt64(left), toInt64(right))), BigInt.asIntN(64, left + right))
    }))
    assert.equal(addInt64(int64Max, 1), int64Min)
    assert.equal(addInt64(2 ** 53 - 1, 1), safe)
    assert.equal(addInt64(safe, -1), 2 ** 53 - 1)
  })
})
