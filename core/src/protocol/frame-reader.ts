const sizeBytes = 4

/**
 * Cuts a byte stream into Kafka frames (a four-byte size, then as many bytes). Bytes are copied at most once: a frame
 * that came in one piece is a view of it, one that came in several is put together when the last has come. A size is
 * believed only as bytes arrive, so that a claim alone costs nothing.
 */
export class FrameReader {
  readonly #frameBytesMax: number
  readonly #onFrame: (frame: Uint8Array) => void
  #pieces: Uint8Array[] = []
  #bytes = 0
  /** Bytes of size and body together that the frame at hand needs; unknown while its size is incomplete. */
  #wanted: number | undefined

  constructor (options: { readonly frameBytesMax: number, readonly onFrame: (frame: Uint8Array) => void }) {
    this.#frameBytesMax = options.frameBytesMax
    this.#onFrame = options.onFrame
  }

  /** Bytes of an incomplete frame held back. */
  get heldBytes (): number { return this.#bytes }

  /** Takes bytes; calls `onFrame` for each frame that they complete. False when a size is negative or too large: hang up. */
  push (bytes: Uint8Array): boolean {
    let rest = bytes
    while (rest.length > 0) {
      if (this.#wanted === undefined) {
        if (this.#bytes + rest.length < sizeBytes) return this.#hold(rest)
        const body = this.#sizeOf(rest)
        if (body < 0 || body > this.#frameBytesMax) return false
        this.#wanted = sizeBytes + body
      }
      const missing = this.#wanted - this.#bytes
      if (rest.length < missing) return this.#hold(rest)
      const whole = this.#bytes === 0 ? rest.subarray(0, missing) : this.#join(rest.subarray(0, missing))
      rest = rest.subarray(missing)
      this.#pieces = []
      this.#bytes = 0
      this.#wanted = undefined
      this.#onFrame(whole.subarray(sizeBytes))
    }
    return true
  }

  #hold (piece: Uint8Array): true {
    this.#pieces.push(piece)
    this.#bytes += piece.length
    return true
  }

  #sizeOf (rest: Uint8Array): number {
    const head = this.#bytes === 0 ? rest : this.#join(rest.subarray(0, sizeBytes))
    return head[0]! << 24 | head[1]! << 16 | head[2]! << 8 | head[3]!
  }

  #join (last: Uint8Array): Uint8Array {
    const whole = new Uint8Array(Buffer.allocUnsafeSlow(this.#bytes + last.length).buffer)
    let at = 0
    for (const piece of this.#pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    whole.set(last, at)
    return whole
  }
}
