import { StreambedError } from '@streambed/sdk'
import type { Environment } from '@streambed/sdk'

type Crc32c = Environment['crc32c']

/** The layout of an object's file: header, one CRC-32C a block, body. See docs/formats/object-store-fs.md. */
export const fileVersion = 1
export const blockBytes = 65_536
export const headerBytes = 64
export const tokenBytes = 16
export const checksumBytes = 4
const magic = 0x5342_4f42 // SBOB
const headerCrcAt = headerBytes - 4

export interface ObjectFileHeader {
  readonly size: number
  readonly modifiedMs: number
  /** Hex; random for each file, so it tells whose write this is. */
  readonly token: string
}

export function blockCount (size: number): number { return Math.ceil(size / blockBytes) }

/** Where the body starts: after the header and the table of block checksums. */
export function bodyPosition (size: number): number { return headerBytes + blockCount(size) * checksumBytes }

export function encodeHeader (header: ObjectFileHeader, key: string, crc32c: Crc32c): Uint8Array {
  const bytes = new Uint8Array(headerBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint16(4, fileVersion)
  view.setUint32(8, blockBytes)
  view.setBigUint64(16, BigInt(header.size))
  view.setBigUint64(24, BigInt(header.modifiedMs))
  bytes.set(Buffer.from(header.token, 'hex'), 32)
  view.setUint32(48, crc32c(Buffer.from(key)))
  view.setUint32(headerCrcAt, crc32c(bytes.subarray(0, headerCrcAt)))
  return bytes
}

/** Reads the header at the start of `bytes`; `file` is for messages. Rejects damage, and a file that belongs to another key. */
export function decodeHeader (bytes: Uint8Array, key: string, file: string, crc32c: Crc32c): ObjectFileHeader {
  if (bytes.length < headerBytes) throw corrupt(`shorter than its header. size=${bytes.length}`, key, file)
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes)
  if (view.getUint32(0) !== magic) throw corrupt('not an object file', key, file)
  if (view.getUint32(headerCrcAt) !== crc32c(bytes.subarray(0, headerCrcAt))) throw corrupt('the header fails its checksum', key, file)
  const version = view.getUint16(4)
  if (version !== fileVersion) {
    throw new StreambedError('UNSUPPORTED', `the object has format ${version}, this program reads ${fileVersion}: use a newer program. key=${key} path=${file}`)
  }
  if (view.getUint32(48) !== crc32c(Buffer.from(key))) throw corrupt('the file holds the object of another key', key, file)
  return {
    size: Number(view.getBigUint64(16)),
    modifiedMs: Number(view.getBigUint64(24)),
    token: Buffer.from(bytes.subarray(32, 32 + tokenBytes)).toString('hex')
  }
}

/** The checksums of the blocks of a body that arrives in pieces. */
export class BlockChecksums {
  readonly table: Uint8Array
  readonly #view: DataView
  readonly #crc32c: Crc32c
  #block = 0
  #blockFill = 0
  #crc = 0

  constructor (size: number, crc32c: Crc32c) {
    this.table = new Uint8Array(blockCount(size) * checksumBytes)
    this.#view = new DataView(this.table.buffer)
    this.#crc32c = crc32c
  }

  add (piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + blockBytes - this.#blockFill)
      this.#crc = this.#crc32c(part, this.#crc)
      this.#blockFill += part.length
      at += part.length
      this.#view.setUint32(this.#block * checksumBytes, this.#crc)
      if (this.#blockFill === blockBytes) {
        this.#block++
        this.#blockFill = 0
        this.#crc = 0
      }
    }
  }
}

/** Checks whole blocks, of which `bytes` holds those from `firstBlock` on, and `table` their checksums; the last of the object may be short. */
export function verifyBlocks (bytes: Uint8Array, firstBlock: number, table: Uint8Array, key: string, file: string, crc32c: Crc32c): void {
  const view = new DataView(table.buffer, table.byteOffset, table.length)
  for (let at = 0, block = 0; at < bytes.length; at += blockBytes, block++) {
    if (crc32c(bytes.subarray(at, at + blockBytes)) !== view.getUint32(block * checksumBytes)) {
      throw corrupt(`the block at byte ${(firstBlock + block) * blockBytes} of the object fails its checksum`, key, file)
    }
  }
}

export function corrupt (problem: string, key: string, file: string): StreambedError {
  return new StreambedError('CORRUPT', `the object is damaged: ${problem}. Restore the file from a copy. key=${key} path=${file}`)
}
