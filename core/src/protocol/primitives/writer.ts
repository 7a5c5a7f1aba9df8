import { int64Max, int64Min, writeInt64, type Int64 } from '@streambed/sdk'
import { unencodable } from '../protocol-error.ts'
import { isUuid } from './uuid.ts'

const keptSizeMax = 256 * 1024

/** One or several pieces that together are the bytes of a records field. */
export type RecordChunks = Uint8Array | readonly Uint8Array[]

/**
 * Writes Kafka's primitive types into memory that grows. Numbers that do not fit their type throw a ProtocolError with
 * code UNENCODABLE instead of wrapping round.
 *
 * With `gather` on, records fields are not copied: `finishChunks` hands them back between the pieces around them.
 */
export class Writer {
  bytes: Buffer
  view: DataView
  position = 0
  #gather = false
  #gatheredSize = 0
  #cutPositions: number[] = []
  #cutChunks: RecordChunks[] = []

  constructor (sizeHint = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(sizeHint)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
  }

  /** Forgets what was written, for the next message. Memory of an unusually large one is given back. */
  reset (gather = false): void {
    this.position = 0
    this.#gather = gather
    this.#gatheredSize = 0
    if (this.#cutPositions.length > 0) {
      this.#cutPositions = []
      this.#cutChunks = []
    }
    if (this.bytes.length > keptSizeMax) this.#resize(keptSizeMax)
  }

  /** All that was written, gathered records included, in bytes. */
  get size (): number {
    return this.position + this.#gatheredSize
  }

  /** Makes room for `size` more bytes and returns where they begin. */
  reserve (size: number): number {
    const at = this.position
    const end = at + size
    if (end > this.bytes.length) this.#grow(end)
    this.position = end
    return at
  }

