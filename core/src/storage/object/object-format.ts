import { StreambedError, readSafeInt64, writeInt64 } from '@streambed/sdk'
import type { ObjectId, StreamId } from '../catalog/catalog.ts'
import { batchOverheadBytes, type StreamBatch } from '../stream/stream-batch.ts'

/**
 * Byte layout of an object, version 1 (docs/formats/object.md). All integers big-endian:
 *
 *   data blocks …, index block, footer
 *
 * A data block holds consecutive batches of one stream: a table of them, their bytes back to back, a CRC-32C of both.
 * The index has an entry a data block; the footer says where the index is. Every block and the footer carry a CRC.
 */
export const footerBytes = 48
const formatVersion = 1
const footerMagic = 0x53_42_4f_31 // "SBO1"
const blockMagic = 0x53_42_44_31 // "SBD1"
const blockHeaderBytes = 8
const tableEntryBytes = 32
export const indexEntryBytes = 56

/** Where one data block is, and what it holds. */
export interface BlockEntry {
  readonly streamId: StreamId
  readonly startOffset: number
  readonly endOffset: number
  readonly position: number
  readonly size: number
  readonly largestTimestamp: number
  readonly batchCount: number
}

/** What a block's decoded batches take in memory, in bytes. */
export function blockCost ({ batchCount, size }: BlockEntry): number { return size + batchCount * batchOverheadBytes }

export interface ObjectFooter {
  readonly objectId: ObjectId
  readonly indexPosition: number
  readonly indexSize: number
}

type Checksum = (bytes: Uint8Array, seed?: number) => number

/** Batches smaller than this on average are gathered: many small pieces cost more than one copy of them all. */
const gatheredBytesMax = 16 * 1024

/** Encodes one data block as pieces to be written back to back. Large batches are not copied. */
export function encodeBlock (batches: readonly StreamBatch[], crc32c: Checksum): { readonly pieces: readonly Uint8Array[], readonly size: number } {
  const payloadBytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0)
  const tableBytes = blockHeaderBytes + batches.length * tableEntryBytes
  const isGathered = payloadBytes < batches.length * gatheredBytesMax
  const head = new Uint8Array(isGathered ? tableBytes + payloadBytes : tableBytes)
  const view = new DataView(head.buffer)
  view.setUint32(0, blockMagic)
  view.setUint32(4, batches.length)
  let at = blockHeaderBytes
  let payloadAt = tableBytes
  for (const batch of batches) {
    writeInt64(view, at, batch.baseOffset)
    writeInt64(view, at + 8, batch.largestTimestamp)
    view.setUint32(at + 16, batch.count)
    view.setUint32(at + 20, batch.bytes.length)
    at += tableEntryBytes
    if (isGathered) head.set(batch.bytes, payloadAt)
    payloadAt += batch.bytes.length
  }
  const pieces = isGathered ? [head] : [head, ...batches.map(batch => batch.bytes)]
  const trailer = new Uint8Array(4)
  new DataView(trailer.buffer).setUint32(0, pieces.reduce((crc, piece) => crc32c(piece, crc), 0))
  return { pieces: [...pieces, trailer], size: tableBytes + payloadBytes + trailer.length }
}

/** Batches of one data block, as views of `block`. Throws CORRUPT, naming `where`, for any damage. */
export function decodeBlock (block: Uint8Array, where: string, crc32c: Checksum): StreamBatch[] {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  const bodySize = block.length - 4
  const isWhole = bodySize >= blockHeaderBytes && crc32c(block.subarray(0, bodySize)) === view.getUint32(bodySize)
  if (!isWhole || view.getUint32(0) !== blockMagic) throw new StreambedError('CORRUPT', `data block fails its checksum. ${where}`)
  const count = view.getUint32(4)
  let payloadAt = blockHeaderBytes + count * tableEntryBytes
  const batches: StreamBatch[] = []
  for (let index = 0, at = blockHeaderBytes; index < count; index++, at += tableEntryBytes) {
    if (payloadAt > bodySize) throw new StreambedError('CORRUPT', `data block table is damaged. ${where}`)
    const size = view.getUint32(at + 20)
    batches.push({
      baseOffset: readSafeInt64(view, at),
      largestTimestamp: readSafeInt64(view, at + 8),
      count: view.getUint32(at + 16),
      bytes: block.subarray(payloadAt, payloadAt + size)
    })
    payloadAt += size
  }
  if (payloadAt !== bodySize) throw new StreambedError('CORRUPT', `data block table does not match its size. ${where}`)
  return batches
}

export function encodeIndex (entries: readonly BlockEntry[], crc32c: Checksum): Uint8Array {
  const bytes = new Uint8Array(entries.length * indexEntryBytes + 4)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const entry of entries) {
    writeInt64(view, at, entry.streamId)
    writeInt64(view, at + 8, entry.startOffset)
    writeInt64(view, at + 16, entry.endOffset)
    writeInt64(view, at + 24, entry.position)
    writeInt64(view, at + 32, entry.largestTimestamp)
    view.setUint32(at + 40, entry.size)
    view.setUint32(at + 44, entry.batchCount)
    at += indexEntryBytes
  }
  view.setUint32(at, crc32c(bytes.subarray(0, at)))
  return bytes
}

export function decodeIndex (bytes: Uint8Array, where: string, crc32c: Checksum): BlockEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const bodySize = bytes.length - 4
  if (bodySize < 0 || bodySize % indexEntryBytes !== 0 || crc32c(bytes.subarray(0, bodySize)) !== view.getUint32(bodySize)) {
    throw new StreambedError('CORRUPT', `index block fails its checksum. ${where}`)
  }
  const entries: BlockEntry[] = []
  for (let at = 0; at < bodySize; at += indexEntryBytes) {
    entries.push({
      streamId: readSafeInt64(view, at),
      startOffset: readSafeInt64(view, at + 8),
      endOffset: readSafeInt64(view, at + 16),
      position: readSafeInt64(view, at + 24),
      largestTimestamp: readSafeInt64(view, at + 32),
      size: view.getUint32(at + 40),
      batchCount: view.getUint32(at + 44)
    })
  }
  return entries
}

export function encodeFooter (footer: ObjectFooter, crc32c: Checksum): Uint8Array {
  const bytes = new Uint8Array(footerBytes)
  const view = new DataView(bytes.buffer)
  writeInt64(view, 0, footer.objectId)
  writeInt64(view, 8, footer.indexPosition)
  view.setUint32(16, footer.indexSize)
  view.setUint16(36, formatVersion)
  view.setUint32(40, crc32c(bytes.subarray(0, 40)))
  view.setUint32(44, footerMagic)
  return bytes
}

/** Reads a footer. UNSUPPORTED for a newer format, CORRUPT for anything else that this never wrote. */
export function decodeFooter (bytes: Uint8Array, where: string, crc32c: Checksum): ObjectFooter {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length !== footerBytes || view.getUint32(44) !== footerMagic || crc32c(bytes.subarray(0, 40)) !== view.getUint32(40)) {
    throw new StreambedError('CORRUPT', `object footer fails its checksum. ${where}`)
  }
  const version = view.getUint16(36)
  if (version !== formatVersion) {
    throw new StreambedError('UNSUPPORTED', `object format is newer than this program. version=${version} supported<=${formatVersion} ${where}; start a newer Streambed`)
  }
  return { objectId: readSafeInt64(view, 0), indexPosition: readSafeInt64(view, 8), indexSize: view.getUint32(16) }
}
