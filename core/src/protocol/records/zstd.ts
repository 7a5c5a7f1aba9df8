import { zstdDecompressSync } from 'node:zlib'
import { asBuffer } from '../primitives/buffer-view.ts'
import { corrupt } from '../protocol-error.ts'
import type { Decompressed } from './decompressed.ts'
import { inflate } from './inflate.ts'

const frameMagic = 0xfd2fb528
// 16 magics for frames of somebody else's data, which readers pass over.
const skippableMagic = 0x184d2a50
const dictionaryIdSizes = [0, 1, 2, 4] as const
const contentSizeSizes = [0, 2, 4, 8] as const

/**
 * Decompresses zstd frames, one after another. Node's decoder stops after the first without saying so, therefore the
 * frames are told apart here, by walking over the lengths of their blocks. Plain is one frame alone.
 */
export function decompressZstdFrames (bytes: Uint8Array, sizeMax: number): Decompressed {
  const input = asBuffer(bytes)
  const parts: Buffer[] = []
  let left = sizeMax
  let at = 0
  let frames = 0
  do {
    const end = frameEnd(input, at)
    if (!isSkippable(input, at)) {
      const { bytes: part } = inflate(zstdDecompressSync, input.subarray(at, end), left)
      left -= part.length
      parts.push(part)
    }
    frames++
    at = end
  } while (at < input.length)
  return { bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts), isPlain: frames === 1 }
}

function isSkippable (input: Buffer, at: number): boolean {
  return (input.readUInt32LE(at) & 0xffff_fff0) >>> 0 === skippableMagic
}

/** Where the frame that begins at `at` ends. Throws CORRUPT when none begins there, or it is cut off. */
function frameEnd (input: Buffer, at: number): number {
  if (input.length - at < 8) throw corrupt(`no zstd frame. at=${at}`)
  if (isSkippable(input, at)) return checked(input, at + 8 + input.readUInt32LE(at + 4))
  if (input.readUInt32LE(at) !== frameMagic) throw corrupt(`no zstd frame. at=${at}`)
  const descriptor = input[at + 4] as number
  const isSingleSegment = (descriptor & 0x20) !== 0
  const contentSizeSize = contentSizeSizes[descriptor >> 6 & 3] as number
  let position = at + 5 + (isSingleSegment ? 0 : 1) + (dictionaryIdSizes[descriptor & 3] as number) +
    (contentSizeSize === 0 && isSingleSegment ? 1 : contentSizeSize)
  for (let isLast = false; !isLast;) {
    const header = input.readUIntLE(checked(input, position + 3) - 3, 3)
    isLast = (header & 1) === 1
    // A block of type 1 is one byte, repeated.
    position = checked(input, position + 3 + ((header >> 1 & 3) === 1 ? 1 : header >> 3))
  }
  return checked(input, position + ((descriptor & 0x04) === 0 ? 0 : 4))
}

function checked (input: Buffer, end: number): number {
  if (end > input.length) throw corrupt(`zstd frame is cut off. size=${input.length}`)
  return end
}
