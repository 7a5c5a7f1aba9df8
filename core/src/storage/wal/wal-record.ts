import { StreambedError } from '@streambed/sdk'
import { readInt64, writeInt64 } from '../bytes/int64.ts'
import type { StreamId } from '../catalog/catalog.ts'
import { endOffsetOf, type StreamBatch } from '../stream/stream-batch.ts'

/**
 * The engine's record in a WAL: a fixed header, then the batch's bytes. The WAL itself guards it with a checksum.
 * All integers big-endian; layout in docs/formats/wal-record.md.
 */
export const walRecordHeaderBytes = 40
const formatVersion = 1
const kindBatch = 1

export interface WalBatch { readonly streamId: StreamId, readonly batch: StreamBatch }

/** The pieces to append for one batch; the payload is not copied. */
export function encodeWalRecord (streamId: StreamId, batch: StreamBatch): readonly Uint8Array[] {
  const header = new Uint8Array(walRecordHeaderBytes)
  const view = new DataView(header.buffer)
  view.setUint8(0, formatVersion)
  view.setUint8(1, kindBatch)
  writeInt64(view, 4, streamId)
  writeInt64(view, 12, batch.baseOffset)
  view.setUint32(20, batch.count)
  writeInt64(view, 24, batch.largestTimestamp)
  view.setUint32(32, batch.bytes.length)
  return [header, batch.bytes]
}

/** Throws UNSUPPORTED for a newer format, CORRUPT for anything that this never wrote. */
export function decodeWalRecord (data: Uint8Array): WalBatch {
  if (data.length < walRecordHeaderBytes) throw new StreambedError('CORRUPT', `WAL record too short. bytes=${data.length} expected>=${walRecordHeaderBytes}`)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const version = view.getUint8(0)
  if (version > formatVersion) {
    throw new StreambedError('UNSUPPORTED', `WAL record format is newer than this program. version=${version} supported<=${formatVersion}; start a newer Streambed`)
  }
  const size = view.getUint32(32)
  if (version !== formatVersion || view.getUint8(1) !== kindBatch || size !== data.length - walRecordHeaderBytes) {
    throw new StreambedError('CORRUPT', `WAL record header is damaged. version=${version} kind=${view.getUint8(1)} size=${size} bytes=${data.length}`)
  }
  const batch = {
    baseOffset: readInt64(view, 12),
    count: view.getUint32(20),
    largestTimestamp: readInt64(view, 24),
    bytes: data.subarray(walRecordHeaderBytes)
  }
  if (batch.count === 0 || !Number.isSafeInteger(endOffsetOf(batch))) throw new StreambedError('CORRUPT', `WAL record covers no valid offsets. baseOffset=${batch.baseOffset} count=${batch.count}`)
  return { streamId: readInt64(view, 4), batch }
}
