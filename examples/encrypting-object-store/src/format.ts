import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { StreambedError } from '@streambed/sdk'
import type { KeyRing } from './key-ring.ts'

/**
 * An object is stored as blocks of `blockBytes` of its bytes (the last has the rest; an empty object has one empty block), each
 * encrypted and authenticated for itself, so that a range is read without the rest:
 *
 *     header   64  the same in each block, so that a range takes one request
 *        'SBEN' · version 1 (1) · zero (3) · key id, padded with zeros (16) · salt (32) · size of the object's bytes (8, big endian)
 *     bytes        AES-256-GCM under HKDF-SHA-256(key of the ring, salt); nonce: the block's number
 *     tag      16
 *
 * What the tag also covers: the header, the block's number and the object's key. So a block is good for its place in its object
 * alone, and each block vouches for the size of the whole. The salt is random: each object has a key of its own, under which no
 * nonce comes twice.
 */
export const blockBytes = 64 * 1024
export const headerBytes = 64
const tagBytes = 16
const overheadBytes = headerBytes + tagBytes
export const storedBlockBytes = blockBytes + overheadBytes
/** Sealed or opened between two turns of the event loop. */
export const blocksPerTurn = 16
const magic = 'SBEN'
const cipherName = 'aes-256-gcm'

export function blockCountOf (size: number): number { return Math.max(1, Math.ceil(size / blockBytes)) }

export function storedSizeOf (size: number): number { return size + blockCountOf(size) * overheadBytes }

/** The size of the bytes in an object that takes `storedSize`. What stores tell of sizes is not authenticated, and so neither is this. */
export function plainSizeOf (storedSize: number): number {
  return Math.max(0, storedSize - Math.ceil(storedSize / storedBlockBytes) * overheadBytes)
}

/** Encrypts the blocks of one object, one after the other. */
export class ObjectSealer {
  readonly #header: Uint8Array
  readonly #objectKey: Uint8Array
  readonly #name: Uint8Array

  /** `salt`: 32 random bytes, used for nothing else. */
  constructor (ring: KeyRing, { name, salt, size }: { readonly name: string, readonly salt: Uint8Array, readonly size: number }) {
    const header = Buffer.alloc(headerBytes)
    header.write(magic)
    header[4] = 1
    header.write(ring.currentId, 8)
    header.set(salt, 24)
    header.writeBigUInt64BE(BigInt(size), 56)
    this.#header = header
    this.#objectKey = objectKeyOf(ring.get(ring.currentId), salt)
    this.#name = Buffer.from(name)
  }

  /** The stored block of `pieces`, as pieces itself. */
  seal (blockNumber: number, pieces: readonly Uint8Array[]): readonly Uint8Array[] {
    const cipher = createCipheriv(cipherName, this.#objectKey, nonceOf(blockNumber), { authTagLength: tagBytes })
    cipher.setAAD(boundOf(this.#header, blockNumber, this.#name))
    const sealed = pieces.map(piece => cipher.update(piece))
    cipher.final()
    return [this.#header, ...sealed, cipher.getAuthTag()]
  }
}

/** Blocks that were read and are genuine. `size`: of the whole object. */
export interface Opened { readonly bytes: Uint8Array, readonly size: number }

/**
 * Decrypts `stored`, the blocks from `firstBlock` on of the object `name`: all up to `endBlock`, exclusive, or up to the object's
 * end. CORRUPT when anything is not as it was sealed: changed, moved, of another object, or missing.
 */
export async function openBlocks (ring: KeyRing, name: string, stored: Uint8Array, { endBlock, firstBlock, yieldTurn }: { readonly firstBlock: number, readonly endBlock: number, readonly yieldTurn: () => Promise<void> }): Promise<Opened> {
  const view = Buffer.from(stored.buffer, stored.byteOffset, stored.length)
  const header = view.subarray(0, headerBytes)
  if (view.length < overheadBytes || header.toString('latin1', 0, 4) !== magic) throw corrupt('is not an encrypted one', name)
  if (header[4] !== 1) throw new StreambedError('UNSUPPORTED', `the object's format is newer than this program. key=${name} version=${header[4]}`)
  const objectKey = objectKeyOf(ring.get(header.toString('latin1', 8, 24).replace(/\0+$/, '')), header.subarray(24, 56))
  const size = Number(header.readBigUInt64BE(56))
  // Not believed before the first tag is checked; it bounds nothing until then.
  const blockCount = Math.ceil(view.length / storedBlockBytes)
  const bytes = Buffer.allocUnsafe(view.length - blockCount * overheadBytes)
  for (let index = 0; index < blockCount; index++) {
    const block = view.subarray(index * storedBlockBytes, (index + 1) * storedBlockBytes)
    if (block.length < overheadBytes || !block.subarray(0, headerBytes).equals(header)) throw corrupt('has blocks of different objects', name)
    bytes.set(openBlock(objectKey, block, firstBlock + index, name), index * blockBytes)
    if (index % blocksPerTurn === blocksPerTurn - 1) await yieldTurn()
  }
  const expected = Math.min(size, endBlock * blockBytes) - firstBlock * blockBytes
  if (bytes.length !== expected) throw corrupt(`is cut off, or goes on past its end: of the blocks ${firstBlock} to ${endBlock} there are ${bytes.length} bytes, not ${expected}`, name)
  return { bytes, size }
}

function openBlock (objectKey: Uint8Array, block: Buffer, blockNumber: number, name: string): Uint8Array {
  const decipher = createDecipheriv(cipherName, objectKey, nonceOf(blockNumber), { authTagLength: tagBytes })
  decipher.setAAD(boundOf(block.subarray(0, headerBytes), blockNumber, Buffer.from(name)))
  decipher.setAuthTag(block.subarray(block.length - tagBytes))
  const bytes = decipher.update(block.subarray(headerBytes, block.length - tagBytes))
  try {
    decipher.final()
  } catch (cause) {
    throw corrupt(`fails its authentication: it was changed or moved, or its key is another one of the same id. block=${blockNumber}`, name, cause)
  }
  return bytes
}

function objectKeyOf (key: Uint8Array, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, 'streambed-example-encrypting-object-store 1', 32))
}

function nonceOf (blockNumber: number): Uint8Array {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(blockNumber, 8)
  return nonce
}

/** What a tag covers beside the block's bytes. Only the last part has no fixed length, so no two places give the same. */
function boundOf (header: Uint8Array, blockNumber: number, name: Uint8Array): Uint8Array {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(blockNumber)
  return Buffer.concat([header, number, name])
}

export function corrupt (what: string, name: string, cause?: unknown): StreambedError {
  return new StreambedError('CORRUPT', `the object ${what}. key=${name}`, { cause })
}
