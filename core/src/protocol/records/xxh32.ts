const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

/** XXH32 with seed 0 of `bytes[start, end)`, unsigned: the checksum of LZ4 frames. See the xxHash specification. */
export function xxh32 (bytes: Uint8Array, start: number, end: number): number {
  let at = start
  let hash = prime5
  if (end - start >= 16) {
    let a = prime1 + prime2 | 0
    let b = prime2 | 0
    let c = 0
    let d = -prime1 | 0
    for (; end - at >= 16; at += 16) {
      a = round(a, word(bytes, at))
      b = round(b, word(bytes, at + 4))
      c = round(c, word(bytes, at + 8))
      d = round(d, word(bytes, at + 12))
    }
    hash = rotated(a, 1) + rotated(b, 7) + rotated(c, 12) + rotated(d, 18) | 0
  }
  hash = hash + (end - start) | 0
  for (; end - at >= 4; at += 4) hash = Math.imul(rotated(hash + Math.imul(word(bytes, at), prime3) | 0, 17), prime4)
  for (; at < end; at++) hash = Math.imul(rotated(hash + Math.imul(bytes[at]!, prime5) | 0, 11), prime1)
  hash = Math.imul(hash ^ hash >>> 15, prime2)
  hash = Math.imul(hash ^ hash >>> 13, prime3)
  return (hash ^ hash >>> 16) >>> 0
}

function round (lane: number, input: number): number { return Math.imul(rotated(lane + Math.imul(input, prime2) | 0, 13), prime1) }

function rotated (value: number, bits: number): number { return value << bits | value >>> 32 - bits }

function word (bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24
}
