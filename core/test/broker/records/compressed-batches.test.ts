import assert from 'node:assert/strict'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ApiKey, type ResponseOf } from '../../../src/protocol/messages/apis.ts'
import { Compression, batchHeaderSize, computeCrc } from '../../../src/protocol/records/batch-header.ts'
import { compress } from '../../../src/protocol/records/compression.ts'
import { decodeRecords } from '../../../src/protocol/records/decode-records.ts'
import { encodeBatch, type RecordInput } from '../../../src/protocol/records/encode-batch.ts'
import { writeZigZagVarint } from '../../../src/protocol/records/varint.ts'
import { xxh32 } from '../../../src/protocol/records/xxh32.ts'
import { BrokerFixture, type OpenBroker } from '../broker-fixture.ts'

const now = Date.UTC(2026, 0, 1)
const codecs = Object.entries(Compression).filter(([, codec]) => codec !== Compression.None)
const three: readonly RecordInput[] = [1, 2, 3].map(index => ({ key: Buffer.from(`k${index}`), value: Buffer.from(`value ${index} `.repeat(20)), headers: [{ key: 'h', value: Buffer.from('x') }] }))

/** What a batch of `records` holds behind its header when not compressed. */
function plainOf (records: readonly RecordInput[]): Buffer {
  return encodeBatch(records, { timestamp: now }).subarray(batchHeaderSize)
}

/** A batch with a right header and CRC around any bytes. */
function wrapped (body: Uint8Array, codec: number, count = 3): Buffer {
  const batch = Buffer.concat([encodeBatch(three, { timestamp: now }).subarray(0, batchHeaderSize), body])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(codec, 21)
  batch.writeInt32BE(count - 1, 23)
  batch.writeInt32BE(count, 57)
  batch.writeUInt32BE(computeCrc(batch), 17)
  return batch
}

type PartitionAnswer = ResponseOf<typeof ApiKey.Produce>['responses'][number]['partitionResponses'][number]

async function produce (broker: OpenBroker, batch: Uint8Array): Promise<PartitionAnswer> {
  const { responses } = await broker.request(ApiKey.Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData: [{ name: 't', partitionData: [{ index: 0, records: batch }] }] })
  return responses[0]!.partitionResponses[0]!
}

async function stored (broker: OpenBroker): Promise<Buffer> {
  const { responses } = await broker.request(ApiKey.Fetch, 11, { maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 24, topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 24, currentLeaderEpoch: -1 }] }] })
  return Buffer.from(responses[0]!.partitions[0]!.records!)
}

async function withTopic (configs: Readonly<Record<string, string>> = {}, options: Parameters<BrokerFixture['open']>[0] = {}): Promise<OpenBroker> {
  const broker = await new BrokerFixture().open(options)
  await broker.createTopic('t', 1, configs)
  return broker
}

/** A record: length, attributes, timestamp delta, offset delta, key, value, headers, all of one byte each. */
const record = (offsetDelta: number): readonly number[] => [14, 0, 0, offsetDelta * 2, 1, 2, 0x61, 0]

function varint (value: number): Buffer {
  const bytes = Buffer.alloc(5)
  return bytes.subarray(0, writeZigZagVarint(bytes, 0, value))
}

/** What a client may have compressed that no consumer can pass. */
const broken: readonly { readonly name: string, readonly plain: Uint8Array, readonly count?: number, readonly at?: number }[] = [
  { name: 'garbage', plain: Buffer.from('these are no records, whatever their codec says'), at: 0 },
  { name: 'fewer records than the header says', plain: plainOf(three.slice(0, 2)), at: 2 },
  { name: 'more records than the header says', plain: plainOf([...three, ...three]), at: 2 },
  { name: 'many fewer records than the header says', plain: plainOf(three), count: 1_000_000, at: 0 },
  { name: 'bytes behind the last record', plain: Buffer.concat([plainOf(three), Buffer.from([0])]), at: 2 },
  { name: 'offset deltas with a gap', plain: Buffer.from([0, 2, 3].flatMap(record)), at: 1 },
  { name: 'offset deltas that begin at 1', plain: Buffer.from([1, 2, 3].flatMap(record)), at: 0 },
  { name: 'offset deltas twice', plain: Buffer.from([0, 1, 1].flatMap(record)), at: 2 },
  { name: 'a record that is shorter than it says', plain: Buffer.from([...record(0), ...record(1), 14, 0, 0, 4, 1, 0, 0, 0]), at: 2 },
  { name: 'a key beyond its record', plain: Buffer.from([...record(0), ...record(1), 14, 0, 0, 4, 60, 2, 0x61, 0]), at: 2 },
  { name: 'a header without its value', plain: Buffer.from([...record(0), ...record(1), 18, 0, 0, 4, 1, 1, 2, 2, 0x61, 40]), at: 2 },
  { name: 'a header with a null key', plain: Buffer.from([...record(0), ...record(1), 16, 0, 0, 4, 1, 1, 2, 1, 1]), at: 2 }
]

