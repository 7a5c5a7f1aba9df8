import { StreambedError, identityBytes, type Environment, type WalWriter } from '@streambed/sdk'
import { alignUp, blockBytes, clusterIdBytesMax, isZero, readUint64, viewOf, writeUint64 } from '@streambed/sdk/batch-log'
import type { SegmentId } from './layout.ts'

/** Of every structure. docs/formats/wal-efs.md has the layout of each. */
export const formatVersion = 1
/** Of a segment's header: its batches have stamps, which an older program would take for the end of the log. */
const stampedVersion = 2

const logMagic = 'SBELOG\0\0'
const identityMagic = 'SBEIDENT'
const fenceMagic = 'SBEFENCE'
const stateMagic = 'SBEEPOCH'
const segmentMagic = 'SBESEGMT'
const crcAt = 60
const entryBytes = 32
/** Stands for the end of the segment that is written to. */
const openEnd = 2 ** 53

export const stateBytesMax = 8 * blockBytes
export const segmentsMax = Math.floor((stateBytesMax - blockBytes) / entryBytes)

/** One segment of the chain, oldest first: the batches in [start, end) belong to the log, whatever a late write puts behind. */
export interface SegmentEntry extends SegmentId {
  readonly start: number
  /** Undefined for the one that is written to, the last. */
  readonly end: number | undefined
}

/** What the owner of an epoch says of the log. */
export interface EpochState {
  readonly sequence: number
  readonly writerEpoch: number
  /** The highest trimmed position, -1 for none. */
  readonly trimmed: number
  /** Start of the first batch that recovery needs. */
  readonly scanStart: number
  /** All before it was confirmed when this was written. */
  readonly confirmedEnd: number
  readonly segments: readonly SegmentEntry[]
}

export interface SegmentHeader extends SegmentId {
  readonly start: number
  /** Of the batches' place, behind the header. */
  readonly size: number
  /** Random; repeated in each batch. */
  readonly salt: Uint8Array
}

export type Owner = Pick<WalWriter, 'clusterId' | 'nodeId'>
type Crc = Environment['crc32c']

/** Whose log this is; written once. */
export function encodeOwner ({ clusterId, nodeId }: Owner, crc32c: Crc): Uint8Array {
  const bytes = new Uint8Array(blockBytes)
  const view = viewOf(bytes)
  const id = new TextEncoder().encode(clusterId)
  begin(bytes, view, logMagic)
  view.setUint32(16, nodeId, true)
  view.setUint16(20, id.length, true)
  bytes.set(id, 64)
  return sealed(bytes, view, crc32c)
}

export function decodeOwner (bytes: Uint8Array, crc32c: Crc, path: string): Owner {
  const view = viewOf(bytes)
  if (bytes.length !== blockBytes || !isSealed(bytes, view, logMagic, crc32c)) {
    throw new StreambedError('CORRUPT', `the file that names the log's owner is damaged; restore it, or take another path. path=${path}`)
  }
  checkVersion(view, path)
  const idBytes = Math.min(view.getUint16(20, true), clusterIdBytesMax)
  return { clusterId: new TextDecoder().decode(bytes.subarray(64, 64 + idBytes)), nodeId: view.getUint32(16, true) }
}

/** Which log this is; written once, beside the owner, so that a log from before identities gets one too. */
export function encodeIdentity (id: string, crc32c: Crc): Uint8Array {
  const bytes = new Uint8Array(blockBytes)
  const view = viewOf(bytes)
  begin(bytes, view, identityMagic)
  bytes.set(Buffer.from(id, 'hex'), 16)
  return sealed(bytes, view, crc32c)
}

export function decodeIdentity (bytes: Uint8Array, crc32c: Crc, path: string): string {
  const view = viewOf(bytes)
  if (bytes.length !== blockBytes || !isSealed(bytes, view, identityMagic, crc32c)) {
    throw new StreambedError('CORRUPT', `the file that says which log this is, is damaged; restore it, or take another path. path=${path}`)
  }
  checkVersion(view, path)
  return Buffer.from(bytes.subarray(16, 16 + identityBytes)).toString('hex')
}

/** Written by a later opener into the epoch file of an earlier one. */
export function encodeFence (byEpoch: number, crc32c: Crc): Uint8Array {
  const bytes = new Uint8Array(blockBytes)
  const view = viewOf(bytes)
  begin(bytes, view, fenceMagic)
  writeUint64(view, 16, byEpoch)
  return sealed(bytes, view, crc32c)
}

