import assert from 'node:assert/strict'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ApiKey } from '../../../src/protocol/messages/apis.ts'
import { Compression, baseOffset, compressionOf, maxTimestamp, nextOffset, timestampType } from '../../../src/protocol/records/batch-header.ts'
import { batches } from '../../../src/protocol/records/batches.ts'
import { decodeRecords } from '../../../src/protocol/records/decode-records.ts'
import { encodeBatch, type BatchOptions } from '../../../src/protocol/records/encode-batch.ts'
import { BrokerFixture, type OpenBroker } from '../broker-fixture.ts'

const now = Date.UTC(2026, 0, 1)

function batchOf (count: number, options: Partial<BatchOptions> & { readonly label?: string } = {}): Buffer {
  return encodeBatch(Array.from({ length: count }, (_, index) => ({ key: Buffer.from(`k${index}`), value: Buffer.from(`${options.label ?? 'v'}${index}`) })), { timestamp: now, ...options })
}

async function produce (broker: OpenBroker, records: Uint8Array, options: { readonly acks?: number, readonly version?: number, readonly topic?: string } = {}) {
  const answer = await broker.send(ApiKey.Produce, options.version ?? 9, { transactionalId: null, acks: options.acks ?? -1, timeoutMs: 1_000, topicData: [{ name: options.topic ?? 't', partitionData: [{ index: 0, records }] }] })
  return typeof answer === 'string' ? answer : answer.responses[0]!.partitionResponses[0]!
}

async function codeOf (broker: OpenBroker, records: Uint8Array, options: { readonly acks?: number, readonly version?: number, readonly topic?: string } = {}): Promise<KafkaErrorCode | string> {
  const answer = await produce(broker, records, options)
  return typeof answer === 'string' ? answer : answer.errorCode as KafkaErrorCode
}

async function fetch (broker: OpenBroker, fetchOffset: number, options: { readonly partitionMaxBytes?: number, readonly maxBytes?: number, readonly topic?: string, readonly epoch?: number } = {}) {
  const { responses } = await broker.request(ApiKey.Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: options.maxBytes ?? 1 << 20,
    topics: [{ topic: options.topic ?? 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: options.partitionMaxBytes ?? 1 << 20, currentLeaderEpoch: options.epoch ?? -1 }] }]
  })
  const found = responses[0]!.partitions[0]!
  return { ...found, places: [...batches(found.records ?? Buffer.alloc(0))], bytes: found.records ?? Buffer.alloc(0) }
}

async function withTopic (configs: Readonly<Record<string, string>> = {}): Promise<OpenBroker> {
  const broker = await new BrokerFixture().open()
  await broker.createTopic('t', 1, configs)
  return broker
}