describe('compressed batches', () => {
  for (const [codecName, codec] of Object.entries(Compression)) {
    for (const { at, count, name, plain } of broken) {
      it(`${codecName}: ${name}: refused for good, and nothing is stored`, async () => {
        await using broker = await withTopic()
        const answer = await produce(broker, wrapped(compress(codec, plain), codec, count))
        assert.equal(answer.errorCode, KafkaErrorCode.INVALID_RECORD)
        assert.deepEqual(answer.recordErrors.map(({ batchIndex }) => batchIndex), [at])
        assert.match(answer.errorMessage!, /records cannot be read: /)
        assert.equal((await stored(broker)).length, 0)
        assert.equal((await produce(broker, encodeBatch(three, { timestamp: now, compression: codec }))).errorCode, KafkaErrorCode.NONE)
      })
    }
  }

  for (const [codecName, codec] of codecs) {
    it(`${codecName}: bytes that do not decompress, are cut off or go on are refused for good`, async () => {
      await using broker = await withTopic()
      const packed = compress(codec, plainOf(three))
      const bodies = [Buffer.alloc(0), Buffer.from('this is not compressed'), packed.subarray(0, packed.length - 3)]
      if (codec !== Compression.Gzip) bodies.push(Buffer.concat([packed, Buffer.from([7])]))
      for (const body of bodies) {
        const answer = await produce(broker, wrapped(body, codec))
        assert.deepEqual([answer.errorCode, answer.recordErrors], [KafkaErrorCode.INVALID_RECORD, []])
      }
      assert.equal((await stored(broker)).length, 0)
    })

    it(`${codecName}: what would decompress to too much is refused as too large, which producers split`, async () => {
      await using broker = await withTopic({ 'max.message.bytes': '100000000' }, { checks: { trustCompressed: false, decompressedBytesMax: 1 << 20 } })
      const bomb = encodeBatch([{ value: Buffer.alloc(1 << 20) }], { timestamp: now, compression: codec })
      const answer = await produce(broker, bomb)
      assert.equal(answer.errorCode, KafkaErrorCode.MESSAGE_TOO_LARGE)
      assert.match(answer.errorMessage!, /produce\.decompressedBytesMax.* max=1048576/)
      assert.equal((await produce(broker, encodeBatch([{ value: Buffer.alloc((1 << 20) - 100) }], { timestamp: now, compression: codec }))).errorCode, KafkaErrorCode.NONE)
    })

    it(`${codecName}: with trust, the header is believed, and what the topic needs is looked at all the same`, async () => {
      const checks = { trustCompressed: true, decompressedBytesMax: 1 << 20 }
      const garbage = wrapped(Buffer.from('no records at all'), codec)
      await using trusting = await withTopic({}, { checks })
      assert.equal((await produce(trusting, garbage)).errorCode, KafkaErrorCode.NONE)
      const late = encodeBatch([{ value: null, timestamp: now * 2 }], { timestamp: now, compression: codec })
      assert.equal((await produce(trusting, late)).errorCode, KafkaErrorCode.INVALID_TIMESTAMP)
      assert.equal((await produce(trusting, wrapped(Buffer.from('no records'), Compression.None))).errorCode, KafkaErrorCode.INVALID_RECORD)
      for (const configs of [{ 'cleanup.policy': 'compact' }, { 'compression.type': 'uncompressed' }] satisfies Record<string, string>[]) {
        await using needing = await withTopic(configs, { checks })
        assert.equal((await produce(needing, garbage)).errorCode, KafkaErrorCode.INVALID_RECORD)
      }
    })

    it(`${codecName}: what is too large once its codec is another is refused, header and all`, async () => {
      const batch = encodeBatch([{ value: Buffer.alloc(5_000) }], { timestamp: now, compression: codec })
      await using tight = await withTopic({ 'compression.type': 'uncompressed', 'max.message.bytes': '5000' })
      assert.equal((await produce(tight, Buffer.from(batch))).errorCode, KafkaErrorCode.MESSAGE_TOO_LARGE)
      assert.equal((await stored(tight)).length, 0)
      await using wide = await withTopic({ 'compression.type': 'uncompressed', 'max.message.bytes': '5100' })
      assert.equal((await produce(wide, Buffer.from(batch))).errorCode, KafkaErrorCode.NONE)
    })
  }

  it('a codec that nobody has defined is refused as such', async () => {
    await using broker = await withTopic()
    for (const codec of [5, 6, 7]) assert.equal((await produce(broker, wrapped(plainOf(three), codec))).errorCode, KafkaErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
  })

  // The library that they are read by leaks memory, or stack, with each failure, and reads nothing once that is used up.
  it('thousands of broken lz4 and snappy batches take no memory, and the next whole one is read', async () => {
    await using broker = await withTopic()
    const plain = encodeBatch([{ value: Buffer.from(Array.from({ length: 200_000 }, (_, index) => index ** 3 % 251)) }], { timestamp: now }).subarray(batchHeaderSize)
    const lz4 = lz4Compress(plain)
    const snappy = snappyCompress(plain.subarray(0, 1_000))
    // The last block, of a match with nothing before it.
    const block = Buffer.from('1000000010610f27ff0000000000000000000000' + '00000000', 'hex')
    const hostile = [
      { codec: Compression.Lz4, times: 3_000, whole: lz4, body: Buffer.concat([lz4.subarray(0, -4), block]) },
      { codec: Compression.Snappy, times: 8_000, whole: snappyCompress(plain), body: snappy.subarray(0, -5) }
    ]
    for (const { body, codec, times, whole } of hostile) {
      const batch = wrapped(body, codec, 1)
      const before = process.memoryUsage().external
      for (let count = 0; count < times; count++) assert.equal((await produce(broker, batch)).errorCode, KafkaErrorCode.INVALID_RECORD)
      assert.ok(process.memoryUsage().external - before < 100 * 2 ** 20)
      assert.equal((await produce(broker, wrapped(whole, codec, 1))).errorCode, KafkaErrorCode.NONE)
    }
  }).timeout(60_000)

  it('millions of headers, of which consumers make objects, are refused', async () => {
    await using broker = await withTopic()
    const headers = (count: number): Buffer => {
      // Each of an empty key and an empty value: two zero bytes.
      const body = Buffer.concat([Buffer.from([0, 0, 0, 1, 1]), varint(count), Buffer.alloc(2 * count)])
      return wrapped(compress(Compression.Gzip, Buffer.concat([varint(body.length), body])), Compression.Gzip, 1)
    }
    assert.equal((await produce(broker, headers(2 ** 21))).errorCode, KafkaErrorCode.NONE)
    const { errorCode, recordErrors } = await produce(broker, headers(2 ** 21 + 1))
    assert.deepEqual([errorCode, recordErrors.map(({ batchIndex, batchIndexErrorMessage }) => [batchIndex, batchIndexErrorMessage])],
      [KafkaErrorCode.INVALID_RECORD, [[0, 'too many headers in one batch. at=0 max=2097152']]])
  })

  it('lz4 blocks that depend on each other, which Java cannot read, are refused', async () => {
    await using broker = await withTopic()
    const frame = Buffer.from(lz4Compress(plainOf(three)))
    frame[4] = frame[4]! & ~0x20
    frame[6] = xxh32(frame, 4, 6) >>> 8
    assert.match((await produce(broker, wrapped(frame, Compression.Lz4))).errorMessage!, /depend on each other/)
  })

  const plain = plainOf(three)
  const whole = Buffer.from(lz4Compress(plain))
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(xxh32(plain, 0, plain.length))
  whole[4] = whole[4]! | 0x04
  whole[6] = xxh32(whole, 4, 6) >>> 8
  const odd: readonly { readonly name: string, readonly codec: Compression, readonly body: Uint8Array }[] = [
    { name: 'several gzip members', codec: Compression.Gzip, body: Buffer.concat([gzipSync(plain.subarray(0, 50)), gzipSync(plain.subarray(50))]) },
    { name: 'an empty gzip member before the other', codec: Compression.Gzip, body: Buffer.concat([gzipSync(''), gzipSync(plain)]) },
    { name: 'bytes behind a gzip member', codec: Compression.Gzip, body: Buffer.concat([gzipSync(plain), Buffer.from('and more')]) },
    { name: 'several zstd frames', codec: Compression.Zstd, body: Buffer.concat([zstdCompressSync(plain.subarray(0, 50)), zstdCompressSync(plain.subarray(50))]) },
    { name: 'a zstd frame to be skipped', codec: Compression.Zstd, body: Buffer.concat([Buffer.from('502a4d1802000000ffff', 'hex'), zstdCompressSync(plain)]) },
    { name: 'an lz4 frame with a checksum of its content', codec: Compression.Lz4, body: Buffer.concat([whole, checksum]) }
  ]
  for (const { body, codec, name } of odd) {
    it(`${name}: stored in the framing that every client reads`, async () => {
      await using broker = await withTopic()
      assert.equal((await produce(broker, wrapped(body, codec))).errorCode, KafkaErrorCode.NONE)
      const batch = await stored(broker)
      assert.ok(batch.subarray(batchHeaderSize).equals(compress(codec, plain)))
      assert.deepEqual(decodeRecords(batch, 1 << 20).map(({ value }) => String(value)), three.map(({ value }) => String(value)))
    })
  }
})