/** The epoch that fenced; 0 when only a part of its writing is there, which is a fence too; undefined without any. */
export function decodeFence (bytes: Uint8Array, crc32c: Crc): number | undefined {
  if (isZero(bytes)) return undefined
  const view = viewOf(bytes)
  return isSealed(bytes, view, fenceMagic, crc32c) ? readUint64(view, 16) : 0
}

export function encodeState (state: EpochState, crc32c: Crc): Uint8Array {
  const bytes = new Uint8Array(alignUp(64 + state.segments.length * entryBytes))
  const view = viewOf(bytes)
  begin(bytes, view, stateMagic)
  view.setUint16(10, state.segments.length, true)
  writeUint64(view, 16, state.sequence)
  writeUint64(view, 24, state.writerEpoch)
  writeUint64(view, 32, state.trimmed + 1)
  writeUint64(view, 40, state.scanStart)
  writeUint64(view, 48, state.confirmedEnd)
  state.segments.forEach(({ epoch, number, start, end }, index) => {
    const at = 64 + index * entryBytes
    writeUint64(view, at, epoch)
    writeUint64(view, at + 8, number)
    writeUint64(view, at + 16, start)
    writeUint64(view, at + 24, end ?? openEnd)
  })
  return sealed(bytes, view, crc32c)
}

/** `bytes`: the whole place of one copy. */
export function decodeState (bytes: Uint8Array, crc32c: Crc, path: string): EpochState | 'empty' | 'damaged' {
  if (isZero(bytes)) return 'empty'
  const view = viewOf(bytes)
  const count = view.getUint16(10, true)
  const used = bytes.subarray(0, Math.min(bytes.length, alignUp(64 + count * entryBytes)))
  if (!isSealed(used, view, stateMagic, crc32c)) return 'damaged'
  checkVersion(view, path)
  const segments = Array.from({ length: count }, (_, index) => {
    const at = 64 + index * entryBytes
    const end = readUint64(view, at + 24)
    return { epoch: readUint64(view, at), number: readUint64(view, at + 8), start: readUint64(view, at + 16), end: end === openEnd ? undefined : end }
  })
  return {
    sequence: readUint64(view, 16),
    writerEpoch: readUint64(view, 24),
    trimmed: readUint64(view, 32) - 1,
    scanStart: readUint64(view, 40),
    confirmedEnd: readUint64(view, 48),
    segments
  }
}

export function encodeSegmentHeader (header: SegmentHeader, crc32c: Crc): Uint8Array {
  const bytes = new Uint8Array(blockBytes)
  const view = viewOf(bytes)
  begin(bytes, view, segmentMagic, stampedVersion)
  writeUint64(view, 16, header.epoch)
  writeUint64(view, 24, header.number)
  writeUint64(view, 32, header.start)
  writeUint64(view, 40, header.size)
  bytes.set(header.salt, 48)
  return sealed(bytes, view, crc32c)
}

/** Undefined where the header is not whole. */
export function decodeSegmentHeader (bytes: Uint8Array, crc32c: Crc, path: string): SegmentHeader | undefined {
  const view = viewOf(bytes)
  if (!isSealed(bytes, view, segmentMagic, crc32c)) return undefined
  checkVersion(view, path, stampedVersion)
  return { epoch: readUint64(view, 16), number: readUint64(view, 24), start: readUint64(view, 32), size: readUint64(view, 40), salt: bytes.slice(48, 56) }
}

function begin (bytes: Uint8Array, view: DataView, magic: string, version: number = formatVersion): void {
  for (let i = 0; i < 8; i++) bytes[i] = magic.charCodeAt(i)
  view.setUint16(8, version, true)
}

/** The CRC covers all of `bytes` but its own four. */
function sealed (bytes: Uint8Array, view: DataView, crc32c: Crc): Uint8Array {
  view.setUint32(crcAt, checksum(bytes, crc32c), true)
  return bytes
}

function isSealed (bytes: Uint8Array, view: DataView, magic: string, crc32c: Crc): boolean {
  for (let i = 0; i < 8; i++) if (bytes[i] !== magic.charCodeAt(i)) return false
  return checksum(bytes, crc32c) === view.getUint32(crcAt, true)
}

function checksum (bytes: Uint8Array, crc32c: Crc): number { return crc32c(bytes.subarray(crcAt + 4), crc32c(bytes.subarray(0, crcAt))) }

/** Magic, version and CRC stay in place in every later format, so that an older program can name what it refuses. */
function checkVersion (view: DataView, path: string, known: number = formatVersion): void {
  const version = view.getUint16(8, true)
  if (version > known) {
    throw new StreambedError('UNSUPPORTED', `the log has a newer format than this program knows; start the program that wrote it, or a later one. path=${path} format=${version} known=${known}`)
  }
}
