import assert from 'node:assert/strict'
import type { Int64 } from '@streambed/sdk'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ApiKey } from '../../../src/protocol/messages/apis.ts'
import {
  Compression, TimestampType, attributes, baseOffset, baseSequence, baseTimestamp, batchCrc, computeCrc, lastOffsetDelta, maxTimestamp, partitionLeaderEpoch,
  producerEpoch, producerId, recordCount
} from '../../../src/protocol/records/batch-header.ts'
import { encodeBatch, type RecordInput } from '../../../src/protocol/records/encode-batch.ts'
import { BrokerFixture, type OpenBroker } from '../broker-fixture.ts'

const now = Date.UTC(2026, 0, 1)
/** Of three records; the second is the newest. */
const deltas = [0, 500, 200]
const largest = now + 500
const records: readonly RecordInput[] = deltas.map((delta, index) => ({ key: Buffer.from(`k${index}`), value: Buffer.from(`v${index}`), timestamp: now + delta }))

type Field = readonly [position: number, bytes: number]
const fields = {
  baseOffset: [0, 8], length: [8, 4], partitionLeaderEpoch: [12, 4], magic: [16, 1], crc: [17, 4], attributes: [21, 2], lastOffsetDelta: [23, 4], baseTimestamp: [27, 8],
  maxTimestamp: [35, 8], producerId: [43, 8], producerEpoch: [51, 2], baseSequence: [53, 4], recordCount: [57, 4]
} as const satisfies Readonly<Record<string, Field>>

const readers: Readonly<Record<string, (batch: Uint8Array) => Int64>> = {
  baseOffset, partitionLeaderEpoch, crc: batchCrc, attributes, lastOffsetDelta, baseTimestamp, maxTimestamp, producerId, producerEpoch, baseSequence, recordCount
}

/** A batch whose field says something else than the broker or Kafka's own producer would. */
function lying (field: keyof typeof fields, value: number, options: { readonly compression?: Compression } = {}): Buffer {
  const batch = encodeBatch(records, { timestamp: now, ...options })
  const [position, size] = fields[field]
  if (size === 8) batch.writeBigInt64BE(BigInt(value), position)
  else batch.writeIntBE(value, position, size)
  if (field !== 'crc') batch.writeUInt32BE(computeCrc(batch), fields.crc[0])
  return batch
}

async function produce (broker: OpenBroker, batch: Uint8Array, topic = 't'): Promise<number> {
  const { responses } = await broker.request(ApiKey.Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData: [{ name: topic, partitionData: [{ index: 0, records: batch }] }] })
  return responses[0]!.partitionResponses[0]!.errorCode
}

async function stored (broker: OpenBroker, topic = 't'): Promise<Uint8Array> {
  const { responses } = await broker.request(ApiKey.Fetch, 11, { maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20, currentLeaderEpoch: -1 }] }] })
  return responses[0]!.partitions[0]!.records!
}

/** The table of docs/protocol.md, field by field: what becomes of a value that is not right. */
const table: readonly { readonly field: keyof typeof fields, readonly sent: number, readonly kept?: number, readonly refused?: KafkaErrorCode }[] = [
  { field: 'baseOffset', sent: 7, refused: KafkaErrorCode.INVALID_RECORD },
  { field: 'length', sent: 9_999, refused: KafkaErrorCode.INVALID_RECORD },
  { field: 'partitionLeaderEpoch', sent: 77, kept: 0 },
  { field: 'magic', sent: 1, refused: KafkaErrorCode.INVALID_RECORD },
  { field: 'crc', sent: 1, refused: KafkaErrorCode.CORRUPT_MESSAGE },
  { field: 'attributes', sent: 0x08, kept: 0 },
  { field: 'attributes', sent: 0x20, refused: KafkaErrorCode.INVALID_RECORD },
  { field: 'attributes', sent: 0x40, refused: KafkaErrorCode.INVALID_RECORD },
  { field: 'attributes', sent: 0x80, refused: KafkaErrorCode.INVALID_RECORD },
  { field: 'lastOffsetDelta', sent: 5, refused: KafkaErrorCode.INVALID_RECORD },
  { field: 'maxTimestamp', sent: -1, kept: largest },
  { field: 'maxTimestamp', sent: now + 200, kept: largest },
  { field: 'maxTimestamp', sent: now + 10 ** 9, kept: largest },
  { field: 'producerId', sent: 9, refused: KafkaErrorCode.INVALID_RECORD },
  { field: 'producerEpoch', sent: 9, kept: 9 },
  { field: 'baseSequence', sent: 9, kept: 9 },
  { field: 'recordCount', sent: 2, refused: KafkaErrorCode.INVALID_RECORD }
]

