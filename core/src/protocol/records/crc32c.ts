import { createRequire } from 'node:module'

type Crc32c = (bytes: Uint8Array, previous?: number) => number

// A call into the native library costs more than the whole sum of a small batch.
const nativeSizeMin = 200

const tables = buildTables()

/** Slicing-by-8 in plain JavaScript: slower than the native code from about 200 bytes on, and always there. */
export function crc32cPortable (bytes: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables
  let crc = ~previous
  let i = 0
  for (const end = bytes.length - 7; i < end; i += 8) {
    const low = crc ^ (bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 | bytes[i + 3]! << 24)
    crc = t7[low & 0xff]! ^ t6[low >>> 8 & 0xff]! ^ t5[low >>> 16 & 0xff]! ^ t4[low >>> 24]! ^
      t3[bytes[i + 4]!]! ^ t2[bytes[i + 5]!]! ^ t1[bytes[i + 6]!]! ^ t0[bytes[i + 7]!]!
  }
  for (; i < bytes.length; i++) crc = crc >>> 8 ^ t0[(crc ^ bytes[i]!) & 0xff]!
  return ~crc >>> 0
}

const native = loadNative()

/** True when the native library is in use; without it large batches take some eight times as long to check. */
export const isNativeCrc32c = native !== undefined

/** CRC-32C (Castagnoli) of `bytes`, continuing from `previous`. An unsigned 32-bit integer. */
export const crc32c: Crc32c = native === undefined
  ? crc32cPortable
  : (bytes, previous = 0) => bytes.length < nativeSizeMin ? crc32cPortable(bytes, previous) : native(bytes, previous)

/** Its binary is an optional dependency of the package: on a platform without one, requiring it throws. */
function loadNative (): Crc32c | undefined {
  try {
    const library = createRequire(import.meta.url)('@node-rs/crc32') as { readonly crc32c: Crc32c }
    return library.crc32c(Buffer.from('123456789')) === 0xe3069283 ? library.crc32c : undefined
  } catch {
    return undefined
  }
}

type Table = Int32Array

function buildTables (): readonly [Table, Table, Table, Table, Table, Table, Table, Table] {
  const first = new Int32Array(256)
  for (let i = 0; i < 256; i++) {
    let crc = i
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1
    first[i] = crc
  }
  const next = (table: Table): Table => table.map(crc => crc >>> 8 ^ first[crc & 0xff]!)
  const second = next(first)
  const third = next(second)
  const fourth = next(third)
  const fifth = next(fourth)
  const sixth = next(fifth)
  const seventh = next(sixth)
  return [first, second, third, fourth, fifth, sixth, seventh, next(seventh)]
}
