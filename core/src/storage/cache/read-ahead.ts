export interface ReadAheadOptions { readonly bytesMin: number, readonly bytesMax: number, readonly streamsMax: number }

interface Reader { nextOffset: number, window: number }

/**
 * Decides how far to read ahead of a stream's reader: the window doubles while reads follow one another, starts anew
 * when they jump, and halves for all when prefetched blocks are evicted unread. Pure bookkeeping.
 */
export class ReadAhead {
  readonly #options: ReadAheadOptions
  readonly #readers = new Map<number, Reader>()
  #windowMax: number

  constructor (options: ReadAheadOptions) {
    this.#options = options
    this.#windowMax = options.bytesMax
  }

  /** The bytes to fetch beyond what a read at `offset` wants; 0 for one that does not continue the last. */
  windowAt (streamId: number, offset: number): number {
    const reader = this.#readers.get(streamId)
    if (reader === undefined || reader.nextOffset !== offset) {
      this.#readers.delete(streamId)
      return 0
    }
    reader.window = Math.min(Math.max(reader.window * 2, this.#options.bytesMin), this.#windowMax)
    this.#windowMax = Math.min(this.#windowMax * 1.05, this.#options.bytesMax)
    return reader.window
  }

  /** The stream's reader has got all below `endOffset`. */
  onRead (streamId: number, endOffset: number): void {
    const reader = this.#readers.get(streamId)
    if (reader !== undefined) {
      reader.nextOffset = endOffset
      return
    }
    this.#readers.set(streamId, { nextOffset: endOffset, window: 0 })
    if (this.#readers.size > this.#options.streamsMax) this.#readers.delete(this.#readers.keys().next().value!)
  }

  /** A prefetched block was evicted before anybody read it. */
  onWasted (): void { this.#windowMax = Math.max(this.#windowMax / 2, this.#options.bytesMin) }
}
