import { readFile } from 'node:fs/promises'
import { fileError } from './file-errors.ts'

const sectorBytes = 512

/** Capacity in bytes of the block device with number `rdev`, as Linux publishes it; stat reports 0 for devices. */
export async function blockDeviceBytes (rdev: number, path: string): Promise<number> {
  const device = BigInt(rdev)
  const major = (device >> 8n & 0xfffn) | (device >> 32n & ~0xfffn)
  const minor = (device & 0xffn) | (device >> 12n & 0xffff_ff00n)
  const source = `/sys/dev/block/${major}:${minor}/size`
  try {
    return Number((await readFile(source, 'ascii')).trim()) * sectorBytes
  } catch (error) {
    throw fileError(error, `reading the device's size from ${source}`, path)
  }
}
