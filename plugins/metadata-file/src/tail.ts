import { frameHeaderBytes, frameMagic } from './frame.ts'

const sectorBytes = 512

/**
 * What follows the last sound group of a file's, from `at` to the end: `torn`, when a write that never ended can have left it, or
 * why it is damage.
 *
 * Before a group was written the file ended at `at`. A write that never ended leaves each sector of its range as it was, which is
 * zeros or not there, or as it should be; and the file ends anywhere in that range. So damage is what is neither, and a group
 * of which nothing is missing although its checksum is wrong. `first`: the position that its first entry must have.
 */
export function judgeTail (bytes: Uint8Array, at: number, first: number): 'torn' | { readonly damage: string } {
  const tail = bytes.subarray(at)
  const view = new DataView(tail.buffer, tail.byteOffset, tail.length)
  // Up to the end of its sector: the header may lie in two.
  const isMissing = (from: number, to: number): boolean => isAbsent(bytes, at, at + from, at + to)
  if (isMissing(0, frameHeaderBytes)) return isBlankOrGroup(bytes, at)
  if (view.getUint32(0) !== frameMagic || view.getBigUint64(8) !== BigInt(first)) return { damage: 'what follows is neither blank nor a group of entries' }
  const count = view.getUint32(16)
  const size = frameHeaderBytes + view.getUint32(20)
  if (tail.length > size) return { damage: `the file goes on behind the group of entries that must be its last, which ends at ${at + size}` }
  if (isMissing(frameHeaderBytes, tail.length)) return 'torn'
  if (tail.length === size) return { damage: 'a group of entries was written to its end, and fails its checksum' }
  return endOfEntries(view, count) === undefined ? 'torn' : { damage: 'a group of entries is whole but for its size, and fails its checksum' }
}

/** Whether a part of some sector within [from, to) of `bytes` is zeros, or behind their end. */
function isAbsent (bytes: Uint8Array, at: number, from: number, to: number): boolean {
  if (to > bytes.length) return true
  for (let start = from; start < to;) {
    const end = nextSector(start)
    // A sector is old or new as one: all that the group has in it tells.
    if (isZero(bytes.subarray(Math.max(at, start - start % sectorBytes), Math.min(end, bytes.length)))) return true
    start = end
  }
  return false
}

/** A header of which a part is missing: what is there of it must be right as far as it is known. */
function isBlankOrGroup (bytes: Uint8Array, at: number): 'torn' | { readonly damage: string } {
  const magic = new Uint8Array(4)
  new DataView(magic.buffer).setUint32(0, frameMagic)
  const end = Math.min(nextSector(at), bytes.length)
  const known = Math.min(4, end - at)
  if (isZero(bytes.subarray(at, end)) || magic.subarray(0, known).every((byte, index) => bytes[at + index] === byte)) return 'torn'
  return { damage: 'what follows is neither blank nor a group of entries' }
}

/** Where the group's entries end; undefined when they do not within its bytes. */
function endOfEntries (view: DataView, count: number): number | undefined {
  let at = frameHeaderBytes
  for (let index = 0; index < count; index++) {
    if (at + 4 > view.byteLength) return undefined
    at += 4 + view.getUint32(at)
    if (at > view.byteLength) return undefined
  }
  return at
}

function nextSector (at: number): number { return at - at % sectorBytes + sectorBytes }

function isZero (bytes: Uint8Array): boolean { return bytes.every(byte => byte === 0) }
