import { lz4Decompress } from '@platformatic/wasm-utils'
import { corrupt, tooLarge } from '../protocol-error.ts'
import { asBuffer } from '../primitives/buffer-view.ts'
import { lz4BlockSize } from './lz4-block.ts'
import type { Decompressed } from './decompressed.ts'
import { xxh32 } from './xxh32.ts'

const frameMagic = 0x184d2204
const versionOne = 0x40
const independentFlag = 0x20
const blockChecksumFlag = 0x10
const contentSizeFlag = 0x08
const contentChecksumFlag = 0x04
/** Reserved, and a dictionary, which nobody has. */
const forbiddenFlags = 0x03
const storedBit = 0x8000_0000
const headerSizeMin = 7
/** What the library may make at once: it keeps the memory that it once needed. */
const wholeSizeMax = 4 * 1024 * 1024

/**
 * Decompresses one LZ4 frame, which must be all of `bytes`: version 1 with independent blocks, as Kafka wants them. All its checksums and
 * sizes are checked, and its blocks are read before anything is made of them: the library leaks what it was given when it fails, and
 * fails for good after some of that. Plain is a frame without a content checksum, of which Java clients and others think differently.
 */
export function decompressLz4Frame (bytes: Uint8Array, sizeMax: number): Decompressed {
  const frame = asBuffer(bytes)
  const header = frameHeader(frame)
  const blocks = walkBlocks(frame, header, sizeMax)
  const size = blocks.reduce((sum, block) => sum + block.size, 0)
  if (header.contentSize !== undefined && header.contentSize !== size) throw corrupt(`lz4 frame has another size than it says. size=${size} contentSize=${header.contentSize}`)
  if ((header.flags & (blockChecksumFlag | contentSizeFlag | contentChecksumFlag)) === 0 && size <= wholeSizeMax) return { bytes: lz4Decompress(frame), isPlain: true }
  const content = Buffer.allocUnsafeSlow(size)
  let filled = 0
  for (const block of blocks) filled += fill(content, filled, frame, block, header)
  const hasChecksum = (header.flags & contentChecksumFlag) !== 0
  if (hasChecksum && frame.readUInt32LE(frame.length - 4) !== xxh32(content, 0, size)) throw corrupt('lz4 frame fails its checksum.')
  return { bytes: content, isPlain: !hasChecksum }
}

interface FrameHeader { readonly flags: number, readonly blockSizes: number, readonly blockSizeMax: number, readonly headerSize: number, readonly contentSize: number | undefined }

function frameHeader (frame: Buffer): FrameHeader {
  if (frame.length < headerSizeMin || frame.readUInt32LE(0) !== frameMagic) throw corrupt(`no lz4 frame. size=${frame.length}`)
  const flags = frame[4]!
  const blockSizes = frame[5]!
  const blockSizeId = blockSizes >> 4
  const isKnown = flags >> 6 === 1 && (flags & forbiddenFlags) === 0 && blockSizeId >= 4 && blockSizeId <= 7 && (blockSizes & 0x0f) === 0
  if (!isKnown) throw corrupt(`lz4 frame of an unknown kind. flags=${flags} blockSizes=${blockSizes}`)
  if ((flags & independentFlag) === 0) throw corrupt('lz4 frame with blocks that depend on each other.')
  const hasSize = (flags & contentSizeFlag) !== 0
  const headerSize = headerSizeMin + (hasSize ? 8 : 0)
  if (frame.length < headerSize) throw corrupt(`lz4 frame ends within its header. size=${frame.length}`)
  if (frame[headerSize - 1] !== headerChecksum(frame, headerSize)) throw corrupt('lz4 frame header fails its checksum.')
  const contentSize = hasSize ? frame.readUInt32LE(6) + frame.readUInt32LE(10) * 0x1_0000_0000 : undefined
  return { flags, blockSizes, blockSizeMax: 1 << 8 + 2 * blockSizeId, headerSize, contentSize }
}

function headerChecksum (frame: Uint8Array, headerSize: number): number { return xxh32(frame, 4, headerSize - 1) >>> 8 & 0xff }

/** A block of a frame: where its bytes lie, and what they decompress to. */
interface Block { readonly start: number, readonly end: number, readonly isStored: boolean, readonly size: number }

function walkBlocks (frame: Buffer, header: FrameHeader, sizeMax: number): Block[] {
  const { blockSizeMax, flags, headerSize } = header
  const checksumSize = (flags & blockChecksumFlag) === 0 ? 0 : 4
  const blocks: Block[] = []
  let total = 0
  for (let at = headerSize; ;) {
    if (frame.length - at < 4) throw corrupt(`lz4 frame has no end mark. at=${at}`)
    const word = frame.readUInt32LE(at)
    at += 4
    if (word === 0) {
      const end = (flags & contentChecksumFlag) === 0 ? at : at + 4
      if (end !== frame.length) throw corrupt(`lz4 frame does not end where the records do. at=${end} size=${frame.length}`)
      return blocks
    }
    const isStored = word >= storedBit
    const end = at + (isStored ? word - storedBit : word)
    if (end - at > blockSizeMax || end + checksumSize > frame.length) throw corrupt(`lz4 block length does not fit. at=${at} size=${end - at}`)
    if (checksumSize > 0 && frame.readUInt32LE(end) !== xxh32(frame, at, end)) throw corrupt(`lz4 block fails its checksum. at=${at}`)
    const size = isStored ? end - at : lz4BlockSize(frame, at, end, blockSizeMax)
    total += size
    if (total > sizeMax) throw tooLarge(sizeMax)
    blocks.push({ start: at, end, isStored, size })
    at = end + checksumSize
  }
}

/** Writes what `block` decompresses to and returns its size: a frame of that block alone, without checksums, for the library. */
function fill (content: Buffer, at: number, frame: Buffer, { end, isStored, size, start }: Block, { blockSizes }: FrameHeader): number {
  if (isStored) return frame.copy(content, at, start, end)
  const alone = Buffer.allocUnsafe(headerSizeMin + 4 + (end - start) + 4)
  alone.writeUInt32LE(frameMagic)
  alone[4] = versionOne | independentFlag
  alone[5] = blockSizes
  alone[6] = headerChecksum(alone, headerSizeMin)
  alone.writeUInt32LE(end - start, headerSizeMin)
  frame.copy(alone, headerSizeMin + 4, start, end)
  alone.writeUInt32LE(0, alone.length - 4)
  lz4Decompress(alone).copy(content, at)
  return size
}
