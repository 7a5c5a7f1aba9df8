import { StreambedError } from '@streambed/sdk'

/** What stands in front of an object's bytes in each store. `owner` names the put that made it, and so the object: no two puts share one. */
export interface CopyHeader {
  readonly owner: string
  /** Whether it is known to have won: then this one copy is enough to believe. */
  readonly isSealed: boolean
  readonly modifiedMs: number
  readonly size: number
  readonly crc32c: number
}
type Crc32c = (bytes: Uint8Array) => number

/** 'SBQR' · version 1 (1) · sealed (1) · zero (2) · owner (16) · modified, ms (8) · size (8) · CRC-32C of the bytes (4) · CRC-32C of the 44 before (4), big endian. */
export const headerBytes = 48
const magic = 'SBQR'

export function encodeHeader ({ crc32c, isSealed, modifiedMs, owner, size }: CopyHeader, crcOf: Crc32c): Uint8Array {
  const bytes = Buffer.alloc(headerBytes)
  bytes.write(magic)
  bytes[4] = 1
  bytes[5] = isSealed ? 1 : 0
  bytes.write(owner, 8, 'hex')
  bytes.writeBigUInt64BE(BigInt(modifiedMs), 24)
  bytes.writeBigUInt64BE(BigInt(size), 32)
  bytes.writeUInt32BE(crc32c, 40)
  bytes.writeUInt32BE(crcOf(bytes.subarray(0, 44)), 44)
  return bytes
}

export function decodeHeader (copy: Uint8Array, key: string, crcOf: Crc32c): CopyHeader {
  const bytes = Buffer.from(copy.buffer, copy.byteOffset, Math.min(copy.length, headerBytes))
  if (bytes.length < headerBytes || bytes.toString('latin1', 0, 4) !== magic || bytes.readUInt32BE(44) !== crcOf(bytes.subarray(0, 44))) throw new StreambedError('CORRUPT', `a copy's header is damaged. key=${key}`)
  if (bytes[4] !== 1) throw new StreambedError('UNSUPPORTED', `a copy's format is newer than this program. key=${key} version=${bytes[4]}`)
  return {
    isSealed: bytes[5] === 1, owner: bytes.toString('hex', 8, 24), modifiedMs: Number(bytes.readBigUInt64BE(24)), size: Number(bytes.readBigUInt64BE(32)), crc32c: bytes.readUInt32BE(40)
  }
}
