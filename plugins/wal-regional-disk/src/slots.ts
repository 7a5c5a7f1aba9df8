import { StreambedError, identityBytes, type Environment } from '@streambed/sdk'
import { blockBytes, clusterIdBytesMax, isZero, readUint64, viewOf, writeUint64 } from '@streambed/sdk/batch-log'

/**
 * Of every structure on the medium; docs/formats/wal-regional-disk.md has the layout of each. Versions 2 and 3 differ in the
 * epoch record alone: 2 has a device's areas, 3 an identity besides. Only a record without identity is of 1 or 2.
 */
export const formatVersion = 3
const areasVersion = 2
const plainVersion = 1
/** Of a ring header: batches with stamps may lie in the ring, which an older program would take for its end. */
export const stampedVersion = 3

/** One sector: a crash leaves a slot old or new, never mixed. What is neither is damage. */
export const slotBytes = 512
export const ringsMax = 8

const epochMagic = 'SBWEPOCH'
const ringMagic = 'SBWRING1'
const crcAt = 508
const ringEntryBytes = 40
const ringsAt = 168
const areasAt = ringsAt + ringsMax * ringEntryBytes
const areaCountAt = areasAt + ringsMax
const idAt = crcAt - identityBytes
/** Stands for the start and end of the ring in use. */
const notFrozen = 2 ** 53

/** One ring of the chain, oldest first; the last is written to. */
export interface RingReference {
  readonly ringId: number
  /** Position of the ring's first byte in its first lap. */
  readonly base: number
  readonly size: number
  /** Which of a device's areas the ring lies in; 0 in a folder. */
  readonly area: number
  /**
   * What a takeover found in the ring; undefined for the last one. Nothing that the fenced writer still does, to the ring or
   * its header, changes what is read: what it puts behind `end` was never confirmed, and it overwrites nothing from `start` on.
   */
  readonly frozen: { readonly start: number, readonly end: number } | undefined
}

export interface EpochState {
  readonly sequence: number
  /** Of the log (W-10); undefined in a record that was written before there were identities. */
  readonly id: string | undefined
  readonly clusterId: string
  readonly nodeId: number
  readonly writerEpoch: number
  /** How many rings a device has place for; 1 in a folder, where a ring is a file. */
  readonly areaCount: number
  readonly rings: readonly RingReference[]
}

export interface RingState {
  readonly sequence: number
  readonly clusterId: string
  readonly nodeId: number
  readonly ringId: number
  /** Eight random bytes, repeated in each batch: bytes of another log, or inside a record, never pass for a batch. */
  readonly salt: Uint8Array
  readonly base: number
  readonly size: number
  /** Start of the oldest batch that recovery needs; everything in [scanStart, scanStart + size) is as written. */
  readonly scanStart: number
  /** The highest trimmed position, -1 for none. */
  readonly trimmed: number
  /** All before it was confirmed when this slot was written. */
  readonly confirmedEnd: number
}

export type Slot<State> = { readonly kind: 'empty' } | { readonly kind: 'damaged' } | { readonly kind: 'state', readonly version: number, readonly state: State }

type Crc = Environment['crc32c']

const padding = new Uint8Array(blockBytes - slotBytes)

export function encodeEpochSlot (state: EpochState, crc32c: Crc): Uint8Array {
  const bytes = new Uint8Array(slotBytes)
  const view = viewOf(bytes)
  putText(bytes, 0, epochMagic)
  const version = state.id !== undefined ? formatVersion : state.areaCount > 1 ? areasVersion : plainVersion
  view.setUint16(8, version, true)
  view.setUint16(10, state.rings.length, true)
  view.setUint32(12, state.nodeId, true)
  writeUint64(view, 16, state.sequence)
  writeUint64(view, 24, state.writerEpoch)
  view.setUint16(32, putText(bytes, 34, state.clusterId), true)
  state.rings.forEach((ring, index) => {
    const at = ringsAt + index * ringEntryBytes
    writeUint64(view, at, ring.ringId)
    writeUint64(view, at + 8, ring.base)
    writeUint64(view, at + 16, ring.size)
    writeUint64(view, at + 24, ring.frozen?.start ?? notFrozen)
    writeUint64(view, at + 32, ring.frozen?.end ?? notFrozen)
    if (version >= areasVersion) view.setUint8(areasAt + index, ring.area)
  })
  if (version >= areasVersion) view.setUint8(areaCountAt, state.areaCount)
  if (state.id !== undefined) bytes.set(Buffer.from(state.id, 'hex'), idAt)
  view.setUint32(crcAt, crc32c(bytes.subarray(0, crcAt)), true)
  return bytes
}

