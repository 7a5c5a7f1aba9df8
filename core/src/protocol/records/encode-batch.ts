import { highOf, lowOf, type Int64 } from '@streambed/sdk'
import { unencodable } from '../protocol-error.ts'
import { Compression, TimestampType, batchHeaderSize, batchPrefixSize, computeCrc } from './batch-header.ts'
import { compress } from './compression.ts'
import { writeZigZagVarint, writeZigZagVarlong, zigZagVarintSize, zigZagVarlongSize } from './varint.ts'

export interface RecordInput {
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
  readonly headers?: ReadonlyArray<{ readonly key: string, readonly value: Uint8Array | null }>
  /** In ms; the batch's `timestamp` when left out. */
  readonly timestamp?: number
}

export interface BatchOptions {
  /** In ms; for the records that have none of their own, and in a control batch. */
  readonly timestamp: number
  /** 0, as producers must send, when left out. */
  readonly baseOffset?: number
  /** −1, as producers send, when left out. */
  readonly partitionLeaderEpoch?: number
  readonly compression?: Compression
  readonly timestampType?: TimestampType
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  /** All three −1, meaning none, when left out. */
  readonly producerId?: Int64
  readonly producerEpoch?: number
  readonly baseSequence?: number
}

/**
 * Builds a record batch, magic 2, with dense offsets and a right CRC: for the CLI, internal topics and tests.
 * Throws UNENCODABLE without records: Kafka has no empty batches.
 */
export function encodeBatch (records: readonly RecordInput[], options: BatchOptions): Buffer {
  const first = records[0]
  if (first === undefined) throw unencodable('a batch has at least one record')
  const baseTimestamp = first.timestamp ?? options.timestamp
  const sizes = records.map((record, i) => bodySize(record, (record.timestamp ?? options.timestamp) - baseTimestamp, i))
  const plain = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + zigZagVarintSize(size) + size, 0))
  let at = 0
  let maxTimestamp = baseTimestamp
  for (const [i, record] of records.entries()) {
    const timestamp = record.timestamp ?? options.timestamp
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    at = writeRecord(plain, at, record, sizes[i] as number, timestamp - baseTimestamp, i)
  }
  const body = compress(options.compression ?? Compression.None, plain)
  const batch = Buffer.allocUnsafe(batchHeaderSize + body.length)
  writeHeader(batch, options, records.length, baseTimestamp, maxTimestamp)
  batch.set(body, batchHeaderSize)
  batch.writeUInt32BE(computeCrc(batch), 17)
  return batch
}

/**
 * A batch without records that covers `count` offsets, 1 to 2^31, from `baseOffset` on: what compaction leaves of a batch, and clients
 * pass over.
 */
export function encodeEmptyBatch (baseOffset: number, count: number, options: { readonly partitionLeaderEpoch: number }): Buffer {
  if (!Number.isInteger(count) || count < 1 || count > 2 ** 31) throw unencodable(`a batch covers 1 to 2^31 offsets. count=${count}`)
  const batch = Buffer.alloc(batchHeaderSize)
  writeHeader(batch, { timestamp: -1, baseOffset, ...options }, 0, -1, -1)
  batch.writeInt32BE(count - 1, 23)
  batch.writeUInt32BE(computeCrc(batch), 17)
  return batch
}

function writeHeader (batch: Buffer, options: BatchOptions, count: number, baseTimestamp: number, maxTimestamp: number): void {
  const flags = (options.compression ?? Compression.None) |
    (options.timestampType === TimestampType.LogAppendTime ? 0x08 : 0) |
    (options.isTransactional === true ? 0x10 : 0) |
    (options.isControl === true ? 0x20 : 0)
  writeInt64(batch, options.baseOffset ?? 0, 0)
  batch.writeInt32BE(batch.length - batchPrefixSize, 8)
  batch.writeInt32BE(options.partitionLeaderEpoch ?? -1, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(flags, 21)
  batch.writeInt32BE(count - 1, 23)
  writeInt64(batch, baseTimestamp, 27)
  writeInt64(batch, maxTimestamp, 35)
  writeInt64(batch, options.producerId ?? -1, 43)
  batch.writeInt16BE(options.producerEpoch ?? -1, 51)
  batch.writeInt32BE(options.baseSequence ?? -1, 53)
  batch.writeInt32BE(count, 57)
}

function writeInt64 (bytes: Buffer, value: Int64, at: number): void {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw unencodable(`not a safe integer. value=${value}`)
  bytes.writeInt32BE(highOf(value), at)
  bytes.writeUInt32BE(lowOf(value), at + 4)
}

function bodySize (record: RecordInput, timestampDelta: number, offsetDelta: number): number {
  if (!Number.isSafeInteger(timestampDelta)) throw unencodable(`timestamp is not a safe integer. record=${offsetDelta}`)
  const headers = record.headers ?? []
  let size = 1 + zigZagVarlongSize(timestampDelta) + zigZagVarintSize(offsetDelta) +
    fieldSize(record.key) + fieldSize(record.value) + zigZagVarintSize(headers.length)
  for (const { key, value } of headers) {
    const keySize = Buffer.byteLength(key)
    size += zigZagVarintSize(keySize) + keySize + fieldSize(value)
  }
  return size
}

function fieldSize (bytes: Uint8Array | null | undefined): number {
  return bytes == null ? 1 : zigZagVarintSize(bytes.length) + bytes.length
}

function writeRecord (out: Buffer, start: number, record: RecordInput, size: number, timestampDelta: number, offsetDelta: number): number {
  let at = writeZigZagVarint(out, start, size)
  out[at++] = 0
  at = writeZigZagVarlong(out, at, timestampDelta)
  at = writeZigZagVarint(out, at, offsetDelta)
  at = writeField(out, at, record.key)
  at = writeField(out, at, record.value)
  const headers = record.headers ?? []
  at = writeZigZagVarint(out, at, headers.length)
  for (const { key, value } of headers) {
    at = writeZigZagVarint(out, at, Buffer.byteLength(key))
    at += out.write(key, at, 'utf8')
    at = writeField(out, at, value)
  }
  return at
}

function writeField (out: Buffer, at: number, bytes: Uint8Array | null | undefined): number {
  if (bytes == null) return writeZigZagVarint(out, at, -1)
  const start = writeZigZagVarint(out, at, bytes.length)
  out.set(bytes, start)
  return start + bytes.length
}