describe('header fields of a produced batch', () => {
  for (const { field, kept, refused, sent } of table) {
    it(`${field}=${sent}: ${refused === undefined ? `stored as ${kept}` : 'refused'}`, async () => {
      await using broker = await new BrokerFixture().open()
      await broker.createTopic('t')
      assert.equal(await produce(broker, lying(field, sent)), refused ?? KafkaErrorCode.NONE)
      if (refused !== undefined) return
      const batch = await stored(broker)
      assert.equal(readers[field]!(batch), kept)
      assert.equal(batchCrc(batch), computeCrc(batch))
    })
  }

  for (const [name, compression] of Object.entries(Compression)) {
    it(`maxTimestamp is computed whatever the codec: ${name}`, async () => {
      await using broker = await new BrokerFixture().open()
      await broker.createTopic('t')
      for (const sent of [-1, now + 200]) assert.equal(await produce(broker, lying('maxTimestamp', sent, { compression })), KafkaErrorCode.NONE)
      const batch = await stored(broker)
      assert.deepEqual([maxTimestamp(batch), attributes(batch)], [largest, compression])
      const { topics } = await broker.request(ApiKey.ListOffsets, 7, { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: now + 400 }] }] })
      assert.deepEqual([topics[0]!.partitions[0]!.offset, topics[0]!.partitions[0]!.timestamp], [1, largest])
    })
  }

  it('with LogAppendTime the type and the time are the broker\'s, whatever was sent', async () => {
    const fixture = new BrokerFixture()
    await using broker = await fixture.open()
    await broker.createTopic('t', 1, { 'message.timestamp.type': 'LogAppendTime' })
    await fixture.clock.advance(5_000)
    assert.equal(await produce(broker, lying('maxTimestamp', 3)), KafkaErrorCode.NONE)
    const batch = await stored(broker)
    assert.deepEqual([maxTimestamp(batch), attributes(batch) >> 3 & 1, batchCrc(batch)], [fixture.clock.wallMs(), TimestampType.LogAppendTime, computeCrc(batch)])
  })

  it('records without a time get no time, and age from their commit: they hold up nobody behind them', async () => {
    const fixture = new BrokerFixture()
    await using broker = await fixture.open({ kafka: { 'log.retention.check.interval.ms': '1000' } })
    await broker.createTopic('t', 1, { 'retention.ms': '10000' })
    const startOffset = async (): Promise<number> => {
      const { topics } = await broker.request(ApiKey.ListOffsets, 7, { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -2 }] }] })
      return topics[0]!.partitions[0]!.offset
    }
    for (const timestamp of [-1, fixture.clock.wallMs(), -1]) {
      assert.equal(await produce(broker, encodeBatch([{ key: null, value: Buffer.from('v'), timestamp }], { timestamp })), KafkaErrorCode.NONE)
      await broker.engine.flush()
    }
    assert.equal(maxTimestamp(await stored(broker)), -1)
    await fixture.clock.run(9_000)
    assert.equal(await startOffset(), 0)
    await fixture.clock.run(3_000)
    assert.equal(await startOffset(), 3)
  })
})
