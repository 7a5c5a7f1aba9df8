import { readUint64, writeUint64 } from '../int64.ts'
import { alignUp, viewOf } from './bytes.ts'
import { stampedBytes } from './sectors.ts'

/**
 * What logs on files and disks write: a batch, begun on a block of its own so that a torn write never reaches a record that
 * was confirmed before it. docs/formats/wal-regional-disk.md has the layout.
 *
 * A batch: this header, one uint32 length a record, the records back to back, zeros up to the next block. Version 2 has in each
 * sector the stamp of the batch behind 508 bytes of that (sectors.ts); version 1 is read for ever, and never written.
 */
export const batchHeaderBytes = 64
export const batchMagic = 0x42_57_42_53 // "SBWB"
const batchVersion = 2
const headerCrcAt = 60
/** What any header of a log has in the same place: magic, version, size, salt and position. */
const recognisedBytes = 24
/** Rot leaves more of a header than this many bits of it spoil; of other bytes about half are wrong. */
const spoiledBitsMax = 16

/** Bounds of one batch; a single record may exceed the bytes. */
export const batchPayloadBytesMax = 4 * 2 ** 20
export const batchRecordsMax = 1024
/** A record larger than this costs too much memory to recover. */
export const recordBytesCeiling = 64 * 2 ** 20

export interface BatchHeader {
  /** 1: without stamps. */
  readonly version: number
  /** Of the header's first byte. All before it was confirmed when the batch was written: one batch is in flight at a time. */
  readonly position: number
  readonly writerEpoch: number
  /** The highest trimmed position when the batch was written, -1 for none. */
  readonly trimmed: number
  readonly recordCount: number
  readonly payloadBytes: number
  /** CRC-32C of the lengths and the records. */
  readonly bodyCrc: number
  /** The header's own checksum; other in every batch, so it stamps the batch's sectors. */
  readonly stamp: number
}

/** Of header, lengths and records, back to back. */
export function contentBytes ({ recordCount, payloadBytes }: Pick<BatchHeader, 'recordCount' | 'payloadBytes'>): number {
  return batchHeaderBytes + 4 * recordCount + payloadBytes
}

/** What a batch of that version takes on the medium. */
export function batchBytes (batch: Pick<BatchHeader, 'version' | 'recordCount' | 'payloadBytes'>): number {
  const content = contentBytes(batch)
  return alignUp(batch.version === 1 ? content : stampedBytes(content))
}

/** Writes the header into the first `batchHeaderBytes` of `bytes`, of which `view` is a view. Returns the batch's stamp. */
export function encodeBatchHeader (header: Omit<BatchHeader, 'version' | 'stamp'>, salt: Uint8Array, bytes: Uint8Array, view: DataView, crc32c: (bytes: Uint8Array) => number): number {
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
  const stamp = crc32c(bytes.subarray(0, headerCrcAt))
  view.setUint32(headerCrcAt, stamp, true)
  return stamp
}

/** Positions of records are those of their first byte. */
export function firstRecordOf (batchPosition: number, recordCount: number): number {
  return batchPosition + batchHeaderBytes + 4 * recordCount
}

/** The header at byte `at`, if one stands there that belongs to the log with this salt. Its body is not looked at. */
export function decodeBatchHeader (bytes: Uint8Array, view: DataView, at: number, salt: Uint8Array, crc32c: (bytes: Uint8Array) => number): BatchHeader | undefined {
  const version = view.getUint16(at + 4, true)
  if (view.getUint32(at, true) !== batchMagic || version < 1 || version > batchVersion) return undefined
  for (let i = 0; i < salt.length; i++) if (bytes[at + 8 + i] !== salt[i]) return undefined
  const stamp = view.getUint32(at + headerCrcAt, true)
  if (crc32c(bytes.subarray(at, at + headerCrcAt)) !== stamp) return undefined
  return {
    version,
    position: readUint64(view, at + 16),
    writerEpoch: readUint64(view, at + 24),
    trimmed: readUint64(view, at + 32) - 1,
    recordCount: view.getUint32(at + 40, true),
    payloadBytes: view.getUint32(at + 44, true),
    bodyCrc: view.getUint32(at + 48, true),
    stamp
  }
}

/**
 * Whether the bytes at `at`, which are no sound header, were the header of the batch at `position`: they are too like it to be
 * anything else that can lie there. A sector is written whole, so they are damaged.
 */
export function wasBatchHeader (bytes: Uint8Array, at: number, salt: Uint8Array, position: number): boolean {
  const expected = new Uint8Array(recognisedBytes)
  const view = viewOf(expected)
  view.setUint32(0, batchMagic, true)
  view.setUint16(4, batchVersion, true)
  view.setUint16(6, batchHeaderBytes, true)
  expected.set(salt, 8)
  writeUint64(view, 16, position)
  let spoiledBits = 0
  for (let i = 0; i < recognisedBytes; i++) {
    for (let difference = expected[i]! ^ bytes[at + i]!; difference !== 0; difference &= difference - 1) spoiledBits++
  }
  return spoiledBits <= spoiledBitsMax
}
