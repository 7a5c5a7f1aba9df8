import { StreambedError, type Environment } from '@streambed/sdk'
import { readUint64, writeUint64 } from '@streambed/sdk/batch-log'
import type { SlotId } from './keys.ts'

/** Every object begins with this many bytes. docs/formats/wal-object.md has the layout. */
export const headerBytes = 256
export const formatVersion = 1
export const tokenBytes = 16
export const clusterIdBytesMax = 128
/** Of one record in the table behind the header: size and checksum. */
export const entryBytes = 8

const magic = 0x574f_4253 // "SBOW"
const headerCrcAt = headerBytes - 4
const kinds = ['records', 'fence', 'claim'] as const

export interface SlotHeader {
  /** `records`: part of the log. `fence`: the end of an epoch, and the link to `writerEpoch`. `claim`: an opener was here. */
  readonly kind: typeof kinds[number]
  readonly clusterId: string
  readonly nodeId: number
  /** Random bytes of the instance that wrote it: how that one recognises its own. */
  readonly token: Uint8Array
  /** Of that instance. */
  readonly writerEpoch: number
  /** Where it was put. */
  readonly id: SlotId
  /** When it was put, every slot of this epoch with a lower number was known to be there. */
  readonly knownBefore: number
  /** The highest trimmed position, -1 for none. */
  readonly trimmed: number
  /** Every slot of the log before it may be gone. */
  readonly firstNeeded: SlotId
  /** Of its first record; those that follow have the next numbers. */
  readonly firstPosition: number
  readonly recordCount: number
  /** Of all records together. */
  readonly bodyBytes: number
}

/** Who writes: the part of a header that stays the same. */
export interface Owner { readonly clusterId: string, readonly nodeId: number, readonly token: Uint8Array, readonly writerEpoch: number }

type Crc = Environment['crc32c']

/** One object, in one piece of memory: repeated puts may outlast the caller's records. */
export function encodeSlot (header: SlotHeader, records: readonly (readonly Uint8Array[])[], crc32c: Crc): Uint8Array {
  const tableBytes = entryBytes * records.length
  const bytes = new Uint8Array(headerBytes + tableBytes + header.bodyBytes)
  const view = new DataView(bytes.buffer)
  let at = headerBytes + tableBytes
  for (let i = 0; i < records.length; i++) {
    const start = at
    for (const chunk of records[i]!) {
      bytes.set(chunk, at)
      at += chunk.length
    }
    view.setUint32(headerBytes + entryBytes * i, at - start, true)
    view.setUint32(headerBytes + entryBytes * i + 4, crc32c(bytes.subarray(start, at)), true)
  }
  const cluster = new TextEncoder().encode(header.clusterId)
  view.setUint32(0, magic, true)
  view.setUint16(4, formatVersion, true)
  view.setUint16(6, kinds.indexOf(header.kind) + 1, true)
  view.setUint32(8, header.nodeId, true)
  view.setUint32(12, header.recordCount, true)
  bytes.set(header.token, 16)
  writeUint64(view, 32, header.writerEpoch)
  writeUint64(view, 40, header.id.epoch + 1)
  writeUint64(view, 48, header.id.slot)
  writeUint64(view, 56, header.knownBefore)
  writeUint64(view, 64, header.trimmed + 1)
  writeUint64(view, 72, header.firstNeeded.epoch + 1)
  writeUint64(view, 80, header.firstNeeded.slot)
  writeUint64(view, 88, header.firstPosition)
  writeUint64(view, 96, header.bodyBytes)
  view.setUint16(104, cluster.length, true)
  bytes.set(cluster, 106)
  view.setUint32(headerCrcAt, crc32c(bytes.subarray(0, headerCrcAt)), true)
  return bytes
}

/** The header of an object, of which `bytes` are the beginning. Rejects damage with CORRUPT, a later format with UNSUPPORTED. */
export function decodeHeader (bytes: Uint8Array, key: string, crc32c: Crc): SlotHeader {
  if (bytes.length < headerBytes) throw corrupt('is shorter than its header', key)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(0, true) !== magic) throw corrupt('is no part of a write-ahead log', key)
  if (crc32c(bytes.subarray(0, headerCrcAt)) !== view.getUint32(headerCrcAt, true)) throw corrupt('fails the checksum of its header', key)
  const version = view.getUint16(4, true)
  if (version !== formatVersion) {
    throw new StreambedError('UNSUPPORTED', `the log has another format than this program knows; start the program that wrote it, or a later one. key=${key} format=${version} known=${formatVersion}`)
  }
  const kind = kinds[view.getUint16(6, true) - 1]
  if (kind === undefined) throw corrupt('is of an unknown kind', key)
  return {
    kind,
    clusterId: new TextDecoder().decode(bytes.subarray(106, 106 + Math.min(view.getUint16(104, true), clusterIdBytesMax))),
    nodeId: view.getUint32(8, true),
    token: new Uint8Array(bytes.subarray(16, 16 + tokenBytes)),
    writerEpoch: readUint64(view, 32),
    id: { epoch: readUint64(view, 40) - 1, slot: readUint64(view, 48) },
    knownBefore: readUint64(view, 56),
    trimmed: readUint64(view, 64) - 1,
    firstNeeded: { epoch: readUint64(view, 72) - 1, slot: readUint64(view, 80) },
    firstPosition: readUint64(view, 88),
    recordCount: view.getUint32(12, true),
    bodyBytes: readUint64(view, 96)
  }
}

/** The records of a whole object, each checked; views of `bytes`. */
export function * decodeRecords (bytes: Uint8Array, header: SlotHeader, key: string, crc32c: Crc): Generator<Uint8Array, void, undefined> {
  const tableEnd = headerBytes + entryBytes * header.recordCount
  if (bytes.length !== tableEnd + header.bodyBytes) throw corrupt('has another size than its header says', key)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = tableEnd
  for (let i = 0; i < header.recordCount; i++) {
    const end = at + view.getUint32(headerBytes + entryBytes * i, true)
    const record = bytes.subarray(at, end)
    if (end > bytes.length || crc32c(record) !== view.getUint32(headerBytes + entryBytes * i + 4, true)) throw corrupt(`fails the checksum of record ${i}`, key)
    yield record
    at = end
  }
}

export function isSameToken (a: Uint8Array, b: Uint8Array): boolean { return a.length === b.length && a.every((byte, index) => byte === b[index]) }

export function corrupt (problem: string, key: string): StreambedError {
  return new StreambedError('CORRUPT', `an object of the write-ahead log ${problem}; confirmed records may be damaged. Restore it, or give the log a new prefix and accept the loss. key=${key}`)
}
