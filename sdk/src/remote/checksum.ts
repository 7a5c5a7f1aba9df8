import { createHash } from 'node:crypto'
import { Unbelieved } from './believed.ts'

/** What an answer with all of an object's bytes tells of checksums. */
export interface ToldChecksums {
  readonly bytes: Uint8Array
  /** Our CRC-32C, as it was written beside the object: eight hex digits. */
  readonly written: string | undefined
  /** Whether the object was uploaded in parts: such have no checksum of the whole. */
  readonly isInParts: boolean
  /** The service's own MD5 of the whole, in hex, where it has one. */
  readonly md5: string | undefined
}

/**
 * The CRC-32C that an answer's bytes must have, for `ServiceBody`; undefined where there is none of the object. An object that was copied without what was
 * written beside it is held to the service's MD5. Throws `Unbelieved` where nothing vouches for the bytes that ought to.
 */
export function checksumOf ({ bytes, isInParts, md5, written }: ToldChecksums, crc32c: (bytes: Uint8Array) => number): number | undefined {
  if (written !== undefined && /^[0-9a-f]{8}$/.test(written)) return Number.parseInt(written, 16)
  if (isInParts) return undefined
  if (md5 === undefined || createHash('md5').update(bytes).digest('hex') !== md5.toLowerCase()) throw new Unbelieved('it bears no checksum of the object', { bytes: bytes.length })
  return crc32c(bytes)
}

/** The MD5 that an entity tag is, where it is one; tags of objects uploaded in parts end with their count. */
export function md5InTag (tag: string): string | undefined { return /^[0-9a-f]{32}$/i.test(tag) ? tag : undefined }

/** Whether an entity tag is that of an object uploaded in parts. */
export function isTagOfParts (tag: string): boolean { return /-\d+$/.test(tag) }
