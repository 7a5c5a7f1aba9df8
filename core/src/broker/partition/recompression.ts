import { batchHeaderSize, batchPrefixSize, computeCrc } from '../../protocol/records/batch-header.ts'
import { compress } from '../../protocol/records/compression.ts'

const lengthPosition = 8
const crcPosition = 17
const attributesLowPosition = 22
const codecBits = 0x07

/** A copy of the batch with its records, given as they are when not compressed, in `codec`; all else, offsets and sequences too, is the same. */
export function recompress (batch: Uint8Array, records: Uint8Array, codec: number): Uint8Array {
  const body = compress(codec, records)
  const copy = Buffer.allocUnsafeSlow(batchHeaderSize + body.length)
  copy.set(batch.subarray(0, batchHeaderSize))
  copy.set(body, batchHeaderSize)
  copy.writeInt32BE(copy.length - batchPrefixSize, lengthPosition)
  copy[attributesLowPosition] = copy[attributesLowPosition]! & ~codecBits | codec
  copy.writeUInt32BE(computeCrc(copy), crcPosition)
  return copy
}
