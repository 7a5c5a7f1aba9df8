/** Writes a safe integer as big-endian int64 at byte `at`. */
export function writeInt64 (view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 0x1_0000_0000))
  view.setUint32(at + 4, value >>> 0)
}

/** Reads a big-endian int64 at byte `at`. NaN outside ±(2^53 − 1), which no comparison accepts. */
export function readInt64 (view: DataView, at: number): number {
  const value = view.getInt32(at) * 0x1_0000_0000 + view.getUint32(at + 4)
  return Number.isSafeInteger(value) ? value : Number.NaN
}
