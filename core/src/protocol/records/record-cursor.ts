import type { Int64 } from '@streambed/sdk'
import { corrupt } from '../protocol-error.ts'
import { VarintReader } from './varint.ts'

/** Of all records of a batch together: consumers make an object of each, and a few kilobytes can hold tens of millions. */
const headerCountMax = 2 ** 21

/**
 * Walks over uncompressed records without allocating anything a record: after each `next()` its fields describe the
 * record it stands on, as places in `bytes`. One cursor serves many batches.
 */
export class RecordCursor {
  /** Bytes that the places below refer to. */
  bytes: Uint8Array
  /** Of the record, its length field included. */
  recordStart: number
  recordEnd: number
  /** In ms, to be added to the batch's base timestamp. */
  timestampDelta: Int64
  offsetDelta: number
  keyStart: number
  /** In bytes; −1 for a null key. */
  keySize: number
  valueStart: number
  /** In bytes; −1 for a null value. */
  valueSize: number
  headerCount: number
  headersStart: number
  readonly #reader = new VarintReader()
  #left: number
  #headersLeft: number
  #expectedDelta: number
  #isDense: boolean
  #end: number

  constructor () {
    this.bytes = this.#reader.bytes
    this.recordStart = 0
    this.recordEnd = 0
    this.timestampDelta = 0
    this.offsetDelta = 0
    this.keyStart = 0
    this.keySize = -1
    this.valueStart = 0
    this.valueSize = -1
    this.headerCount = 0
    this.headersStart = 0
    this.#left = 0
    this.#headersLeft = 0
    this.#expectedDelta = 0
    this.#isDense = true
    this.#end = 0
  }

  /**
   * Begins before the first of `count` records in `bytes`. With `isDense` their offset deltas must be 0, 1, 2 and so on,
   * as producers write them; without it they must only grow, as compaction leaves them.
   */
  reset (bytes: Uint8Array, count: number, isDense = true): void {
    // A record takes seven bytes at the least, so a count that lies is found out before any loop.
    if (count < 0 || count * 7 > bytes.length) throw corrupt(`record count does not fit. count=${count} size=${bytes.length}`)
    this.bytes = bytes
    this.#reader.bytes = bytes
    this.#reader.position = 0
    this.recordEnd = 0
    this.#end = bytes.length
    this.#left = count
    this.#headersLeft = headerCountMax
    this.#expectedDelta = 0
    this.#isDense = isDense
  }

  /**
   * Moves to the next record; false after the last one. Throws CORRUPT unless lengths, counts and offset deltas are
   * right and the records end where the bytes do. Headers are walked over too, and their keys may not be null.
   */
  next (): boolean {
    const reader = this.#reader
    if (this.#left === 0) {
      if (this.recordEnd !== this.#end) throw corrupt(`bytes after the last record. count=${this.#end - this.recordEnd}`)
      return false
    }
    this.#left--
    this.recordStart = this.recordEnd
    reader.position = this.recordStart
    reader.end = this.#end
    const size = reader.varint()
    if (size < 0 || size > this.#end - reader.position) throw corrupt(`record length does not fit. at=${this.recordStart} size=${size}`)
    this.recordEnd = reader.end = reader.position + size
    reader.byte()
    this.timestampDelta = reader.varlong()
    this.offsetDelta = reader.varint()
    this.#checkOffsetDelta()
    this.keySize = this.#sized(-1)
    this.keyStart = reader.position - Math.max(0, this.keySize)
    this.valueSize = this.#sized(-1)
    this.valueStart = reader.position - Math.max(0, this.valueSize)
    this.#walkHeaders()
    if (reader.position !== reader.end) throw corrupt(`record has another length than it says. at=${this.recordStart}`)
    return true
  }

  #checkOffsetDelta (): void {
    const delta = this.offsetDelta
    if (this.#isDense ? delta !== this.#expectedDelta : delta < this.#expectedDelta) {
      throw corrupt(`offset delta out of order. at=${this.recordStart} delta=${delta} expected=${this.#expectedDelta}`)
    }
    this.#expectedDelta = delta + 1
  }

  #walkHeaders (): void {
    const reader = this.#reader
    const count = reader.varint()
    if (count < 0 || count * 2 > reader.end - reader.position) throw corrupt(`header count does not fit. at=${this.recordStart} count=${count}`)
    this.#headersLeft -= count
    if (this.#headersLeft < 0) throw corrupt(`too many headers in one batch. at=${this.recordStart} max=${headerCountMax}`)
    this.headerCount = count
    this.headersStart = reader.position
    for (let i = 0; i < count; i++) {
      this.#sized(0)
      this.#sized(-1)
    }
  }

  /** Reads a size, skips that many bytes, and returns the size. */
  #sized (sizeMin: number): number {
    const reader = this.#reader
    const size = reader.varint()
    if (size < sizeMin || size > reader.end - reader.position) throw corrupt(`field length does not fit. at=${this.recordStart} size=${size}`)
    if (size > 0) reader.position += size
    return size
  }

  /** The key as a view, null when there is none. */
  key (): Uint8Array | null {
    return this.keySize < 0 ? null : this.bytes.subarray(this.keyStart, this.keyStart + this.keySize)
  }

  value (): Uint8Array | null {
    return this.valueSize < 0 ? null : this.bytes.subarray(this.valueStart, this.valueStart + this.valueSize)
  }
}
