import { addInt64, type Int64 } from '@streambed/sdk'
import { batchRecords } from '../../protocol/records/decode-records.ts'
import { TimestampType, baseOffset, baseTimestamp, maxTimestamp, recordCount, timestampType } from '../../protocol/records/batch-header.ts'
import { RecordCursor } from '../../protocol/records/record-cursor.ts'

export interface TimestampedOffset { readonly offset: number, readonly timestamp: Int64 }

const cursor = new RecordCursor()
const decompressedBytesMax = 256 * 1024 * 1024

/** The first record of `batch`, at or after `fromOffset`, whose own timestamp is at least `timestamp`. */
export function findInBatch (batch: Uint8Array, timestamp: Int64, fromOffset: number): TimestampedOffset | undefined {
  const first = baseOffset(batch)
  const base = baseTimestamp(batch)
  // With LogAppendTime every record carries the time of the append, whatever its delta says.
  const appendTime = timestampType(batch) === TimestampType.LogAppendTime ? maxTimestamp(batch) : undefined
  cursor.reset(batchRecords(batch, decompressedBytesMax), recordCount(batch), false)
  while (cursor.next()) {
    const offset = first + cursor.offsetDelta
    const ofRecord = appendTime ?? addInt64(base, cursor.timestampDelta)
    if (offset >= fromOffset && ofRecord >= timestamp) return { offset, timestamp: ofRecord }
  }
  return undefined
}
