const slabBytes = 1024 * 1024
/** Larger pieces get memory of their own: a slab would be left half empty. */
const sharedBytesMax = 64 * 1024

/**
 * Memory for whole frames. Small ones share slabs, in the order in which they come: records that are kept in that order are
 * let go in that order too, so that a slab is not held for long by one of them.
 */
export class FrameMemory {
  #slab: Uint8Array = new Uint8Array(0)
  #used = 0

  /** `size` bytes of any content, which belong to the caller. */
  take (size: number): Uint8Array {
    if (size > sharedBytesMax) return fresh(size)
    if (this.#used + size > this.#slab.length) {
      this.#slab = fresh(slabBytes)
      this.#used = 0
    }
    const at = this.#used
    this.#used += size
    return this.#slab.subarray(at, at + size)
  }
}

/** Not zeroed, and not of Node's pool, which other data would keep alive. */
export function fresh (size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
}
