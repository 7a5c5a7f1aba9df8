import { addInt64, type Int64 } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { TooLargeError } from '../../protocol/protocol-error.ts'
import {
  Compression, attributes, baseSequence, baseTimestamp, batchHeaderSize, batchPrefixSize, batchSize, compressionOf, isControl, isCrcValid,
  isTransactional, lastOffsetDelta, magic, magicPosition, maxTimestamp, producerEpoch, producerId, recordCount, sentBaseOffset
} from '../../protocol/records/batch-header.ts'
import { decompressFramed } from '../../protocol/records/compression.ts'
import { RecordCursor } from '../../protocol/records/record-cursor.ts'
import { KafkaError } from '../kafka-error.ts'
import type { BatchChecks } from './batch-checks.ts'
import type { PartitionConfig } from './partition-config.ts'

/** Unused attribute bits, and the delete horizon, which only compaction sets. */
const forbiddenAttributes = 0xff80 | 0x40
const zstdVersionMin = 7
/** No batch of any format is smaller: offset, size, and the 14 bytes that a record of format 0 has at least. */
const legacyBatchSizeMin = batchPrefixSize + 14
/** Of the records that are wrong, this many are told: an answer must not outgrow its request. */
const problemsMax = 100

const cursor = new RecordCursor()

/** A record that makes its whole batch invalid. */
export interface RecordProblem { readonly batchIndex: number, readonly message: string }

export class InvalidRecordsError extends KafkaError {
  readonly problems: readonly RecordProblem[]
  constructor (code: KafkaErrorCode, message: string, problems: readonly RecordProblem[]) {
    super(code, message)
    this.problems = problems
  }
}

/** What a batch was found to be. */
export interface ValidBatch {
  /** Of its records, in ms; -1 when none has a time. */
  readonly largestTimestamp: Int64
  /** The codec that it is to be stored with. */
  readonly codec: number
  /** Its records, not compressed, where they are to be framed anew; undefined where the batch can be stored as it came. */
  readonly reframed: Uint8Array | undefined
}

/** What a batch is held against. */
export interface Judgement {
  readonly config: PartitionConfig
  readonly checks: BatchChecks
  readonly nowMs: number
  /** The version of the request that brought it. */
  readonly produceVersion: number
}

/**
 * Checks what a producer sent for one partition: exactly one whole, intact batch that this topic may hold, compressed or not; what the
 * header says of the records is not believed, unless the settings say so. Throws a KafkaError whose code makes a producer give the
 * batch up, or split it, but for a wrong CRC, which another attempt may mend. docs/protocol.md has the table of what is checked,
 * computed, and the client's.
 */
export function validateBatch (bytes: Uint8Array, judgement: Judgement): ValidBatch {
  const { checks, config, nowMs, produceVersion } = judgement
  checkShape(bytes, config)
  const sent = compressionOf(bytes)
  if (sent > Compression.Zstd || (sent === Compression.Zstd && produceVersion < zstdVersionMin)) {
    throw new KafkaError(KafkaErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `compression type is not supported in this version. codec=${sent} version=${produceVersion}`)
  }
  const codec = config.compression === 'producer' ? sent : config.compression
  const latest = config.usesLogAppendTime ? Infinity : nowMs + config.timestampAfterMaxMs
  const earliest = config.usesLogAppendTime ? -Infinity : nowMs - config.timestampBeforeMaxMs
  if (checks.trustCompressed && sent !== Compression.None && codec === sent && !config.isCompacted) {
    const largestTimestamp = maxTimestamp(bytes)
    if (!isTimely(largestTimestamp, earliest, latest)) throw new KafkaError(KafkaErrorCode.INVALID_TIMESTAMP, `timestamp ${largestTimestamp} is outside the allowed window`)
    return { largestTimestamp, codec, reframed: undefined }
  }
  const { bytes: records, isPlain } = openRecords(bytes, checks.decompressedBytesMax)
  const largestTimestamp = checkRecords(records, bytes, config, earliest, latest)
  return { largestTimestamp, codec, reframed: codec === sent && isPlain ? undefined : records }
}

function checkShape (bytes: Uint8Array, config: PartitionConfig): void {
  const size = checkFrame(bytes)
  checkSize(size, config)
  if (!isCrcValid(bytes)) throw corrupt('batch fails its CRC')
  if (sentBaseOffset(bytes) !== 0) throw invalid(`base offset of a producer's batch is not 0. baseOffset=${sentBaseOffset(bytes)}`)
  if ((attributes(bytes) & forbiddenAttributes) !== 0) throw invalid(`unknown attributes. attributes=${attributes(bytes)}`)
  if (isControl(bytes)) throw invalid('producers may not write control batches')
  if (recordCount(bytes) < 1 || lastOffsetDelta(bytes) + 1 !== recordCount(bytes)) throw invalid(`record count and offsets disagree. count=${recordCount(bytes)} lastOffsetDelta=${lastOffsetDelta(bytes)}`)
  if (producerId(bytes) >= 0) {
    if (baseSequence(bytes) < 0) throw invalid(`idempotent batch without sequence. sequence=${baseSequence(bytes)}`)
    if (producerEpoch(bytes) < 0) throw new KafkaError(KafkaErrorCode.INVALID_PRODUCER_EPOCH, `idempotent batch without epoch. epoch=${producerEpoch(bytes)}`)
  }
  if (isTransactional(bytes)) throw new KafkaError(KafkaErrorCode.INVALID_TXN_STATE, 'transactions are not available in this release')
}

