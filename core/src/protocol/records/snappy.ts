import { snappyDecompress } from '@platformatic/wasm-utils'
import { asBuffer } from '../primitives/buffer-view.ts'
import { corrupt } from '../protocol-error.ts'

// Java frames its blocks in the format of the xerial library; librdkafka, sarama and franz-go send one bare block.
const xerialMagic = Buffer.from('82534e4150505900', 'hex')
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from('0000000100000001', 'hex')])
const xerialBlockSize = 32 * 1024

/** Both framings: xerial's, known by its magic, and a bare block. See `decompress` for the limit. */
export function decompressSnappy (bytes: Uint8Array, sizeMax: number): Uint8Array {
  const input = asBuffer(bytes)
  if (!input.subarray(0, xerialMagic.length).equals(xerialMagic)) return decompressBlock(input, sizeMax)
  if (input.length < xerialHeader.length) throw corrupt(`xerial header is cut off. size=${input.length}`)
  const blocks: Buffer[] = []
  let left = sizeMax
  for (let at = xerialHeader.length; at < input.length;) {
    if (input.length - at < 4) throw corrupt(`xerial block length is cut off. at=${at}`)
    const size = input.readInt32BE(at)
    at += 4
    if (size < 1 || size > input.length - at) throw corrupt(`xerial block length does not fit. at=${at} size=${size}`)
    const block = decompressBlock(input.subarray(at, at + size), left)
    left -= block.length
    blocks.push(block)
    at += size
  }
  return blocks.length === 1 ? blocks[0] as Buffer : Buffer.concat(blocks)
}

/** Puts each 32 KiB through `compressBlock` and the results into xerial's frame. */
export function wrapXerial (bytes: Uint8Array, compressBlock: (block: Uint8Array) => Uint8Array): Buffer {
  const parts: Uint8Array[] = [xerialHeader]
  for (let at = 0; at < bytes.length; at += xerialBlockSize) {
    const block = compressBlock(bytes.subarray(at, at + xerialBlockSize))
    const size = Buffer.allocUnsafe(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

function decompressBlock (block: Buffer, sizeMax: number): Buffer {
  const size = declaredSize(block)
  if (size > sizeMax) throw corrupt(`records decompress to more than is allowed. size=${size} sizeMax=${sizeMax}`)
  // No element of snappy makes more than 64 bytes, so a size beyond that is a lie not worth allocating for.
  if (size > block.length * 64) throw corrupt(`snappy block says it is larger than it can be. size=${size}`)
  if (size === 0) return Buffer.alloc(0)
  // The library answers garbage with an empty buffer instead of an error.
  const out = guarded(() => snappyDecompress(block))
  if (out.length !== size) throw corrupt(`snappy block does not decompress. size=${size}`)
  return out
}

/** A snappy block begins with its decompressed size, a varint of 32 bits. */
function declaredSize (block: Buffer): number {
  let size = 0
  for (let i = 0, unit = 1; i < 5 && i < block.length; i++, unit *= 128) {
    const byte = block[i] as number
    size += (byte & 0x7f) * unit
    if (byte < 0x80) return size
  }
  throw corrupt(`snappy block has no size. size=${block.length}`)
}

function guarded (run: () => Buffer): Buffer {
  try {
    return run()
  } catch (error) {
    throw corrupt('snappy block does not decompress.', error)
  }
}
