import { toInt64, type Int64 } from '@streambed/sdk'
import { corrupt } from '../protocol-error.ts'

/**
 * The zig-zag varints of records. A reader object that is reused holds the position, so that reading a record makes no
 * garbage.
 */
export class VarintReader {
  bytes: Uint8Array
  position: number
  end: number

  constructor () {
    this.bytes = new Uint8Array(0)
    this.position = 0
    this.end = 0
  }

  byte (): number {
    if (this.position >= this.end) throw corrupt(`record ends too early. at=${this.position}`)
    return this.bytes[this.position++] as number
  }

  /** 32 bits in at most five bytes. */
  varint (): number {
    let byte = this.byte()
    if (byte < 0x80) return byte >>> 1 ^ -(byte & 1)
    let raw = byte & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.byte()
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return raw >>> 1 ^ -(raw & 1)
    }
    byte = this.byte()
    if (byte > 0x0f) throw corrupt(`varint longer than 32 bits. at=${this.position}`)
    raw |= byte << 28
    return raw >>> 1 ^ -(raw & 1)
  }

  /** 64 bits in at most ten bytes. */
  varlong (): Int64 {
    const start = this.position
    let byte = this.byte()
    if (byte < 0x80) return byte >>> 1 ^ -(byte & 1)
    const negative = (byte & 1) === 1
    let magnitude = (byte & 0x7f) >>> 1
    let unit = 64
    for (let count = 2; ; count++) {
      byte = this.byte()
      if (count === 10 && byte > 1) throw corrupt(`varlong longer than 64 bits. at=${this.position}`)
      magnitude += (byte & 0x7f) * unit
      if (byte < 0x80) break
      unit *= 128
    }
    const value = negative ? -magnitude - 1 : magnitude
    return Number.isSafeInteger(value) ? value : this.#wideVarlong(start)
  }

  /** The varlong at `start`, which is whole, and which no number holds. */
  #wideVarlong (start: number): Int64 {
    let raw = 0n
    for (let at = start, shift = 0n; at < this.position; at++, shift += 7n) raw |= BigInt(this.bytes[at]! & 0x7f) << shift
    return toInt64(raw >> 1n ^ -(raw & 1n))
  }
}

export function zigZagVarintSize (value: number): number {
  const raw = (value << 1 ^ value >> 31) >>> 0
  if (raw < 0x80) return 1
  if (raw < 0x4000) return 2
  if (raw < 0x20_0000) return 3
  return raw < 0x1000_0000 ? 4 : 5
}

export function writeZigZagVarint (bytes: Uint8Array, at: number, value: number): number {
  let raw = (value << 1 ^ value >> 31) >>> 0
  let position = at
  for (; raw > 0x7f; raw >>>= 7) bytes[position++] = raw & 0x7f | 0x80
  bytes[position++] = raw
  return position
}

export function zigZagVarlongSize (value: number): number {
  let size = 1
  for (let rest = Math.floor((value < 0 ? -value - 1 : value) / 64); rest > 0; rest = Math.floor(rest / 128)) size++
  return size
}

export function writeZigZagVarlong (bytes: Uint8Array, at: number, value: number): number {
  const magnitude = value < 0 ? -value - 1 : value
  let position = at
  let byte = magnitude % 64 * 2 + (value < 0 ? 1 : 0)
  for (let rest = Math.floor(magnitude / 64); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[position++] = byte | 0x80
    byte = rest % 128
  }
  bytes[position++] = byte
  return position
}