/**
 * The size of the one batch that the bytes hold, header included. As Kafka takes them: bytes too few for the batch that they begin
 * hold no batch, which another attempt does not mend; a size or a format that no batch has is damage, which it may.
 */
function checkFrame (bytes: Uint8Array): number {
  if (bytes.length < batchPrefixSize) throw invalid(`no batch: its first fields are cut short. bytes=${bytes.length}`)
  const size = batchSize(bytes)
  if (size < legacyBatchSizeMin) throw corrupt(`batch length is wrong. length=${size} bytes=${bytes.length}`)
  if (bytes.length <= magicPosition) throw invalid(`no batch: its first fields are cut short. bytes=${bytes.length}`)
  const format = magic(bytes)
  if (format < 0 || format > 2) throw corrupt(`no such format version. magic=${format}`)
  if (size > bytes.length) throw invalid(`no batch: it is cut short. length=${size} bytes=${bytes.length}`)
  if (format !== 2) throw invalid(`batch is not of format version 2. magic=${format}`)
  if (size < batchHeaderSize) throw corrupt(`batch ends within its header. bytes=${size}`)
  if (size < bytes.length) throw invalid('more than one batch for a partition')
  return size
}

/** Refuses what the topic does not take, as it came or as it is to be stored. `size` in bytes, header included. */
export function checkSize (size: number, config: PartitionConfig): void {
  if (size > config.maxMessageBytes) throw new KafkaError(KafkaErrorCode.MESSAGE_TOO_LARGE, `batch is larger than max.message.bytes. bytes=${size} max=${config.maxMessageBytes}`)
  if (size > config.segmentBytes) throw new KafkaError(KafkaErrorCode.RECORD_LIST_TOO_LARGE, `batch is larger than segment.bytes. bytes=${size} max=${config.segmentBytes}`)
}

function openRecords (batch: Uint8Array, sizeMax: number): ReturnType<typeof decompressFramed> {
  try {
    return decompressFramed(compressionOf(batch), batch.subarray(batchHeaderSize), sizeMax)
  } catch (error) {
    // Producers split a batch on this code and send it in parts.
    if (error instanceof TooLargeError) throw new KafkaError(KafkaErrorCode.MESSAGE_TOO_LARGE, `records decompress to more than produce.decompressedBytesMax. bytes=${batch.length} max=${sizeMax}`, { cause: error })
    throw new KafkaError(KafkaErrorCode.INVALID_RECORD, `records do not decompress: ${(error as Error).message}`, { cause: error })
  }
}

/** Gives the largest timestamp of the records. */
function checkRecords (records: Uint8Array, batch: Uint8Array, config: PartitionConfig, earliest: number, latest: number): Int64 {
  const base = baseTimestamp(batch)
  const problems: RecordProblem[] = []
  let isTimestampProblem = false
  let largest: Int64 = -1
  let index = 0
  try {
    cursor.reset(records, recordCount(batch))
    for (; cursor.next(); index++) {
      const timestamp = addInt64(base, cursor.timestampDelta)
      if (timestamp > largest) largest = timestamp
      const isInTime = isTimely(timestamp, earliest, latest)
      const hasKey = !config.isCompacted || cursor.keySize >= 0
      if (isInTime && hasKey) continue
      isTimestampProblem ||= !isInTime
      if (problems.length < problemsMax) problems.push({ batchIndex: index, message: hasKey ? `timestamp ${timestamp} is outside the allowed window` : 'compacted topics need a key in every record' })
    }
  } catch (error) {
    const { message } = error as Error
    throw new InvalidRecordsError(KafkaErrorCode.INVALID_RECORD, `records cannot be read: ${message}`, [{ batchIndex: Math.min(index, recordCount(batch) - 1), message }])
  }
  if (problems.length === 0) return largest
  const code = isTimestampProblem ? KafkaErrorCode.INVALID_TIMESTAMP : KafkaErrorCode.INVALID_RECORD
  throw new InvalidRecordsError(code, 'one or more records have been rejected', problems)
}

/** -1 is no time at all. */
function isTimely (timestamp: Int64, earliest: number, latest: number): boolean {
  return timestamp === -1 || (timestamp >= earliest && timestamp <= latest)
}

function corrupt (message: string): KafkaError { return new KafkaError(KafkaErrorCode.CORRUPT_MESSAGE, message) }
function invalid (message: string): KafkaError { return new KafkaError(KafkaErrorCode.INVALID_RECORD, message) }
