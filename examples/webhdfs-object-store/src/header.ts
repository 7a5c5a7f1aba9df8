import { StreambedError } from '@streambed/sdk'

/** In front of an object's bytes in its file: 'SBHD', version 1, CRC-32C of the bytes, who wrote it (32 characters), CRC-32C of all this. */
export const headerBytes = 48
const magic = 'SBHD'

export interface Header { readonly crc32c: number, readonly owner: string }
type Crc32c = (bytes: Uint8Array) => number

export function encodeHeader ({ crc32c, owner }: Header, crcOf: Crc32c): Uint8Array {
  const bytes = Buffer.alloc(headerBytes)
  bytes.write(magic)
  bytes[4] = 1
  bytes.writeUInt32BE(crc32c, 8)
  bytes.write(owner, 12, 32, 'latin1')
  bytes.writeUInt32BE(crcOf(bytes.subarray(0, 44)), 44)
  return bytes
}

export function decodeHeader (file: Uint8Array, crcOf: Crc32c): Header {
  const bytes = Buffer.from(file.buffer, file.byteOffset, Math.min(file.length, headerBytes))
  if (bytes.length < headerBytes || bytes.toString('latin1', 0, 4) !== magic || bytes.readUInt32BE(44) !== crcOf(bytes.subarray(0, 44))) throw new StreambedError('CORRUPT', `the file's header is damaged. size=${file.length}`)
  if (bytes[4] !== 1) throw new StreambedError('UNSUPPORTED', `the file's format is newer than this program. version=${bytes[4]}`)
  return { crc32c: bytes.readUInt32BE(8), owner: bytes.toString('latin1', 12, 44) }
}