  #grow (sizeMin: number): void {
    const old = this.bytes
    const used = Math.min(this.position, old.length)
    this.#resize(Math.max(sizeMin, old.length * 2))
    old.copy(this.bytes, 0, 0, used)
  }

  #resize (size: number): void {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
  }

  bool (value: boolean): void {
    if (typeof value !== 'boolean') throw unencodable('not a boolean')
    const at = this.reserve(1)
    this.view.setInt8(at, value ? 1 : 0)
  }

  int8 (value: number): void {
    if (value << 24 >> 24 !== value) throw outOfRange('int8', value)
    const at = this.reserve(1)
    this.view.setInt8(at, value)
  }

  int16 (value: number): void {
    if (value << 16 >> 16 !== value) throw outOfRange('int16', value)
    const at = this.reserve(2)
    this.view.setInt16(at, value)
  }

  uint16 (value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange('uint16', value)
    const at = this.reserve(2)
    this.view.setUint16(at, value)
  }

  int32 (value: number): void {
    if ((value | 0) !== value) throw outOfRange('int32', value)
    const at = this.reserve(4)
    this.view.setInt32(at, value)
  }

  uint32 (value: number): void {
    if (value >>> 0 !== value) throw outOfRange('uint32', value)
    const at = this.reserve(4)
    this.view.setUint32(at, value)
  }

  int64 (value: number): void {
    if (!Number.isSafeInteger(value)) throw outOfRange('int64', value)
    const at = this.reserve(8)
    writeInt64(this.view, at, value)
  }

  /** Of any value that `Reader.wideInt64` gives. */
  wideInt64 (value: Int64): void {
    if (typeof value !== 'bigint') {
      this.int64(value)
      return
    }
    if (value < int64Min || value > int64Max) throw outOfRange('int64', value)
    const at = this.reserve(8)
    writeInt64(this.view, at, value)
  }

  float64 (value: number): void {
    if (typeof value !== 'number') throw unencodable('not a number')
    const at = this.reserve(8)
    this.view.setFloat64(at, value)
  }

  uuid (value: string): void {
    if (!isUuid(value)) throw unencodable(`not a uuid of 22 base64url characters. value=${value}`)
    const at = this.reserve(16)
    this.bytes.write(value, at, 16, 'base64url')
  }

  unsignedVarint (value: number): void {
    if (value >>> 0 !== value) throw outOfRange('unsigned varint', value)
    let rest = value
    while (rest > 0x7f) {
      const at = this.reserve(1)
      this.view.setUint8(at, (rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    const at = this.reserve(1)
    this.view.setUint8(at, rest)
  }

  raw (bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.bytes.set(bytes, at)
  }

  string (value: string): void {
    const size = textSize(value)
    if (size > 0x7fff) throw unencodable(`string longer than 32767 bytes. size=${size}`)
    const at = this.reserve(2)
    this.view.setInt16(at, size)
    this.#text(value, size)
  }

  nullableString (value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString (value: string): void {
    const size = textSize(value)
    this.unsignedVarint(size + 1)
    this.#text(value, size)
  }

  #text (value: string, size: number): void {
    const at = this.reserve(size)
    const bytes = this.bytes
    if (size === value.length && size < 40) {
      // A native call costs more than writing a short ASCII string by hand.
      for (let i = 0; i < size; i++) bytes[at + i] = value.charCodeAt(i)
    } else {
      bytes.write(value, at, size, 'utf8')
    }
  }

  byteArray (value: Uint8Array): void {
    this.int32(sizeOfBytes(value))
    this.raw(value)
  }

  compactByteArray (value: Uint8Array): void {
    this.unsignedVarint(sizeOfBytes(value) + 1)
    this.raw(value)
  }

  records (value: RecordChunks): void {
    const size = recordsSize(value)
    this.int32(size)
    this.#recordBytes(value, size)
  }

  compactRecords (value: RecordChunks): void {
    const size = recordsSize(value)
    this.unsignedVarint(size + 1)
    this.#recordBytes(value, size)
  }

  #recordBytes (value: RecordChunks, size: number): void {
    if (size === 0) return
    if (this.#gather) {
      this.#cutPositions.push(this.position)
      this.#cutChunks.push(value)
      this.#gatheredSize += size
    } else if (value instanceof Uint8Array) {
      this.raw(value)
    } else {
      for (const chunk of value) this.raw(chunk)
    }
  }

  /**
   * Puts the size of what was written since `from` in front of it, as a varint: for tagged fields, whose size is known
   * only afterwards.
   */
  insertSizeBefore (from: number): void {
    const size = this.position - from
    const shift = varintSize(size)
    this.reserve(shift)
    this.bytes.copyWithin(from + shift, from, from + size)
    this.position = from
    this.unsignedVarint(size)
    this.position = from + shift + size
  }

  /** A copy of what was written, of exactly its size. Not for a gathering writer. */
  finish (): Buffer {
    const out = Buffer.allocUnsafe(this.position)
    this.bytes.copy(out, 0, 0, this.position)
    return out
  }

  /** What was written, in order, as a list: the record chunks that were given, and copies of what lies between. */
  finishChunks (): Uint8Array[] {
    const own = this.finish()
    const list: Uint8Array[] = []
    let from = 0
    for (let i = 0; i < this.#cutPositions.length; i++) {
      const at = this.#cutPositions[i] as number
      if (at > from) list.push(own.subarray(from, at))
      from = at
      const chunks = this.#cutChunks[i] as RecordChunks
      if (chunks instanceof Uint8Array) list.push(chunks)
      else for (const chunk of chunks) if (chunk.length > 0) list.push(chunk)
    }
    if (from === 0) list.push(own)
    else if (from < own.length) list.push(own.subarray(from))
    // Nothing here may keep records alive until the next message.
    this.reset()
    return list
  }
}

export function varintSize (value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

/** The bytes that `chunks` hold together. */
export function recordsSize (chunks: RecordChunks): number {
  if (chunks instanceof Uint8Array) return chunks.length
  let size = 0
  for (const chunk of chunks) size += sizeOfBytes(chunk)
  return size
}

function sizeOfBytes (value: Uint8Array): number {
  if (!(value instanceof Uint8Array)) throw unencodable('not a Uint8Array')
  return value.length
}

function textSize (value: string): number {
  if (typeof value !== 'string') throw unencodable('not a string')
  return Buffer.byteLength(value)
}

function outOfRange (type: string, value: Int64): Error {
  return unencodable(`not an ${type}. value=${String(value)}`)
}