describe('produce', () => {
  it('gives dense offsets in order, also to requests that are in flight together', async () => {
    await using broker = await withTopic()
    const answers = await Promise.all([3, 1, 2].map(count => produce(broker, batchOf(count))))
    assert.deepEqual(answers.map(answer => typeof answer === 'string' ? answer : answer.baseOffset), [0, 3, 4])
    const { bytes, highWatermark, places } = await fetch(broker, 0)
    assert.equal(highWatermark, 6)
    assert.deepEqual(places.map(({ at }) => baseOffset(bytes, at)), [0, 3, 4])
  })

  it('acks=0 gets no answer; with an error the connection is closed', async () => {
    await using broker = await withTopic()
    assert.equal(await produce(broker, batchOf(1), { acks: 0 }), 'noReply')
    assert.equal(await produce(broker, batchOf(1), { acks: 0, topic: 'absent' }), 'close')
    assert.equal((await fetch(broker, 0)).highWatermark, 1)
  })

  const damage = (change: (batch: Buffer) => void): Buffer => {
    const batch = batchOf(2)
    change(batch)
    return batch
  }
  const legacySet = (format: number, size: number): Buffer => {
    const set = Buffer.alloc(size)
    set.writeInt32BE(size - 12, 8)
    set[16] = format
    return set
  }
  const refusals: { readonly name: string, readonly records: Uint8Array, readonly code: KafkaErrorCode, readonly version?: number, readonly acks?: number, readonly topic?: string, readonly configs?: Readonly<Record<string, string>> }[] = [
    { name: 'a flipped bit', records: damage(batch => { batch[batch.length - 1]! ^= 1 }), code: KafkaErrorCode.CORRUPT_MESSAGE },
    { name: 'half a batch', records: batchOf(2).subarray(0, 80), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'a batch cut short within its header', records: batchOf(2).subarray(0, 40), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'ten bytes', records: batchOf(2).subarray(0, 10), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'sixteen bytes', records: batchOf(2).subarray(0, 16), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'a length that no batch has', records: damage(batch => { batch.writeInt32BE(13, 8) }), code: KafkaErrorCode.CORRUPT_MESSAGE },
    { name: 'a negative length', records: damage(batch => { batch.writeInt32BE(-1, 8) }), code: KafkaErrorCode.CORRUPT_MESSAGE },
    { name: 'a length within the header', records: damage(batch => { batch.writeInt32BE(40, 8) }), code: KafkaErrorCode.CORRUPT_MESSAGE },
    { name: 'a format of the future', records: damage(batch => { batch[16] = 3 }), code: KafkaErrorCode.CORRUPT_MESSAGE },
    { name: 'half a batch of a format of the future', records: damage(batch => { batch[16] = 3 }).subarray(0, 80), code: KafkaErrorCode.CORRUPT_MESSAGE },
    { name: 'a negative format', records: damage(batch => { batch[16] = 0xff }), code: KafkaErrorCode.CORRUPT_MESSAGE },
    { name: 'a set of format 0 of 30 bytes', records: legacySet(0, 30), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'a set of format 1 of 38 bytes', records: legacySet(1, 38), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'a producer id without an epoch', records: batchOf(1, { producerId: 1, producerEpoch: -1, baseSequence: 0 }), code: KafkaErrorCode.INVALID_PRODUCER_EPOCH },
    { name: 'two batches', records: Buffer.concat([batchOf(1), batchOf(1)]), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'an old format', records: damage(batch => { batch[16] = 1 }), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'a control batch', records: batchOf(1, { isControl: true }), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'a base offset', records: batchOf(1, { baseOffset: 5 }), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'a transactional batch', records: batchOf(1, { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }), code: KafkaErrorCode.INVALID_TXN_STATE },
    { name: 'a producer id without a sequence', records: batchOf(1, { producerId: 1, producerEpoch: 0 }), code: KafkaErrorCode.INVALID_RECORD },
    { name: 'zstd before version 7', records: batchOf(1, { compression: Compression.Zstd }), version: 6, code: KafkaErrorCode.UNSUPPORTED_COMPRESSION_TYPE },
    { name: 'a batch over max.message.bytes', records: batchOf(100), configs: { 'max.message.bytes': '100' }, code: KafkaErrorCode.MESSAGE_TOO_LARGE },
    { name: 'a time too far ahead', records: batchOf(1, { timestamp: now + 7_200_000 }), code: KafkaErrorCode.INVALID_TIMESTAMP },
    { name: 'no key on a compacted topic', records: encodeBatch([{ value: Buffer.from('v') }], { timestamp: now }), configs: { 'cleanup.policy': 'compact' }, code: KafkaErrorCode.INVALID_RECORD },
    { name: 'acks of 2', records: batchOf(1), acks: 2, code: KafkaErrorCode.INVALID_REQUIRED_ACKS },
    { name: 'an unknown topic', records: batchOf(1), topic: 'absent', code: KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    { name: 'no records', records: Buffer.alloc(0), code: KafkaErrorCode.INVALID_RECORD }
  ]
  for (const { code, configs, name, records, ...options } of refusals) {
    it(`refuses ${name} and stores nothing`, async () => {
      await using broker = await withTopic(configs)
      assert.equal(await codeOf(broker, records, options), code)
      assert.equal((await fetch(broker, 0)).highWatermark, 0)
    })
  }

  it('names each record that is wrong', async () => {
    await using broker = await withTopic({ 'cleanup.policy': 'compact' })
    const answer = await produce(broker, encodeBatch([{ key: Buffer.from('k'), value: null }, { value: null }], { timestamp: now }))
    assert.ok(typeof answer !== 'string')
    assert.deepEqual(answer.recordErrors.map(({ batchIndex }) => batchIndex), [1])
  })

  it('a repeated idempotent batch is answered with its first offset and stored once, also after a restart', async () => {
    const fixture = new BrokerFixture()
    const first = await fixture.open()
    await first.createTopic('t', 1)
    const { producerEpoch, producerId } = await first.request(ApiKey.InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
    const batch = (baseSequence: number): Buffer => batchOf(2, { producerId, producerEpoch, baseSequence })
    const offsets = async (broker: OpenBroker, sequences: readonly number[]): Promise<unknown[]> => {
      const answers = await Promise.all(sequences.map(sequence => produce(broker, batch(sequence))))
      return answers.map(answer => typeof answer === 'string' ? answer : answer.errorCode === 0 ? answer.baseOffset : answer.errorCode)
    }
    assert.deepEqual(await offsets(first, [0, 0, 2, 2, 6]), [0, 0, 2, 2, KafkaErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER])
    // No close: the process is gone, and what it knew of producers comes from the log.
    await using second = await fixture.open()
    assert.deepEqual(await offsets(second, [2, 4, 4]), [2, 4, 4])
    assert.equal((await fetch(second, 0)).highWatermark, 6)
    const other = await second.request(ApiKey.InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
    assert.notEqual(other.producerId, producerId, 'ids are never handed out twice')
  })

  it('LogAppendTime stamps the batch and tells the producer', async () => {
    await using broker = await withTopic({ 'message.timestamp.type': 'LogAppendTime' })
    const answer = await produce(broker, batchOf(1, { timestamp: 5 }))
    assert.ok(typeof answer !== 'string' && answer.logAppendTimeMs >= now)
    const { bytes } = await fetch(broker, 0)
    assert.deepEqual([timestampType(bytes), maxTimestamp(bytes)], [1, answer.logAppendTimeMs])
  })

  for (const [name, codec] of Object.entries({ gzip: Compression.Gzip, snappy: Compression.Snappy, lz4: Compression.Lz4, zstd: Compression.Zstd })) {
    it(`${name} batches come back as they were sent, and are made where the topic wants them`, async () => {
      await using broker = await withTopic()
      await broker.createTopic(name, 1, { 'compression.type': name })
      await produce(broker, batchOf(3, { compression: codec }))
      await produce(broker, batchOf(3), { topic: name })
      for (const topic of ['t', name]) {
        const { bytes } = await fetch(broker, 0, { topic })
        assert.equal(compressionOf(bytes), codec)
        assert.deepEqual(decodeRecords(bytes, 1 << 20).map(({ offset, value }) => `${offset}:${Buffer.from(value!).toString()}`), ['0:v0', '1:v1', '2:v2'])
      }
    })
  }
})

describe('fetch', () => {
  it('an offset inside a batch returns that whole batch', async () => {
    await using broker = await withTopic()
    await produce(broker, batchOf(10))
    await produce(broker, batchOf(10))
    const { bytes, places } = await fetch(broker, 7)
    assert.deepEqual(places.map(({ at }) => baseOffset(bytes, at)), [0, 10])
  })

  it('the first batch comes whole, whatever the limits; later ones keep to them (KIP-74)', async () => {
    await using broker = await withTopic()
    for (let round = 0; round < 3; round++) await produce(broker, batchOf(10))
    assert.equal((await fetch(broker, 0, { partitionMaxBytes: 1 })).places.length, 1)
    assert.equal((await fetch(broker, 0, { maxBytes: 1 })).places.length, 1)
    assert.equal((await fetch(broker, 0, { partitionMaxBytes: 2 * batchOf(10).length })).places.length, 2)
  })

  it('only the first partition that has something may give more than its limit (KIP-74)', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('t', 3)
    for (const index of [1, 2]) await broker.produce('t', index, [{ key: null, value: Buffer.alloc(1_000) }], { timestamp: now })
    const { responses } = await broker.request(ApiKey.Fetch, 11, {
      maxWaitMs: 0, minBytes: 1, topics: [{ topic: 't', partitions: [0, 1, 2].map(partition => ({ partition, fetchOffset: 0, partitionMaxBytes: 100 })) }]
    })
    assert.deepEqual(responses[0]!.partitions.map(({ errorCode, highWatermark, records }) => [errorCode, highWatermark, (records?.length ?? 0) > 0]), [[0, 0, false], [0, 1, true], [0, 1, false]])
  })

  it('tells offsets out of range, fenced and unknown epochs, and unknown topics by their codes', async () => {
    await using broker = await withTopic()
    await produce(broker, batchOf(1))
    assert.equal((await fetch(broker, 2)).errorCode, KafkaErrorCode.OFFSET_OUT_OF_RANGE)
    assert.equal((await fetch(broker, -1)).errorCode, KafkaErrorCode.OFFSET_OUT_OF_RANGE)
    assert.equal((await fetch(broker, 0, { epoch: 9 })).errorCode, KafkaErrorCode.UNKNOWN_LEADER_EPOCH)
    assert.equal((await fetch(broker, 0, { topic: 'absent' })).errorCode, KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert.deepEqual([(await fetch(broker, 1)).errorCode, (await fetch(broker, 1)).highWatermark], [0, 1])
  })

  it('waits for data and is answered by the append, or by the time', async () => {
    const fixture = new BrokerFixture()
    await using broker = await fixture.open()
    await broker.createTopic('t', 1)
    const poll = () => broker.request(ApiKey.Fetch, 11, { maxWaitMs: 5_000, minBytes: 1, topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }] })
    const late = poll()
    await fixture.clock.run(4_999)
    await produce(broker, batchOf(1))
    assert.equal((await late).responses[0]!.partitions[0]!.highWatermark, 1)
    const never = broker.request(ApiKey.Fetch, 11, { maxWaitMs: 100, minBytes: 1 << 20, topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }] })
    await fixture.clock.run(100)
    assert.equal((await never).responses[0]!.partitions[0]!.records!.length > 0, true, 'the time is up: what is there is given')
  })

  it('a topic that is deleted wakes who waits for it', async () => {
    const fixture = new BrokerFixture()
    await using broker = await fixture.open()
    await broker.createTopic('t', 1)
    const waiting = broker.request(ApiKey.Fetch, 11, { maxWaitMs: 60_000, minBytes: 1, topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 }] }] })
    await fixture.clock.run(1)
    await broker.request(ApiKey.DeleteTopics, 3, { topicNames: ['t'], timeoutMs: 1_000 })
    assert.equal((await waiting).responses[0]!.partitions[0]!.errorCode, KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('reads the same from memory, from objects and after a restart', async () => {
    const fixture = new BrokerFixture()
    const first = await fixture.open({ storage: { logCacheBytesMax: 3_000, blockBytes: 1_500 } })
    await first.createTopic('t', 1)
    for (let round = 0; round < 20; round++) {
      await produce(first, batchOf(2, { label: `r${round}-` }))
      if (round % 6 === 5) await first.engine.flush()
    }
    const read = async (broker: OpenBroker): Promise<string> => {
      const parts: string[] = []
      for (let offset = 0; offset < 40;) {
        const { bytes, places } = await fetch(broker, offset)
        for (const { at } of places) {
          parts.push(...decodeRecords(bytes, 1 << 20, at).map(record => `${record.offset}=${Buffer.from(record.value!).toString()}`))
          offset = nextOffset(bytes, at)
        }
      }
      return parts.join()
    }
    const before = await read(first)
    assert.equal(before.split(',').length, 40)
    await using second = await fixture.open({ storage: { logCacheBytesMax: 3_000, blockBytes: 1_500 } })
    assert.equal(await read(second), before)
  })

  it('a session that we never opened is not found; asking for one gets a full answer without it (KIP-227)', async () => {
    await using broker = await withTopic()
    const unknown = await broker.request(ApiKey.Fetch, 11, { maxWaitMs: 0, minBytes: 0, sessionId: 5, sessionEpoch: 1, topics: [] })
    assert.equal(unknown.errorCode, KafkaErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    const opening = await broker.request(ApiKey.Fetch, 11, { maxWaitMs: 0, minBytes: 0, sessionId: 0, sessionEpoch: 0, topics: [] })
    assert.deepEqual([opening.errorCode, opening.sessionId], [0, 0])
  })
})

