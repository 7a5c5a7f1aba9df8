import { StreambedError, readSafeInt64, writeInt64 } from '@streambed/sdk'
import type { StreamId } from '../catalog/catalog.ts'
import { endOffsetOf, type StreamBatch } from '../stream/stream-batch.ts'

/**
 * The engine's record in a WAL: a fixed header, then the batch's bytes. The WAL itself guards it with a checksum.
 * All integers big-endian; layout in docs/formats/wal-record.md.
 */
export const walRecordHeaderBytes = 48
const headerBytesOfVersion1 = 40
const formatVersion = 2
const kindBatch = 1
const kindMark = 2

/** What a record says beside its batch. */
export interface WalRecordContext {
  readonly streamId: StreamId
  /** The stream's when the batch was appended; undefined in records of version 1. */
  readonly streamEpoch: number | undefined
  /** How far the catalog's history reached when this was written: without as much of it, it is not the one that this log belongs to. 0 in version 1. */
  readonly catalogPosition: number
}

export type WalEntry =
  | WalRecordContext & { readonly kind: 'batch', readonly batch: StreamBatch }
  /** Holds no data, only how far the catalog reached: the last word of a clean end. */
  | { readonly kind: 'mark', readonly catalogPosition: number }

/** The pieces to append for one batch; the payload is not copied. */
export function encodeWalRecord ({ catalogPosition, streamEpoch, streamId }: WalRecordContext, batch: StreamBatch): readonly Uint8Array[] {
  const { header, view } = headerOf(kindBatch, catalogPosition)
  writeInt64(view, 4, streamId)
  writeInt64(view, 12, batch.baseOffset)
  view.setUint32(20, batch.count)
  writeInt64(view, 24, batch.largestTimestamp)
  view.setUint32(32, batch.bytes.length)
  view.setUint32(36, streamEpoch ?? 0)
  return [header, batch.bytes]
}

export function encodeWalMark (catalogPosition: number): readonly Uint8Array[] { return [headerOf(kindMark, catalogPosition).header] }

function headerOf (kind: number, catalogPosition: number): { readonly header: Uint8Array, readonly view: DataView } {
  const header = new Uint8Array(walRecordHeaderBytes)
  const view = new DataView(header.buffer)
  view.setUint8(0, formatVersion)
  view.setUint8(1, kind)
  writeInt64(view, 40, catalogPosition)
  return { header, view }
}

/** Decodes records one after the other. Those that lie in one piece of memory share a view of it, which for a tiny one is half of the work. */
export class WalRecordDecoder {
  #view: DataView = new DataView(new ArrayBuffer(0))

  /** As `decodeWalRecord`. */
  decode (data: Uint8Array): WalEntry {
    if (this.#view.buffer !== data.buffer) this.#view = new DataView(data.buffer)
    return decode(data, this.#view, data.byteOffset)
  }
}

/** Throws UNSUPPORTED for a newer format or kind, CORRUPT for anything that this never wrote. */
export function decodeWalRecord (data: Uint8Array): WalEntry { return new WalRecordDecoder().decode(data) }

/** `view`: of the memory that `data` lies in, at byte `at`. */
function decode (data: Uint8Array, view: DataView, at: number): WalEntry {
  if (data.length < headerBytesOfVersion1) throw new StreambedError('CORRUPT', `WAL record too short. bytes=${data.length} expected>=${headerBytesOfVersion1}`)
  const version = view.getUint8(at)
  const kind = view.getUint8(at + 1)
  if (version > formatVersion) {
    throw new StreambedError('UNSUPPORTED', `WAL record format is newer than this program. version=${version} supported<=${formatVersion}; start a newer Streambed`)
  }
  if (version === 1) return decodeBatch(data, view, at, { kind, headerBytes: headerBytesOfVersion1, streamEpoch: undefined, catalogPosition: 0 })
  if (version === 0 || data.length < walRecordHeaderBytes) throw new StreambedError('CORRUPT', `WAL record header is damaged. version=${version} kind=${kind} bytes=${data.length}`)
  const catalogPosition = readSafeInt64(view, at + 40)
  if (kind === kindMark && data.length === walRecordHeaderBytes) return { kind: 'mark', catalogPosition }
  return decodeBatch(data, view, at, { kind, headerBytes: walRecordHeaderBytes, streamEpoch: view.getUint32(at + 36), catalogPosition })
}

interface BatchHead { readonly kind: number, readonly headerBytes: number, readonly streamEpoch: number | undefined, readonly catalogPosition: number }

function decodeBatch (data: Uint8Array, view: DataView, at: number, { catalogPosition, headerBytes, kind, streamEpoch }: BatchHead): WalEntry {
  const size = view.getUint32(at + 32)
  if (kind !== kindBatch || size !== data.length - headerBytes) {
    throw new StreambedError('CORRUPT', `WAL record header is damaged. kind=${kind} size=${size} bytes=${data.length}`)
  }
  const batch = {
    baseOffset: readSafeInt64(view, at + 12),
    count: view.getUint32(at + 20),
    largestTimestamp: readSafeInt64(view, at + 24),
    bytes: data.subarray(headerBytes)
  }
  if (batch.count === 0 || !Number.isSafeInteger(endOffsetOf(batch))) throw new StreambedError('CORRUPT', `WAL record covers no valid offsets. baseOffset=${batch.baseOffset} count=${batch.count}`)
  return { kind: 'batch', streamId: readSafeInt64(view, at + 4), streamEpoch, catalogPosition, batch }
}
