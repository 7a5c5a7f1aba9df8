import { endOffsetOf, type StreamBatch } from '../stream/stream-batch.ts'

const compactAfter = 1024

/**
 * Batches of one stream in offset order: appended at the end, dropped from the front. Gaps between batches are
 * allowed, overlaps are not.
 */
export class BatchRun {
  #batches: (StreamBatch | undefined)[] = []
  #head = 0

  get isEmpty (): boolean { return this.#head === this.#batches.length }
  /** The first offset held; Infinity while empty. */
  get startOffset (): number { return this.#batches[this.#head]?.baseOffset ?? Infinity }

  push (batch: StreamBatch): void { this.#batches.push(batch) }

  /** Drops the oldest `count` batches. */
  dropFirst (count: number): void {
    this.#batches.fill(undefined, this.#head, this.#head + count)
    this.#head += count
    if (this.#head > compactAfter && this.#head * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#head)
      this.#head = 0
    }
  }

  /** The batch that holds `offset`, or the next one after it, as an index for `at`. */
  indexOf (offset: number): number {
    let low = this.#head
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (endOffsetOf(this.#batches[middle]!) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  at (index: number): StreamBatch | undefined { return this.#batches[index] }
}
