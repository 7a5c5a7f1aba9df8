import { readInt64, readSafeInt64, type Int64 } from '@streambed/sdk'
import { corrupt } from '../protocol-error.ts'
import { asBuffer } from './buffer-view.ts'

/**
 * Reads Kafka's primitive types from a frame, moving `position` forward.
 *
 * Every length is checked against the bytes left before anything is allocated, and everything that does not fit
 * throws a ProtocolError with code CORRUPT. Byte fields are views: they pin the frame's memory and see later writes to it.
 */
export class Reader {
  readonly bytes: Buffer
  readonly view: DataView
  /** Where this reader stops: `bytes.length`, or less while a tagged field is read. */
  end: number
  position: number
  /** Array elements that may still be decoded: bounds the objects that one frame can make us allocate. */
  elementsLeft: number

  constructor (bytes: Uint8Array, position = 0, elementsMax = Number.POSITIVE_INFINITY) {
    this.bytes = asBuffer(bytes)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.end = bytes.byteLength
    this.position = position
    this.elementsLeft = elementsMax
  }

  get remaining (): number {
    return this.end - this.position
  }

  /** Moves past `size` bytes and returns where they began. */
  advance (size: number): number {
    const at = this.position
    if (size > this.end - at) throw corrupt(`bytes end too early. at=${at} wanted=${size} left=${this.end - at}`)
    this.position = at + size
    return at
  }

  bool (): boolean {
    return this.view.getInt8(this.advance(1)) !== 0
  }

  int8 (): number {
    return this.view.getInt8(this.advance(1))
  }

  int16 (): number {
    return this.view.getInt16(this.advance(2))
  }

  uint16 (): number {
    return this.view.getUint16(this.advance(2))
  }

  int32 (): number {
    return this.view.getInt32(this.advance(4))
  }

  uint32 (): number {
    return this.view.getUint32(this.advance(4))
  }

  /** Of what no peer of ours makes larger: refuses values outside ±(2^53 − 1). */
  int64 (): number {
    const at = this.advance(8)
    const value = readSafeInt64(this.view, at)
    if (Number.isNaN(value)) throw corrupt(`int64 outside the safe integers. at=${at}`)
    return value
  }

  /** Of what a peer may choose: any value, exact. */
  wideInt64 (): Int64 {
    return readInt64(this.view, this.advance(8))
  }

  float64 (): number {
    return this.view.getFloat64(this.advance(8))
  }

  uuid (): string {
    const at = this.advance(16)
    return this.bytes.toString('base64url', at, at + 16)
  }

  /** LEB128, at most five bytes and 32 bits. */
  unsignedVarint (): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.view.getUint8(this.advance(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    const byte = this.view.getUint8(this.advance(1))
    if (byte > 0x0f) throw corrupt(`varint longer than 32 bits. at=${this.position}`)
    return value + byte * 0x1000_0000
  }

  /** A view of the next `size` bytes. */
  take (size: number): Buffer {
    const at = this.advance(size)
    return this.bytes.subarray(at, at + size)
  }

  text (size: number): string {
    const at = this.advance(size)
    return size === 0 ? '' : this.bytes.toString('utf8', at, at + size)
  }

  /** int16 length; null is −1. Other negative lengths are refused. */
  string (): string | null {
    const size = this.int16()
    if (size < 0) return nullFor(size, this.position)
    return this.text(size)
  }

  compactString (): string | null {
    const size = this.unsignedVarint() - 1
    return size < 0 ? null : this.text(size)
  }

  byteArray (): Buffer | null {
    const size = this.int32()
    if (size < 0) return nullFor(size, this.position)
    return this.take(size)
  }

  compactByteArray (): Buffer | null {
    const size = this.unsignedVarint() - 1
    return size < 0 ? null : this.take(size)
  }

  /** The count of an array, or −1 for null. `elementSizeMin` (≥ 1) is what each element takes at the least. */
  arrayCount (elementSizeMin: number): number {
    const count = this.int32()
    if (count < 0) {
      nullFor(count, this.position)
      return -1
    }
    return this.#checkedCount(count, elementSizeMin)
  }

  compactArrayCount (elementSizeMin: number): number {
    const count = this.unsignedVarint() - 1
    return count < 0 ? -1 : this.#checkedCount(count, elementSizeMin)
  }

  #checkedCount (count: number, elementSizeMin: number): number {
    if (count * elementSizeMin > this.end - this.position) {
      throw corrupt(`array longer than the bytes left. at=${this.position} count=${count} left=${this.remaining}`)
    }
    if (count > this.elementsLeft) throw corrupt(`too many array elements in one frame. at=${this.position} count=${count}`)
    this.elementsLeft -= count
    return count
  }

  /** Skips a tag section whose tags nobody here knows. */
  skipTags (): void {
    let count = this.unsignedVarint()
    // Each tag takes two bytes at least, so a large count runs out of bytes, not of time.
    for (; count > 0; count--) {
      this.unsignedVarint()
      this.advance(this.unsignedVarint())
    }
  }
}

function nullFor (length: number, at: number): null {
  if (length !== -1) throw corrupt(`negative length. at=${at} length=${length}`)
  return null
}