describe('offsets by time, and deleted records', () => {
  async function offsetFor (broker: OpenBroker, timestamp: number): Promise<[number, number]> {
    const { topics } = await broker.request(ApiKey.ListOffsets, 8, { replicaId: -1, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }] })
    const { offset, timestamp: found } = topics[0]!.partitions[0]!
    return [offset, Number(found)]
  }

  it('a time is answered exactly: the first record, in offset order, that is not older', async () => {
    await using broker = await withTopic()
    const at = (...times: readonly number[]): Buffer => encodeBatch(times.map(timestamp => ({ value: Buffer.from('v'), timestamp: now + timestamp })), { timestamp: now, compression: Compression.Gzip })
    await produce(broker, at(10, 30, 20))
    await broker.engine.flush()
    await produce(broker, at(25, 40))
    assert.deepEqual(await Promise.all([0, 10, 11, 31, 41].map(time => offsetFor(broker, now + time))), [[0, now + 10], [0, now + 10], [1, now + 30], [4, now + 40], [-1, -1]])
    assert.deepEqual(await Promise.all([-1, -2, -3, -4].map(time => offsetFor(broker, time))), [[5, -1], [0, -1], [4, now + 40], [0, -1]])
  })

  for (const times of [[10, 50, 20, 30], [50, 10, 30, 20, 30, 30], [50, 40, 7, 8, 6]]) {
    for (const isUploaded of [false, true]) {
      it(`the largest time of what is left after a part of a batch is deleted is exact: ${times.join()} ${isUploaded ? 'in objects' : 'in memory'}`, async () => {
        await using broker = await withTopic()
        await produce(broker, encodeBatch(times.map(time => ({ value: Buffer.from('v'), timestamp: now + time })), { timestamp: now }))
        if (isUploaded) await broker.engine.flush()
        await broker.request(ApiKey.DeleteRecords, 2, { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 2 }] }], timeoutMs: 1_000 })
        const left = times.slice(2)
        const largest = Math.max(...left)
        assert.deepEqual(await offsetFor(broker, -3), [2 + left.indexOf(largest), now + largest])
      })
    }
  }

  it('deleted records are out of range, the start moves, and never back', async () => {
    await using broker = await withTopic()
    for (let round = 0; round < 4; round++) await produce(broker, batchOf(5))
    const remove = async (offset: number) => (await broker.request(ApiKey.DeleteRecords, 2, { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset }] }], timeoutMs: 1_000 })).topics[0]!.partitions[0]!
    assert.deepEqual([(await remove(7)).lowWatermark, (await remove(3)).lowWatermark], [7, 7])
    assert.equal((await remove(21)).errorCode, KafkaErrorCode.OFFSET_OUT_OF_RANGE)
    assert.equal((await fetch(broker, 6)).errorCode, KafkaErrorCode.OFFSET_OUT_OF_RANGE)
    assert.deepEqual([(await fetch(broker, 7)).logStartOffset, (await offsetFor(broker, -2))[0]], [7, 7])
    assert.equal((await remove(-1)).lowWatermark, 20)
  })

  it('offsets beyond 2^31 are right', async () => {
    const fixture = new BrokerFixture()
    await using broker = await fixture.open()
    await broker.createTopic('t', 1)
    const { dataStreamId } = broker.metadata.image.topicNamed('t')!.partitions[0]!
    const stream = broker.engine.stream(dataStreamId)
    // A compacted stretch, as far as the engine is concerned: one batch that covers three thousand million offsets.
    const filler = batchOf(1)
    await stream.append({ baseOffset: 0, count: 3_000_000_000, largestTimestamp: now, bytes: filler }).durable
    const answer = await produce(broker, batchOf(2))
    assert.ok(typeof answer !== 'string' && answer.baseOffset === 3_000_000_000)
    await broker.engine.flush()
    const { bytes, highWatermark } = await fetch(broker, 3_000_000_001)
    assert.deepEqual([baseOffset(bytes), highWatermark], [3_000_000_000, 3_000_000_002])
  })
})