export function decodeEpochSlot (bytes: Uint8Array, crc32c: Crc, where: string): Slot<EpochState> {
  const view = checkSlot(bytes, epochMagic, formatVersion, crc32c, where)
  if (typeof view === 'string') return { kind: view }
  const version = view.getUint16(8, true)
  const hasAreas = version >= areasVersion
  const rings: RingReference[] = []
  for (let index = 0; index < Math.min(view.getUint16(10, true), ringsMax); index++) {
    const at = ringsAt + index * ringEntryBytes
    const start = readUint64(view, at + 24)
    const frozen = start === notFrozen ? undefined : { start, end: readUint64(view, at + 32) }
    rings.push({ ringId: readUint64(view, at), base: readUint64(view, at + 8), size: readUint64(view, at + 16), area: hasAreas ? view.getUint8(areasAt + index) : 0, frozen })
  }
  const state = {
    sequence: readUint64(view, 16),
    id: version >= formatVersion ? Buffer.from(bytes.subarray(idAt, idAt + identityBytes)).toString('hex') : undefined,
    clusterId: getText(bytes, 34, view.getUint16(32, true)),
    nodeId: view.getUint32(12, true),
    writerEpoch: readUint64(view, 24),
    areaCount: hasAreas ? view.getUint8(areaCountAt) : 1,
    rings
  }
  return { kind: 'state', version: view.getUint16(8, true), state }
}

export function encodeRingSlot (state: RingState, crc32c: Crc): Uint8Array {
  const bytes = new Uint8Array(slotBytes)
  const view = viewOf(bytes)
  putText(bytes, 0, ringMagic)
  view.setUint16(8, stampedVersion, true)
  view.setUint32(12, state.nodeId, true)
  writeUint64(view, 16, state.sequence)
  bytes.set(state.salt, 24)
  writeUint64(view, 32, state.base)
  writeUint64(view, 40, state.size)
  writeUint64(view, 48, state.scanStart)
  writeUint64(view, 56, state.trimmed + 1)
  writeUint64(view, 64, state.confirmedEnd)
  writeUint64(view, 72, state.ringId)
  view.setUint16(80, putText(bytes, 82, state.clusterId), true)
  view.setUint32(crcAt, crc32c(bytes.subarray(0, crcAt)), true)
  return bytes
}

export function decodeRingSlot (bytes: Uint8Array, crc32c: Crc, where: string): Slot<RingState> {
  const view = checkSlot(bytes, ringMagic, stampedVersion, crc32c, where)
  if (typeof view === 'string') return { kind: view }
  const state = {
    sequence: readUint64(view, 16),
    clusterId: getText(bytes, 82, view.getUint16(80, true)),
    nodeId: view.getUint32(12, true),
    ringId: readUint64(view, 72),
    salt: bytes.slice(24, 32),
    base: readUint64(view, 32),
    size: readUint64(view, 40),
    scanStart: readUint64(view, 48),
    trimmed: readUint64(view, 56) - 1,
    confirmedEnd: readUint64(view, 64)
  }
  return { kind: 'state', version: view.getUint16(8, true), state }
}

/** A slot as it is written: with zeros to the end of its block, for direct access takes whole blocks. */
export function withPadding (slot: Uint8Array): Uint8Array[] { return [slot, padding] }

/** Magic, version and the CRC's place stay where they are in every later format, so that an older program can name it. */
function checkSlot (bytes: Uint8Array, magic: string, known: number, crc32c: Crc, where: string): DataView | 'empty' | 'damaged' {
  if (isZero(bytes)) return 'empty'
  const view = viewOf(bytes)
  if (getText(bytes, 0, 8) !== magic || crc32c(bytes.subarray(0, crcAt)) !== view.getUint32(crcAt, true)) return 'damaged'
  const version = view.getUint16(8, true)
  if (version > known) {
    throw new StreambedError('UNSUPPORTED', `the log has a newer format than this program knows; start the program that wrote it, or a later one. path=${where} format=${version} known=${known}`)
  }
  return view
}

function putText (bytes: Uint8Array, at: number, text: string): number {
  const encoded = new TextEncoder().encode(text)
  bytes.set(encoded, at)
  return encoded.length
}

function getText (bytes: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(bytes.subarray(at, at + Math.min(length, clusterIdBytesMax)))
}
