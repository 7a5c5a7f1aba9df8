import { StreambedError, type Environment } from '@streambed/sdk'

/** Every object begins with this many bytes. docs/formats/metadata-object.md has the layout. */
export const headerBytes = 64
export const formatVersion = 1
export const tokenBytes = 16
export const entryBytesMax = 8 * 2 ** 20
/** Of all entries of one append. */
export const groupBytesMax = 64 * 2 ** 20
/** Of one slot in a mark. */
const markEntryBytes = 8 + tokenBytes

const magic = 0x4c4d_4253 // "SBML"
const headerCrcAt = headerBytes - 4
const kinds = ['entries', 'snapshot', 'mark'] as const
/** How much is checksummed before other work gets a turn. */
const turnBytes = 4 * 2 ** 20

export interface ObjectHeader {
  readonly kind: typeof kinds[number]
  /** Of `entries`: the position of the first; of `snapshot`: the first that it does not hold; of `mark`: the first that is kept. */
  readonly position: number
  /** Random bytes of one append. */
  readonly token: Uint8Array
  /** Of entries, or of slots that a mark lists; of a snapshot 0. */
  readonly count: number
  readonly bodyBytes: number
}

/** A slot that a truncation forgot. */
export interface ForgottenSlot { readonly start: number, readonly token: Uint8Array }

type Host = Pick<Environment, 'crc32c' | 'yieldTurn'>

/** A whole object, in memory of its own: a put that was given up may outlast the caller's bytes. */
export async function encodeObject (header: Omit<ObjectHeader, 'bodyBytes'>, body: readonly Uint8Array[], host: Host): Promise<Uint8Array> {
  const bodyBytes = body.reduce((sum, { length }) => sum + length, 0)
  const bytes = new Uint8Array(headerBytes + bodyBytes)
  const view = new DataView(bytes.buffer)
  let at = headerBytes
  for (const piece of body) {
    bytes.set(piece, at)
    at += piece.length
  }
  const crc = await checksum(bytes.subarray(headerBytes), host)
  view.setUint32(0, magic, true)
  view.setUint16(4, formatVersion, true)
  view.setUint16(6, kinds.indexOf(header.kind) + 1, true)
  view.setBigUint64(8, BigInt(header.position), true)
  bytes.set(header.token, 16)
  view.setUint32(32, header.count, true)
  view.setUint32(36, crc, true)
  view.setBigUint64(40, BigInt(bodyBytes), true)
  view.setUint32(headerCrcAt, host.crc32c(bytes.subarray(0, headerCrcAt)), true)
  return bytes
}

/** The header of an object, of which `bytes` are the beginning; it must be of that kind and position. */
export function decodeHeader (bytes: Uint8Array, want: Pick<ObjectHeader, 'kind' | 'position'>, key: string, { crc32c }: Pick<Host, 'crc32c'>): ObjectHeader {
  if (bytes.length < headerBytes) throw corrupt('is shorter than its header', key)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(0, true) !== magic) throw corrupt('is no part of a metadata log', key)
  if (crc32c(bytes.subarray(0, headerCrcAt)) !== view.getUint32(headerCrcAt, true)) throw corrupt('fails the checksum of its header', key)
  const version = view.getUint16(4, true)
  if (version !== formatVersion) {
    throw new StreambedError('UNSUPPORTED', `the metadata log has another format than this program knows; start the program that wrote it, or a later one. key=${key} format=${version} known=${formatVersion}`)
  }
  const kind = kinds[view.getUint16(6, true) - 1]
  const position = Number(view.getBigUint64(8, true))
  if (kind !== want.kind || position !== want.position) throw corrupt('is another one than its key says', key)
  return { kind, position, token: new Uint8Array(bytes.subarray(16, 16 + tokenBytes)), count: view.getUint32(32, true), bodyBytes: Number(view.getBigUint64(40, true)) }
}

/** Header and body of a whole object, verified. The body is a view of `bytes`. */
export async function decodeObject (bytes: Uint8Array, want: Pick<ObjectHeader, 'kind' | 'position'>, key: string, host: Host): Promise<{ readonly header: ObjectHeader, readonly body: Uint8Array }> {
  const header = decodeHeader(bytes, want, key, host)
  const body = bytes.subarray(headerBytes)
  if (body.length !== header.bodyBytes) throw corrupt('has another size than its header says', key)
  if (await checksum(body, host) !== new DataView(bytes.buffer, bytes.byteOffset).getUint32(36, true)) throw corrupt('fails its checksum', key)
  return { header, body }
}

/** The pieces of a body: each entry behind its size. */
export function entriesToBody (entries: readonly Uint8Array[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (const entry of entries) {
    const size = new Uint8Array(4)
    new DataView(size.buffer).setUint32(0, entry.length, true)
    pieces.push(size, entry)
  }
  return pieces
}

/** Copies: what is read belongs to the caller. */
export function bodyToEntries (body: Uint8Array, count: number, key: string): Uint8Array[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const entries: Uint8Array[] = []
  let at = 0
  for (let index = 0; index < count; index++) {
    const size = at + 4 <= body.length ? view.getUint32(at, true) : Infinity
    if (size > body.length - at - 4) throw corrupt('is malformed although its checksum is right', key)
    entries.push(new Uint8Array(body.subarray(at + 4, at + 4 + size)))
    at += 4 + size
  }
  if (at !== body.length || count === 0) throw corrupt('is malformed although its checksum is right', key)
  return entries
}

export function slotsToBody (slots: readonly ForgottenSlot[]): Uint8Array[] {
  const body = new Uint8Array(markEntryBytes * slots.length)
  const view = new DataView(body.buffer)
  for (const [index, { start, token }] of slots.entries()) {
    view.setBigUint64(markEntryBytes * index, BigInt(start), true)
    body.set(token, markEntryBytes * index + 8)
  }
  return [body]
}

export function bodyToSlots (body: Uint8Array): ForgottenSlot[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  return Array.from({ length: Math.floor(body.length / markEntryBytes) }, (_, index) => {
    const at = markEntryBytes * index
    return { start: Number(view.getBigUint64(at, true)), token: new Uint8Array(body.subarray(at + 8, at + markEntryBytes)) }
  })
}

export function isSameToken (a: Uint8Array, b: Uint8Array): boolean { return a.length === b.length && a.every((byte, index) => byte === b[index]) }

export function corrupt (problem: string, key: string): StreambedError {
  return new StreambedError('CORRUPT', `an object of the metadata log ${problem}. Restore it from a copy. key=${key}`)
}

async function checksum (bytes: Uint8Array, { crc32c, yieldTurn }: Host): Promise<number> {
  let crc = 0
  for (let at = 0; at < bytes.length; at += turnBytes) {
    if (at > 0) await yieldTurn()
    crc = crc32c(bytes.subarray(at, at + turnBytes), crc)
  }
  return crc
}
