import { FrameMemory, fresh } from './frame-memory.ts'

const sizeBytes = 4
/** Memory for a frame of which only the beginning is there: a larger claim is believed as its bytes arrive. */
const unprovenBytesMax = 1024 * 1024

/**
 * Cuts a byte stream into Kafka frames (a four-byte size, then as many bytes). The bytes of a frame are copied once, out of
 * the receive buffer, into memory of their own; those of a frame larger than 1 MiB, and than all before it, once more for
 * each doubling.
 */
export class FrameReader {
  readonly #frameBytesMax: number
  readonly #onFrame: (frame: Uint8Array) => void
  readonly #memory: FrameMemory
  readonly #size = new Uint8Array(sizeBytes)
  #sizeFilled = 0
  /** The frame at hand, of which only a part has come; undefined between frames. */
  #frame: Uint8Array | undefined
  #filled = 0
  #wanted = 0
  /** A claim up to here is believed at once: a frame as large has come in full. */
  #believedBytes = unprovenBytesMax

  /** `memory` may be shared with other readers of the same thread. */
  constructor (options: { readonly frameBytesMax: number, readonly onFrame: (frame: Uint8Array) => void, readonly memory?: FrameMemory }) {
    this.#frameBytesMax = options.frameBytesMax
    this.#onFrame = options.onFrame
    this.#memory = options.memory ?? new FrameMemory()
  }

  /** Memory held for an incomplete frame, in bytes. */
  get heldBytes (): number { return this.#frame?.length ?? 0 }

  /**
   * Takes bytes, which stay the caller's; calls `onFrame` for each frame that they complete, which belongs to the receiver.
   * False when a size is negative or too large: hang up.
   */
  push (bytes: Uint8Array): boolean {
    let at = 0
    while (at < bytes.length) {
      if (this.#frame !== undefined) {
        at += this.#fill(this.#frame, bytes, at)
        continue
      }
      this.#size[this.#sizeFilled++] = bytes[at++]!
      if (this.#sizeFilled < sizeBytes) continue
      this.#sizeFilled = 0
      const size = this.#size[0]! << 24 | this.#size[1]! << 16 | this.#size[2]! << 8 | this.#size[3]!
      if (size < 0 || size > this.#frameBytesMax) return false
      if (bytes.length - at >= size) {
        const frame = this.#memory.take(size)
        frame.set(bytes.subarray(at, at + size))
        at += size
        this.#onFrame(frame)
      } else this.#begin(size)
    }
    return true
  }

  #begin (size: number): void {
    // Not from shared memory: a client that never sends the rest would hold it all.
    this.#frame = fresh(Math.min(size, this.#believedBytes))
    this.#filled = 0
    this.#wanted = size
  }

  /** Takes what belongs to the frame at hand; gives the count of bytes taken. */
  #fill (frame: Uint8Array, bytes: Uint8Array, at: number): number {
    const taken = Math.min(this.#wanted - this.#filled, bytes.length - at)
    let target = frame
    if (this.#filled + taken > frame.length) {
      target = fresh(Math.min(this.#wanted, Math.max(frame.length * 2, this.#filled + taken)))
      target.set(frame.subarray(0, this.#filled))
      this.#frame = target
    }
    target.set(bytes.subarray(at, at + taken), this.#filled)
    this.#filled += taken
    if (this.#filled === this.#wanted) {
      this.#frame = undefined
      this.#believedBytes = Math.max(this.#believedBytes, this.#wanted)
      this.#onFrame(target)
    }
    return taken
  }
}
