import { StreambedError } from '@streambed/sdk'
import type { Environment } from '@streambed/sdk'

type Crc32c = Environment['crc32c']

/** One group of entries as it lies in a segment: all of it is there or none. See docs/formats/metadata-file.md. */
export const frameHeaderBytes = 24
export const frameMagic = 0x5342_4d46 // SBMF
const checkedFrom = 8

export interface Frame {
  /** Position of the first entry. */
  readonly first: number
  readonly entries: readonly Uint8Array[]
  /** Bytes it takes. */
  readonly size: number
}

/** A frame without entries is the mark of a clean close. */
export function encodeFrame (first: number, entries: readonly Uint8Array[], crc32c: Crc32c): Uint8Array {
  const payloadBytes = entries.reduce((sum, entry) => sum + 4 + entry.length, 0)
  const bytes = new Uint8Array(frameHeaderBytes + payloadBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, frameMagic)
  view.setBigUint64(8, BigInt(first))
  view.setUint32(16, entries.length)
  view.setUint32(20, payloadBytes)
  let at = frameHeaderBytes
  for (const entry of entries) {
    view.setUint32(at, entry.length)
    bytes.set(entry, at + 4)
    at += 4 + entry.length
  }
  view.setUint32(4, crc32c(bytes.subarray(checkedFrom)))
  return bytes
}

/** The frame at byte `at`; undefined when there is no whole and sound one. Its entries are views of `bytes`. */
export function decodeFrame (bytes: Uint8Array, at: number, crc32c: Crc32c): Frame | undefined {
  if (bytes.length - at < frameHeaderBytes) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(at) !== frameMagic) return undefined
  const payloadBytes = view.getUint32(at + 20)
  const end = at + frameHeaderBytes + payloadBytes
  if (end > bytes.length || crc32c(bytes.subarray(at + checkedFrom, end)) !== view.getUint32(at + 4)) return undefined
  const count = view.getUint32(at + 16)
  const entries: Uint8Array[] = []
  let next = at + frameHeaderBytes
  for (let index = 0; index < count; index++) {
    const size = next + 4 <= end ? view.getUint32(next) : Infinity
    if (size > end - next - 4) throw new StreambedError('CORRUPT', `a group of entries is malformed although its checksum is right. at=${at}`)
    entries.push(bytes.subarray(next + 4, next + 4 + size))
    next += 4 + size
  }
  return { first: Number(view.getBigUint64(at + 8)), entries, size: end - at }
}

/** Where, after byte `from`, a whole and sound frame starts; undefined when none does. */
export function findFrame (bytes: Uint8Array, from: number, crc32c: Crc32c): number | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const mark = Buffer.alloc(4)
  mark.writeUInt32BE(frameMagic)
  for (let at = buffer.indexOf(mark, from); at >= 0; at = buffer.indexOf(mark, at + 1)) {
    if (decodeFrame(bytes, at, crc32c) !== undefined) return at
  }
  return undefined
}
