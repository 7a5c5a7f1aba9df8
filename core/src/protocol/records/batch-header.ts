import { highOf, int64Of, lowOf, type Int64 } from '@streambed/sdk'
import { corrupt } from '../protocol-error.ts'
import { crc32c } from './crc32c.ts'

/**
 * The header of a record batch, magic 2, field by field at its place; nothing is allocated. `at` is where the batch
 * begins in `bytes`. Only `checkBatch` and the iteration in batches.ts look whether there is a batch: call them first.
 */

const lengthPosition = 8
const leaderEpochPosition = 12
/** The format version has the same place in all formats. */
export const magicPosition = 16
const crcPosition = 17
const attributesPosition = 21
const lastOffsetDeltaPosition = 23
const baseTimestampPosition = 27
const maxTimestampPosition = 35
const producerIdPosition = 43
const producerEpochPosition = 51
const baseSequencePosition = 53
const recordCountPosition = 57

/** Size of the header; the records follow. */
export const batchHeaderSize = 61
/** The part that `batchLength` does not count: base offset and the length itself. */
export const batchPrefixSize = 12

export const Compression = { None: 0, Gzip: 1, Snappy: 2, Lz4: 3, Zstd: 4 } as const
export type Compression = (typeof Compression)[keyof typeof Compression]

export const TimestampType = { CreateTime: 0, LogAppendTime: 1 } as const
export type TimestampType = (typeof TimestampType)[keyof typeof TimestampType]

const timestampTypeBit = 0x08
const transactionalBit = 0x10
const controlBit = 0x20
const deleteHorizonBit = 0x40

/** Of a batch that the log holds. Throws CORRUPT beyond 2^53: no log reaches that far. */
export function baseOffset (bytes: Uint8Array, at = 0): number {
  const offset = readInt64(bytes, at)
  if (typeof offset !== 'number') throw corrupt(`base offset outside the safe integers. at=${at} baseOffset=${offset}`)
  return offset
}

/** As a producer sends it, whatever it is. */
export function sentBaseOffset (bytes: Uint8Array): Int64 {
  return readInt64(bytes, 0)
}

/** The whole batch, header included, in bytes. */
export function batchSize (bytes: Uint8Array, at = 0): number {
  return readInt32(bytes, at + lengthPosition) + batchPrefixSize
}

export function partitionLeaderEpoch (bytes: Uint8Array, at = 0): number {
  return readInt32(bytes, at + leaderEpochPosition)
}

export function magic (bytes: Uint8Array, at = 0): number {
  return readInt8(bytes, at + magicPosition)
}

/** The stored sum, unsigned. */
export function batchCrc (bytes: Uint8Array, at = 0): number {
  return readInt32(bytes, at + crcPosition) >>> 0
}

export function attributes (bytes: Uint8Array, at = 0): number {
  return readInt16(bytes, at + attributesPosition)
}

/** The codec in the attributes: one of Compression, or 5 to 7, which no Kafka has defined. */
export function compressionOf (bytes: Uint8Array, at = 0): number {
  return attributes(bytes, at) & 0x07
}

export function timestampType (bytes: Uint8Array, at = 0): TimestampType {
  return (attributes(bytes, at) & timestampTypeBit) === 0 ? TimestampType.CreateTime : TimestampType.LogAppendTime
}

export function isTransactional (bytes: Uint8Array, at = 0): boolean {
  return (attributes(bytes, at) & transactionalBit) !== 0
}

export function isControl (bytes: Uint8Array, at = 0): boolean {
  return (attributes(bytes, at) & controlBit) !== 0
}

/** True when `baseTimestamp` holds the time after which compaction may drop the batch's tombstones. */
export function hasDeleteHorizon (bytes: Uint8Array, at = 0): boolean {
  return (attributes(bytes, at) & deleteHorizonBit) !== 0
}

export function lastOffsetDelta (bytes: Uint8Array, at = 0): number {
  return readInt32(bytes, at + lastOffsetDeltaPosition)
}

export function lastOffset (bytes: Uint8Array, at = 0): number {
  return baseOffset(bytes, at) + lastOffsetDelta(bytes, at)
}

