import { corrupt, tooLarge } from '../protocol-error.ts'

/** Of a literal, and of the three kinds of copies. */
const distanceSizes = [0, 1, 2, 4] as const

/**
 * Sees that `input` is one snappy block, as google/snappy's format description has it, that makes exactly as much as it says, and gives
 * that size in bytes; its elements are read and nothing is copied. Throws CORRUPT, also for more than `sizeMax` bytes.
 */
export function snappyBlockSize (input: Uint8Array, sizeMax: number): number {
  const end = input.length
  let size = 0
  let at = 0
  for (let unit = 1; ; unit *= 128) {
    if (at >= end || at === 5) throw corrupt(`snappy block has no size. size=${end}`)
    const byte = input[at++]!
    size += (byte & 0x7f) * unit
    if (byte < 0x80) break
  }
  if (size > sizeMax) throw tooLarge(sizeMax)
  let out = 0
  while (at < end) {
    const tag = input[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let length = (tag >> 2) + 1
      if (length > 60) {
        const lengthSize = length - 60
        if (lengthSize > end - at) throw endsEarly(at)
        length = littleEndian(input, at, lengthSize) + 1
        at += lengthSize
      }
      at += length
      out += length
      if (at > end) throw endsEarly(at)
      continue
    }
    const distanceSize = distanceSizes[kind]!
    if (distanceSize > end - at) throw endsEarly(at)
    // Two bytes are what nearly all copies have.
    const distance = kind === 2 ? input[at]! | input[at + 1]! << 8 : kind === 1 ? tag >> 5 << 8 | input[at]! : littleEndian(input, at, 4)
    if (distance === 0 || distance > out) throw corrupt(`snappy copy lies before its block. at=${at} distance=${distance}`)
    out += kind === 1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1
    at += distanceSize
  }
  if (out !== size) throw corrupt(`snappy block makes another size than it says. size=${size} made=${out}`)
  return size
}

function littleEndian (input: Uint8Array, at: number, size: number): number {
  let value = input[at]!
  for (let i = 1, unit = 256; i < size; i++, unit *= 256) value += input[at + i]! * unit
  return value
}

function endsEarly (at: number): Error { return corrupt(`snappy block ends too early. at=${at}`) }
