import type { Environment } from '../environment.ts'
import { batchBytes, batchHeaderBytes, contentBytes, decodeBatchHeader, firstRecordOf, wasBatchHeader, type BatchHeader } from './batch-format.ts'
import { blockBytes, isZero, viewOf } from './bytes.ts'
import { isWritten, sectorBytes, withoutStamps } from './sectors.ts'

const pieceBytes = 4 * 2 ** 20

/** Bytes under logical positions: a ring that is written round and round, or a file that begins at some position. */
export interface BatchSource {
  readonly path: string
  readonly salt: Uint8Array
  /** Positions that differ by it share a place: the ring's size, Infinity for a file. */
  readonly lapBytes: number
  /** Nothing but zeros lies where no batch was ever written, and no place is written twice. Absent: no. */
  readonly beginsBlank?: boolean
  /** Fills `target` from `position` on; what lies past the end of the medium reads as zeros. */
  read (target: Uint8Array, position: number): Promise<void>
}

export interface Batch extends BatchHeader {
  /** First byte after the batch and its padding. */
  readonly end: number
  /** Header, lengths and records; a view of what was read. */
  readonly bytes: Uint8Array
}

/** Reads batch after batch, in large pieces, checking each. */
export class BatchReader {
  readonly #source: BatchSource
  readonly #crc32c: Environment['crc32c']
  readonly #limit: number
  readonly #keepsPieces: boolean
  #position: number
  #piece = new Uint8Array(0)
  /** Position of the piece's first byte. */
  #pieceStart: number

  /** `limit`: nothing at or past it is read. `keepsPieces`: views of what is read stay valid for ever. */
  constructor (source: BatchSource, crc32c: Environment['crc32c'], range: { readonly start: number, readonly limit: number }, keepsPieces: boolean) {
    this.#source = source
    this.#crc32c = crc32c
    this.#limit = range.limit
    this.#keepsPieces = keepsPieces
    this.#position = range.start
    this.#pieceStart = range.start
  }

  /** Where the next batch would begin. */
  get position (): number { return this.#position }

  /** The batch at `position`, whole and right; undefined where none is. */
  async next (): Promise<Batch | undefined> {
    const start = this.#position
    if (this.#limit - start < blockBytes) return undefined
    await this.#load(blockBytes)
    const header = this.#headerAt(start)
    if (header?.position !== start || header.recordCount === 0) return undefined
    const total = batchBytes(header)
    if (total > this.#limit - start) return undefined
    await this.#load(total)
    const at = start - this.#pieceStart
    const stored = this.#piece.subarray(at, at + total)
    const bytes = header.version === 1 ? stored.subarray(0, contentBytes(header)) : withoutStamps(stored, contentBytes(header))
    if (this.#crc32c(bytes.subarray(batchHeaderBytes)) !== header.bodyCrc) {
      // Without its stamps it tells no more; who asks reads it again.
      this.#piece = new Uint8Array(0)
      this.#pieceStart = start
      return undefined
    }
    this.#position = start + total
    return { ...header, end: this.#position, bytes }
  }

  /**
   * Where `next` found nothing: whether that is more than a write which never ended can have left. Such a write leaves each sector
   * as it was or as it should be. So it is damage when all sectors of a batch carry its stamp and its checksum is wrong, or when
   * its first sector is neither. `next` must have been called last.
   */
  async isDamaged (): Promise<boolean> {
    const start = this.#position
    if (this.#limit - start < blockBytes) return false
    await this.#load(blockBytes)
    const at = start - this.#pieceStart
    const header = this.#headerAt(start)
    if (header === undefined) {
      const isBlank = isZero(this.#piece.subarray(at, at + sectorBytes))
      return !isBlank && (this.#source.beginsBlank === true || wasBatchHeader(this.#piece, at, this.#source.salt, start))
    }
    // In a file that begins blank nothing earlier can lie here.
    if (header.position !== start) return this.#source.beginsBlank === true
    const total = batchBytes(header)
    if (header.recordCount === 0 || total > this.#limit - start) return true
    if (header.version === 1) return false
    await this.#load(total)
    const stored = this.#piece.subarray(start - this.#pieceStart, start - this.#pieceStart + total)
    return isWritten(stored, contentBytes(header), header.stamp)
  }

  /**
   * Where `next` found nothing: the position of a batch that was written after this one, up to `until`. A batch is written only
   * once all before it are confirmed, so finding one proves that something confirmed is damaged here.
   */
  async findLater (until: number): Promise<number | undefined> {
    for (const start = this.#position; this.#position < Math.min(until, this.#limit); this.#position += blockBytes) {
      await this.#load(blockBytes)
      const header = this.#headerAt(this.#position)
      if (header === undefined || header.position <= start) continue
      if ((header.position - this.#position) % this.#source.lapBytes === 0) return header.position
    }
    return undefined
  }

  #headerAt (position: number): BatchHeader | undefined {
    return decodeBatchHeader(this.#piece, viewOf(this.#piece), position - this.#pieceStart, this.#source.salt, this.#crc32c)
  }

  /** Makes `count` bytes from the position on part of the piece. */
  async #load (count: number): Promise<void> {
    const at = this.#position - this.#pieceStart
    const have = Math.max(0, this.#piece.length - at)
    if (have >= count) return
    const wanted = Math.min(Math.max(pieceBytes, count), this.#limit - this.#position)
    const old = this.#piece
    const mayReuse = !this.#keepsPieces && old.buffer.byteLength >= wanted
    const piece = mayReuse ? new Uint8Array(old.buffer, 0, wanted) : new Uint8Array(wanted)
    if (have > 0) piece.set(old.subarray(at))
    await this.#source.read(piece.subarray(have), this.#position + have)
    this.#piece = piece
    this.#pieceStart = this.#position
  }
}

/** Position of the batch's last record. */
export function lastRecordOf (batch: Batch): number {
  const lastBytes = viewOf(batch.bytes).getUint32(batchHeaderBytes + 4 * (batch.recordCount - 1), true)
  return firstRecordOf(batch.position, batch.recordCount) + batch.payloadBytes - lastBytes
}
