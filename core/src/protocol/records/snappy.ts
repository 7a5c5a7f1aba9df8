import { snappyDecompress } from '@platformatic/wasm-utils'
import { asBuffer } from '../primitives/buffer-view.ts'
import { corrupt } from '../protocol-error.ts'
import { snappyBlockSize } from './snappy-block.ts'

// Java frames its blocks in the format of the xerial library; librdkafka, sarama and franz-go send one bare block.
const xerialMagic = Buffer.from('82534e4150505900', 'hex')
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from('0000000100000001', 'hex')])
const xerialVersionAt = xerialMagic.length
const xerialBlockSize = 32 * 1024

/** Both framings: xerial's, known by its magic, and a bare block. See `decompress` for the limit. */
export function decompressSnappy (bytes: Uint8Array, sizeMax: number): Uint8Array {
  const input = asBuffer(bytes)
  if (!input.subarray(0, xerialMagic.length).equals(xerialMagic)) return decompressBlock(input, sizeMax)
  if (input.length < xerialHeader.length) throw corrupt(`xerial header is cut off. size=${input.length}`)
  const version = input.readInt32BE(xerialVersionAt)
  if (version < 1) throw corrupt(`xerial framing of an unknown version. version=${version}`)
  const blocks: Uint8Array[] = []
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
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks)
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

/** The library leaks what it was given when it fails, and fails for good after some of that: it is given only what it can read. */
function decompressBlock (block: Buffer, sizeMax: number): Uint8Array {
  return snappyBlockSize(block, sizeMax) === 0 ? Buffer.alloc(0) : snappyDecompress(block)
}
