import { addInt64, type Int64 } from '@streambed/sdk'
import { asBuffer } from '../primitives/buffer-view.ts'
import {
  TimestampType, baseOffset, baseTimestamp, batchHeaderSize, checkBatch, compressionOf, maxTimestamp, recordCount,
  timestampType
} from './batch-header.ts'
import { decompress } from './compression.ts'
import { RecordCursor } from './record-cursor.ts'
import { VarintReader } from './varint.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

export interface DecodedRecord {
  readonly offset: number
  /** In ms. */
  readonly timestamp: Int64
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

/**
 * The records of one batch as they are on the wire when not compressed, for a RecordCursor. Of an uncompressed batch
 * a view, else new memory of at most `sizeMax` bytes. Throws as `decompress`.
 */
export function batchRecords (batch: Uint8Array, sizeMax: number, at = 0): Uint8Array {
  const size = checkBatch(batch, at)
  return decompress(compressionOf(batch, at), batch.subarray(at + batchHeaderSize, at + size), sizeMax)
}

/**
 * All records of one batch as objects: for the CLI, internal topics and tests, not for the paths that serve clients.
 * Offsets may have gaps, as compaction leaves them. Does not check the CRC.
 */
export function decodeRecords (batch: Uint8Array, sizeMax: number, at = 0): DecodedRecord[] {
  const bytes = batchRecords(batch, sizeMax, at)
  const cursor = new RecordCursor()
  cursor.reset(bytes, recordCount(batch, at), false)
  const firstOffset = baseOffset(batch, at)
  const firstTimestamp = baseTimestamp(batch, at)
  // With LogAppendTime all records carry the time at which the broker appended the batch.
  const appendTime = timestampType(batch, at) === TimestampType.LogAppendTime ? maxTimestamp(batch, at) : undefined
  const list: DecodedRecord[] = []
  while (cursor.next()) {
    list.push({
      offset: firstOffset + cursor.offsetDelta,
      timestamp: appendTime ?? addInt64(firstTimestamp, cursor.timestampDelta),
      key: cursor.key(),
      value: cursor.value(),
      headers: decodeHeaders(cursor)
    })
  }
  return list
}

/** The headers of the record on which the cursor stands. */
export function decodeHeaders (cursor: RecordCursor): RecordHeader[] {
  if (cursor.headerCount === 0) return []
  const reader = new VarintReader()
  reader.bytes = cursor.bytes
  reader.position = cursor.headersStart
  reader.end = cursor.recordEnd
  const text = asBuffer(cursor.bytes)
  const headers: RecordHeader[] = []
  for (let i = 0; i < cursor.headerCount; i++) {
    // The cursor has checked these sizes.
    const keyEnd = reader.varint() + reader.position
    const key = text.toString('utf8', reader.position, keyEnd)
    reader.position = keyEnd
    const valueSize = reader.varint()
    const value = valueSize < 0 ? null : cursor.bytes.subarray(reader.position, reader.position + valueSize)
    if (valueSize > 0) reader.position += valueSize
    headers.push({ key, value })
  }
  return headers
}