/** The offset that follows the batch. */
export function nextOffset (bytes: Uint8Array, at = 0): number {
  return lastOffset(bytes, at) + 1
}

/** In ms, or whatever the client means by it. */
export function baseTimestamp (bytes: Uint8Array, at = 0): Int64 {
  return readInt64(bytes, at + baseTimestampPosition)
}

/** As `baseTimestamp`. */
export function maxTimestamp (bytes: Uint8Array, at = 0): Int64 {
  return readInt64(bytes, at + maxTimestampPosition)
}

/** −1 when the producer has none. */
export function producerId (bytes: Uint8Array, at = 0): Int64 {
  return readInt64(bytes, at + producerIdPosition)
}

export function producerEpoch (bytes: Uint8Array, at = 0): number {
  return readInt16(bytes, at + producerEpochPosition)
}

/** −1 when the producer is not idempotent. */
export function baseSequence (bytes: Uint8Array, at = 0): number {
  return readInt32(bytes, at + baseSequencePosition)
}

/** The sequence of the last record: it goes round after 2^31 − 1. −1 when the producer is not idempotent. */
export function lastSequence (bytes: Uint8Array, at = 0): number {
  const first = baseSequence(bytes, at)
  return first < 0 ? first : first + lastOffsetDelta(bytes, at) & 0x7fff_ffff
}

export function recordCount (bytes: Uint8Array, at = 0): number {
  return readInt32(bytes, at + recordCountPosition)
}

/** Sets what the broker assigns on append, in place. Both fields lie before the range of the CRC, which stays right. */
export function patchBatch (bytes: Uint8Array, offset: number, leaderEpoch: number, at = 0): void {
  writeInt64(bytes, at, offset)
  writeInt32(bytes, at + leaderEpochPosition, leaderEpoch)
}

/**
 * Sets the kind of timestamp and the largest one, in ms, in place: -1 where no record has one. The CRC covers both, so the whole
 * batch is summed again, unless it says so already.
 */
export function patchTimestamps (bytes: Uint8Array, type: TimestampType, largestMs: Int64, at = 0): void {
  if (timestampType(bytes, at) === type && maxTimestamp(bytes, at) === largestMs) return
  const flags = type === TimestampType.LogAppendTime ? attributes(bytes, at) | timestampTypeBit : attributes(bytes, at) & ~timestampTypeBit
  bytes[at + attributesPosition] = flags >>> 8
  bytes[at + attributesPosition + 1] = flags
  writeInt64(bytes, at + maxTimestampPosition, largestMs)
  writeInt32(bytes, at + crcPosition, computeCrc(bytes, at))
}

/** The CRC-32C that the batch should have. The batch must lie within `bytes`. */
export function computeCrc (bytes: Uint8Array, at = 0): number {
  return crc32c(bytes.subarray(at + attributesPosition, at + batchSize(bytes, at)))
}

export function isCrcValid (bytes: Uint8Array, at = 0): boolean {
  return computeCrc(bytes, at) === batchCrc(bytes, at)
}

/**
 * Sees that a whole batch of magic 2 begins at `at` and returns its size in bytes. Not its CRC: see `isCrcValid`.
 * Throws CORRUPT for anything else.
 */
export function checkBatch (bytes: Uint8Array, at = 0): number {
  const left = bytes.length - at
  if (left < batchHeaderSize) throw corrupt(`batch ends within its header. at=${at} left=${left}`)
  const version = magic(bytes, at)
  if (version !== 2) throw corrupt(`batch is not of magic 2. at=${at} magic=${version}`)
  const size = batchSize(bytes, at)
  if (size < batchHeaderSize || size > left) throw corrupt(`batch length does not fit. at=${at} size=${size} left=${left}`)
  return size
}

function readInt8 (bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 >> 24
}

function readInt16 (bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16) >> 16
}

function readInt32 (bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!
}

function readInt64 (bytes: Uint8Array, at: number): Int64 {
  return int64Of(readInt32(bytes, at), readInt32(bytes, at + 4) >>> 0)
}

function writeInt32 (bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function writeInt64 (bytes: Uint8Array, at: number, value: Int64): void {
  writeInt32(bytes, at, highOf(value))
  writeInt32(bytes, at + 4, lowOf(value))
}
