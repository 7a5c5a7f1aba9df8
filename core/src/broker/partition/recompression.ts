import { batchHeaderSize, batchPrefixSize, computeCrc, type Compression } from '../../protocol/records/batch-header.ts'
import { compress } from '../../protocol/records/compression.ts'
import { batchRecords } from '../../protocol/records/decode-records.ts'

const lengthPosition = 8
const crcPosition = 17
const attributesLowPosition = 22
const codecBits = 0x07
const decompressedBytesMax = 256 * 1024 * 1024

/** A copy of the batch with its records in another codec; all else, offsets and sequences too, is the same. */
export function recompress (batch: Uint8Array, codec: Compression): Uint8Array {
  const body = compress(codec, batchRecords(batch, decompressedBytesMax))
  const copy = Buffer.allocUnsafeSlow(batchHeaderSize + body.length)
  copy.set(batch.subarray(0, batchHeaderSize))
  copy.set(body, batchHeaderSize)
  copy.writeInt32BE(copy.length - batchPrefixSize, lengthPosition)
  copy[attributesLowPosition] = copy[attributesLowPosition]! & ~codecBits | codec
  copy.writeUInt32BE(computeCrc(copy), crcPosition)
  return copy
}
