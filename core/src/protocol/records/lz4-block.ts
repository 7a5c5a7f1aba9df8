import { corrupt } from '../protocol-error.ts'

/** What the reference decoder wants behind a match: its distance, the next token, and five literals. */
const bytesBehindMatchMin = 8
/** No match begins this near to the end of the largest block, and none ends nearer to it than `literalsAtEnd`. */
const matchStartMargin = 12
const literalsAtEnd = 5
/** Of a short sequence: a token, at most 14 literals, and what is to be behind them; and what it makes, with all margins. */
const shortBytesMax = 15 + bytesBehindMatchMin
const shortOutputMax = 14 + 18 + matchStartMargin

/**
 * What the LZ4 block in `input[start, end)` decompresses to, in bytes, found by reading its sequences without copying anything.
 * Throws CORRUPT for whatever the reference decoder (`LZ4_decompress_safe`) refuses with room for `sizeMax` bytes, as other clients
 * use it.
 */
export function lz4BlockSize (input: Uint8Array, start: number, end: number, sizeMax: number): number {
  const shortEnd = end - shortBytesMax
  const shortSizeMax = sizeMax - shortOutputMax
  let at = start
  let size = 0
  for (;;) {
    // Most sequences are short: far from both ends they need no more than this.
    while (at <= shortEnd && size <= shortSizeMax) {
      const token = input[at]!
      const literals = token >> 4
      const match = token & 0x0f
      if (literals === 15 || match === 15) break
      size += literals
      at += literals + 3
      const distance = input[at - 2]! | input[at - 1]! << 8
      if (distance === 0 || distance > size) throw beforeBlock(at - 2, distance)
      size += match + 4
    }
    if (at >= end) throw endsEarly(at)
    const token = input[at++]!
    let literals = token >> 4
    if (literals === 15) {
      let byte: number
      do {
        if (at >= end) throw endsEarly(at)
        byte = input[at++]!
        literals += byte
      } while (byte === 255)
    }
    at += literals
    size += literals
    if (at > end || size > sizeMax) throw corrupt(`lz4 literals do not fit. at=${at} size=${literals}`)
    if (at === end) return size
    if (end - at < bytesBehindMatchMin || size > sizeMax - matchStartMargin) throw corrupt(`lz4 block ends in a match. at=${at}`)
    const distance = input[at]! | input[at + 1]! << 8
    if (distance === 0 || distance > size) throw beforeBlock(at, distance)
    at += 2
    let match = token & 0x0f
    if (match === 15) {
      let byte: number
      do {
        if (at >= end) throw endsEarly(at)
        byte = input[at++]!
        match += byte
      } while (byte === 255)
    }
    size += match + 4
    if (size > sizeMax - literalsAtEnd) throw corrupt(`lz4 block is larger than its frame allows. at=${at} sizeMax=${sizeMax}`)
  }
}

function endsEarly (at: number): Error { return corrupt(`lz4 block ends too early. at=${at}`) }

function beforeBlock (at: number, distance: number): Error { return corrupt(`lz4 match lies before its block. at=${at} distance=${distance}`) }
