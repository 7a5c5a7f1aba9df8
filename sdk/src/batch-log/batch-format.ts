import { alignUp, readUint64, writeUint64 } from './bytes.ts'

/**
 * What logs on files and disks write: a batch, begun on a block of its own so that a torn write never reaches a record that
 * was confirmed before it. docs/formats/wal-regional-disk.md has the layout.
 *
 * A batch: this header, one uint32 length a record, the records back to back, zeros up to the next block.
 */
export const batchHeaderBytes = 64
export const batchMagic = 0x42_57_42_53 // "SBWB"
const batchVersion = 1
const headerCrcAt = 60

/** Bounds of one batch; a single record may exceed the bytes. */
export const batchPayloadBytesMax = 4 * 2 ** 20
export const batchRecordsMax = 1024
/** A record larger than this costs too much memory to recover. */
export const recordBytesCeiling = 64 * 2 ** 20

export interface BatchHeader {
  /** Of the header's first byte. All before it was confirmed when the batch was written: one batch is in flight at a time. */
  readonly position: number
  readonly writerEpoch: number
  /** The highest trimmed position when the batch was written, -1 for none. */
  readonly trimmed: number
  readonly recordCount: number
  readonly payloadBytes: number
  /** CRC-32C of the lengths and the records. */
  readonly bodyCrc: number
}

export function batchBytes (recordCount: number, payloadBytes: number): number {
  return alignUp(batchHeaderBytes + 4 * recordCount + payloadBytes)
}

/** Writes the header into the first `batchHeaderBytes` of `bytes`, of which `view` is a view. */
export function encodeBatchHeader (header: BatchHeader, salt: Uint8Array, bytes: Uint8Array, view: DataView, crc32c: (bytes: Uint8Array) => number): void {
  view.setUint32(0, batchMagic, true)
  view.setUint16(4, batchVersion, true)
  view.setUint16(6, batchHeaderBytes, true)
  bytes.set(salt, 8)
  writeUint64(view, 16, header.position)
  writeUint64(view, 24, header.writerEpoch)
  writeUint64(view, 32, header.trimmed + 1)
  view.setUint32(40, header.recordCount, true)
  view.setUint32(44, header.payloadBytes, true)
  view.setUint32(48, header.bodyCrc, true)
  view.setUint32(52, 0, true)
  view.setUint32(56, 0, true)
  view.setUint32(headerCrcAt, crc32c(bytes.subarray(0, headerCrcAt)), true)
}

/** Positions of records are those of their first byte. */
export function firstRecordOf (batchPosition: number, recordCount: number): number {
  return batchPosition + batchHeaderBytes + 4 * recordCount
}

/** The header at byte `at`, if one stands there that belongs to the log with this salt. Its body is not looked at. */
export function decodeBatchHeader (bytes: Uint8Array, view: DataView, at: number, salt: Uint8Array, crc32c: (bytes: Uint8Array) => number): BatchHeader | undefined {
  if (view.getUint32(at, true) !== batchMagic || view.getUint16(at + 4, true) !== batchVersion) return undefined
  for (let i = 0; i < salt.length; i++) if (bytes[at + 8 + i] !== salt[i]) return undefined
  if (crc32c(bytes.subarray(at, at + headerCrcAt)) !== view.getUint32(at + headerCrcAt, true)) return undefined
  return {
    position: readUint64(view, at + 16),
    writerEpoch: readUint64(view, at + 24),
    trimmed: readUint64(view, at + 32) - 1,
    recordCount: view.getUint32(at + 40, true),
    payloadBytes: view.getUint32(at + 44, true),
    bodyCrc: view.getUint32(at + 48, true)
  }
}
