import { lz4Decompress } from '@platformatic/wasm-utils'
import { asBuffer } from '../primitives/buffer-view.ts'
import { corrupt } from '../protocol-error.ts'

const frameMagic = 0x184d2204
const contentSizeFlag = 0x08
const contentChecksumFlag = 0x04
const blockChecksumFlag = 0x10
const dictionaryFlag = 0x01
const storedBit = 0x8000_0000

/** No sequence of lz4 makes more than 255 bytes from one. */
const ratioMax = 255

/**
 * Decompresses one LZ4 frame. The library has no limit of its own and answers garbage with an empty buffer, so the
 * frame's blocks are walked first: they must end exactly at the end mark and the end of `bytes`, and what they decompress
 * to is counted, before any of it is made, wherever it could exceed `sizeMax`.
 */
export function decompressLz4Frame (bytes: Uint8Array, sizeMax: number): Uint8Array {
  const frame = asBuffer(bytes)
  const mustCount = frame.length * ratioMax > sizeMax
  const size = walkFrame(frame, mustCount)
  if (size > sizeMax) throw corrupt(`records decompress to more than is allowed. size=${size} sizeMax=${sizeMax}`)
  let out: Buffer
  try {
    out = lz4Decompress(frame)
  } catch (error) {
    throw corrupt('lz4 frame does not decompress.', error)
  }
  if (mustCount ? out.length !== size : out.length === 0 && size > 0) throw corrupt(`lz4 frame does not decompress. size=${frame.length}`)
  return out
}

/** Returns the size that the blocks decompress to; counted only with `mustCount`, else 0 for none and 1 for some. */
function walkFrame (frame: Buffer, mustCount: boolean): number {
  const { flags, blockSizeMax, headerSize } = frameHeader(frame)
  const checksumSize = (flags & blockChecksumFlag) === 0 ? 0 : 4
  let total = 0
  for (let at = headerSize; ;) {
    if (frame.length - at < 4) throw corrupt(`lz4 frame has no end mark. at=${at}`)
    const word = frame.readUInt32LE(at)
    at += 4
    if (word === 0) {
      if ((flags & contentChecksumFlag) !== 0) at += 4
      if (at !== frame.length) throw corrupt(`lz4 frame does not end where the records do. at=${at} size=${frame.length}`)
      return total
    }
    const size = word >= storedBit ? word - storedBit : word
    if (size > blockSizeMax || size + checksumSize > frame.length - at) throw corrupt(`lz4 block length does not fit. at=${at} size=${size}`)
    if (!mustCount) total = 1
    else total += word >= storedBit ? size : blockOutputSize(frame, at, at + size)
    at += size + checksumSize
  }
}

function frameHeader (frame: Buffer): { readonly flags: number, readonly blockSizeMax: number, readonly headerSize: number } {
  if (frame.length < 7 || frame.readUInt32LE(0) !== frameMagic) throw corrupt(`no lz4 frame. size=${frame.length}`)
  const flags = frame[4] as number
  const blockSizeId = frame[5] as number >> 4 & 0x07
  if (flags >> 6 !== 1 || blockSizeId < 4 || (flags & dictionaryFlag) !== 0) throw corrupt(`lz4 frame of an unknown kind. flags=${flags} blockSizeId=${blockSizeId}`)
  return { flags, blockSizeMax: 1 << 8 + 2 * blockSizeId, headerSize: (flags & contentSizeFlag) === 0 ? 7 : 15 }
}

/** What a compressed block decompresses to, in bytes, found by reading its sequences without copying anything. */
function blockOutputSize (frame: Buffer, start: number, end: number): number {
  let total = 0
  for (let at = start; ;) {
    if (at >= end) throw corrupt(`lz4 block ends too early. at=${at}`)
    const token = frame[at++] as number
    let literals = token >> 4
    if (literals === 15) {
      let byte: number
      do {
        if (at >= end) throw corrupt(`lz4 block ends too early. at=${at}`)
        byte = frame[at++] as number
        literals += byte
      } while (byte === 255)
    }
    total += literals
    at += literals
    if (at === end) return total
    at += 2
    let match = token & 0x0f
    if (match === 15) {
      let byte: number
      do {
        if (at >= end) throw corrupt(`lz4 block ends too early. at=${at}`)
        byte = frame[at++] as number
        match += byte
      } while (byte === 255)
    }
    total += match + 4
  }
}
