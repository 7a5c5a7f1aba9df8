import { StreambedError } from '@streambed/sdk'
import type { Environment } from '@streambed/sdk'
import { corrupt, newerFormat } from './errors.ts'
import { decodeFrame, findFrame } from './frame.ts'
import { judgeTail } from './tail.ts'

export const segmentHeaderBytes = 32
const magic = 0x5342_4d4c // SBML
const formatVersion = 1

type Crc32c = Environment['crc32c']

export interface SegmentFrame { readonly first: number, readonly count: number, readonly size: number }

/** What a file of the log holds that can be read. */
export interface SegmentContent {
  /** The sound groups, from the file's start, without gaps. */
  readonly frames: readonly SegmentFrame[]
  /** The position after their last entry. */
  readonly end: number
  /** Where they end in the file; 0 when its header cannot be read. */
  readonly byteEnd: number
  /** CORRUPT: why what follows is damage. Undefined at the file's end and before a torn write, which only the last file may have. */
  readonly problem: StreambedError | undefined
}

export function encodeSegmentHeader (start: number, crc32c: Crc32c): Uint8Array {
  const header = new Uint8Array(segmentHeaderBytes)
  const view = new DataView(header.buffer)
  view.setUint32(0, magic)
  view.setUint16(4, formatVersion)
  view.setBigUint64(8, BigInt(start))
  view.setUint32(segmentHeaderBytes - 4, crc32c(header.subarray(0, segmentHeaderBytes - 4)))
  return header
}

/** Verifies a file. Fails with UNSUPPORTED on one of a newer format. */
export function readSegment (bytes: Uint8Array, place: { readonly file: string, readonly start: number, readonly isLast: boolean }, { crc32c }: Pick<Environment, 'crc32c'>): SegmentContent {
  const { file, start, isLast } = place
  const frames: SegmentFrame[] = []
  let end = start
  let byteEnd = 0
  try {
    checkHeader(bytes, file, start, crc32c)
    byteEnd = segmentHeaderBytes
    for (;;) {
      const frame = decodeFrame(bytes, byteEnd, crc32c)
      if (frame === undefined) break
      if (frame.first !== end) throw corrupt(`entry ${end} is missing, ${frame.first} is in its place`, file, byteEnd, end)
      frames.push({ first: frame.first, count: frame.entries.length, size: frame.size })
      end += frame.entries.length
      byteEnd += frame.size
    }
  } catch (error) {
    if (!StreambedError.is(error, 'CORRUPT')) throw error
    return { frames, end, byteEnd, problem: error }
  }
  return { frames, end, byteEnd, problem: byteEnd === bytes.length ? undefined : problemOfTail(bytes, { file, isLast, byteEnd, end }, crc32c) }
}

/** Whether `bytes` can be a file of that start which a crash kept from coming into use: blank, or a beginning of its header. */
export function isUnusedSegment (bytes: Uint8Array, start: number, crc32c: Crc32c): boolean {
  if (bytes.length > segmentHeaderBytes) return false
  if (bytes.every(byte => byte === 0)) return true
  const header = encodeSegmentHeader(start, crc32c)
  return bytes.length < segmentHeaderBytes && bytes.every((byte, index) => byte === header[index])
}

function problemOfTail (bytes: Uint8Array, { file, isLast, byteEnd, end }: { readonly file: string, readonly isLast: boolean, readonly byteEnd: number, readonly end: number }, crc32c: Crc32c): StreambedError | undefined {
  if (!isLast) return corrupt('a group of entries is not whole', file, byteEnd, end)
  // A group is written only after all before it are confirmed.
  const sound = findFrame(bytes, byteEnd + 1, crc32c)
  if (sound !== undefined) return corrupt(`a group of entries fails its checksum, and a sound one follows at ${sound}`, file, byteEnd, end)
  const tail = judgeTail(bytes, byteEnd, end)
  return tail === 'torn' ? undefined : corrupt(tail.damage, file, byteEnd, end)
}

function checkHeader (bytes: Uint8Array, file: string, start: number, crc32c: Crc32c): void {
  if (bytes.length < segmentHeaderBytes) throw corrupt('the file is shorter than its header', file, bytes.length, start)
  const view = new DataView(bytes.buffer, bytes.byteOffset, segmentHeaderBytes)
  if (view.getUint32(0) !== magic) throw corrupt('not a file of a metadata log', file, 0, start)
  if (view.getUint32(segmentHeaderBytes - 4) !== crc32c(bytes.subarray(0, segmentHeaderBytes - 4))) throw corrupt('the header fails its checksum', file, 0, start)
  const version = view.getUint16(4)
  if (version !== formatVersion) throw newerFormat(version, formatVersion, file)
  const found = Number(view.getBigUint64(8))
  if (found !== start) throw corrupt(`the file holds entries from ${found}, its name says ${start}`, file, 0)
}
