import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import {
  Compression, attributes, baseOffset, baseSequence, baseTimestamp, batchHeaderSize, batchSize, compressionOf, isControl, isCrcValid,
  isTransactional, lastOffsetDelta, magic, producerEpoch, producerId, recordCount
} from '../../protocol/records/batch-header.ts'
import { batchRecords } from '../../protocol/records/decode-records.ts'
import { RecordCursor } from '../../protocol/records/record-cursor.ts'
import { KafkaError } from '../kafka-error.ts'
import type { PartitionConfig } from './partition-config.ts'

/** Unused attribute bits, and the delete horizon, which only compaction sets. */
const forbiddenAttributes = 0xff80 | 0x40
const zstdVersionMin = 7
/** How far a batch may grow when it is decompressed for its keys; beyond, it is taken for a bomb. */
const decompressedBytesMax = 256 * 1024 * 1024

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

/**
 * Checks what a producer sent for one partition: exactly one whole, intact batch that this topic may hold, compressed or not. Gives
 * the largest timestamp of its records, in ms, -1 when none has one: what the header says of it is not believed. Throws a
 * KafkaError. docs/protocol.md has the table of what is checked, computed, and the client's.
 */
export function validateBatch (bytes: Uint8Array, config: PartitionConfig, nowMs: number, produceVersion: number): number {
  checkShape(bytes, config)
  const codec = compressionOf(bytes)
  if (codec > Compression.Zstd || (codec === Compression.Zstd && produceVersion < zstdVersionMin)) {
    throw new KafkaError(KafkaErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `compression type is not supported in this version. codec=${codec} version=${produceVersion}`)
  }
  const latest = config.usesLogAppendTime ? Infinity : nowMs + config.timestampAfterMaxMs
  const earliest = config.usesLogAppendTime ? -Infinity : nowMs - config.timestampBeforeMaxMs
  return checkRecords(bytes, config, earliest, latest)
}

function checkShape (bytes: Uint8Array, config: PartitionConfig): void {
  if (bytes.length < batchHeaderSize) throw new KafkaError(KafkaErrorCode.CORRUPT_MESSAGE, `batch ends within its header. bytes=${bytes.length}`)
  if (magic(bytes) !== 2) throw invalid(`batch is not of format version 2. magic=${magic(bytes)}`)
  const size = batchSize(bytes)
  if (size < batchHeaderSize || size > bytes.length) throw new KafkaError(KafkaErrorCode.CORRUPT_MESSAGE, `batch length is wrong. length=${size} bytes=${bytes.length}`)
  if (size < bytes.length) throw invalid('more than one batch for a partition')
  if (size > config.maxMessageBytes) throw new KafkaError(KafkaErrorCode.MESSAGE_TOO_LARGE, `batch is larger than max.message.bytes. bytes=${size} max=${config.maxMessageBytes}`)
  if (size > config.segmentBytes) throw new KafkaError(KafkaErrorCode.RECORD_LIST_TOO_LARGE, `batch is larger than segment.bytes. bytes=${size} max=${config.segmentBytes}`)
  if (!isCrcValid(bytes)) throw new KafkaError(KafkaErrorCode.CORRUPT_MESSAGE, 'batch fails its CRC')
  if (baseOffset(bytes) !== 0) throw invalid(`base offset of a producer's batch is not 0. baseOffset=${baseOffset(bytes)}`)
  if ((attributes(bytes) & forbiddenAttributes) !== 0) throw invalid(`unknown attributes. attributes=${attributes(bytes)}`)
  if (isControl(bytes)) throw invalid('producers may not write control batches')
  if (recordCount(bytes) < 1 || lastOffsetDelta(bytes) + 1 !== recordCount(bytes)) throw invalid(`record count and offsets disagree. count=${recordCount(bytes)} lastOffsetDelta=${lastOffsetDelta(bytes)}`)
  if (producerId(bytes) >= 0 && (baseSequence(bytes) < 0 || producerEpoch(bytes) < 0)) throw invalid(`idempotent batch without sequence or epoch. sequence=${baseSequence(bytes)} epoch=${producerEpoch(bytes)}`)
  if (isTransactional(bytes)) throw new KafkaError(KafkaErrorCode.INVALID_TXN_STATE, 'transactions are not available in this release')
}

/** Gives the largest timestamp of the records. */
function checkRecords (bytes: Uint8Array, config: PartitionConfig, earliest: number, latest: number): number {
  const base = baseTimestamp(bytes)
  let problems: RecordProblem[] | undefined
  let isTimestampProblem = false
  let largest = -1
  try {
    cursor.reset(batchRecords(bytes, decompressedBytesMax), recordCount(bytes))
    for (let index = 0; cursor.next(); index++) {
      const timestamp = base + cursor.timestampDelta
      if (timestamp > largest) largest = timestamp
      const isTimely = timestamp < 0 || (timestamp >= earliest && timestamp <= latest)
      const hasKey = !config.isCompacted || cursor.keySize >= 0
      if (isTimely && hasKey) continue
      isTimestampProblem ||= !isTimely
      problems ??= []
      problems.push({ batchIndex: index, message: hasKey ? `timestamp ${timestamp} is outside the allowed window` : 'compacted topics need a key in every record' })
    }
  } catch (error) {
    throw new KafkaError(KafkaErrorCode.INVALID_RECORD, 'records cannot be read', { cause: error })
  }
  if (problems === undefined) return largest
  const code = isTimestampProblem ? KafkaErrorCode.INVALID_TIMESTAMP : KafkaErrorCode.INVALID_RECORD
  throw new InvalidRecordsError(code, 'one or more records have been rejected', problems)
}

function invalid (message: string): KafkaError { return new KafkaError(KafkaErrorCode.INVALID_RECORD, message) }
