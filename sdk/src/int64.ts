/**
 * 64-bit integers of wires and files, exact. A value is a number where a number holds it exactly, within ±(2^53 − 1), and a bigint beyond:
 * one form for each value, so that `===`, keys of a Map, and comparisons, which JavaScript makes exactly between the two, are right.
 */
export type Int64 = number | bigint

const twoTo32 = 0x1_0000_0000

export const int64Min: bigint = -(2n ** 63n)
export const int64Max: bigint = 2n ** 63n - 1n

/** The value of two halves, the higher one signed, the lower one unsigned, of 32 bits each. */
export function int64Of (high: number, low: number): Int64 {
  const value = high * twoTo32 + low
  return Number.isSafeInteger(value) ? value : BigInt(high) * 0x1_0000_0000n + BigInt(low)
}

/** The 64 bits of `value` as an Int64: it goes round as Java's long does. */
export function toInt64 (value: bigint): Int64 {
  const wrapped = BigInt.asIntN(64, value)
  const number = Number(wrapped)
  return Number.isSafeInteger(number) ? number : wrapped
}

/** The sum; it goes round as Java's does. */
export function addInt64 (left: Int64, right: Int64): Int64 {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    if (Number.isSafeInteger(sum)) return sum
  }
  return toInt64(BigInt(left) + BigInt(right))
}

/** The nearest number that is exact: what is beyond ±(2^53 − 1) becomes that bound. Order is kept, if not strictly. */
export function clampInt64 (value: Int64): number {
  if (typeof value === 'number') return value
  return value > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER
}

/** The higher 32 bits, signed. Throws RangeError for what is no int64. */
export function highOf (value: Int64): number {
  if (typeof value === 'bigint') {
    if (value < int64Min || value > int64Max) throw new RangeError(`not an int64. value=${value}`)
    return Number(value >> 32n)
  }
  if (!Number.isSafeInteger(value)) throw new RangeError(`not an int64. value=${value}`)
  return Math.floor(value / twoTo32)
}

/** The lower 32 bits, unsigned, of a value that `highOf` takes. */
export function lowOf (value: Int64): number {
  return typeof value === 'bigint' ? Number(value & 0xffff_ffffn) : value - Math.floor(value / twoTo32) * twoTo32
}

/** Reads a big-endian int64 at byte `at`. */
export function readInt64 (view: DataView, at: number): Int64 { return int64Of(view.getInt32(at), view.getUint32(at + 4)) }

/** As `readInt64`, for what is never written larger: NaN outside ±(2^53 − 1), which no comparison accepts. */
export function readSafeInt64 (view: DataView, at: number): number {
  const value = view.getInt32(at) * twoTo32 + view.getUint32(at + 4)
  return Number.isSafeInteger(value) ? value : Number.NaN
}

/** Writes `value` as big-endian int64 at byte `at`. Throws RangeError for what is no int64. */
export function writeInt64 (view: DataView, at: number, value: Int64): void {
  view.setInt32(at, highOf(value))
  view.setUint32(at + 4, lowOf(value))
}

/** Reads a little-endian uint64. Values past 2^53 come back inexact: callers check a checksum, then the range. */
export function readUint64 (view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * twoTo32
}

/** Writes a little-endian uint64: a whole number that is exact, up to 2^53. */
export function writeUint64 (view: DataView, at: number, value: number): void {
  view.setUint32(at, value % twoTo32, true)
  view.setUint32(at + 4, Math.floor(value / twoTo32), true)
}
