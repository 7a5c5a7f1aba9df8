/** Start and last record of each batch that is not wholly trimmed, oldest first: 16 bytes a batch. */
export class BatchIndex {
  #starts = new Float64Array(64)
  #lasts = new Float64Array(64)
  #head = 0
  #count = 0

  get isEmpty (): boolean { return this.#count === 0 }

  /** Start of the oldest batch; only while not empty. */
  get firstStart (): number { return this.#starts[this.#head]! }

  push (start: number, lastRecord: number): void {
    if (this.#count === this.#starts.length) this.#grow()
    const at = (this.#head + this.#count) % this.#starts.length
    this.#starts[at] = start
    this.#lasts[at] = lastRecord
    this.#count++
  }

  /** Forgets the batches whose records all lie at or before `position`. */
  trim (position: number): void {
    while (this.#count > 0 && this.#lasts[this.#head]! <= position) {
      this.#head = (this.#head + 1) % this.#starts.length
      this.#count--
    }
  }

  #grow (): void {
    this.#starts = unrolled(this.#starts, this.#head)
    this.#lasts = unrolled(this.#lasts, this.#head)
    this.#head = 0
  }
}

/** Twice as long, with the element at `head` first. */
function unrolled (values: Float64Array<ArrayBuffer>, head: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(values.length * 2)
  grown.set(values.subarray(head))
  grown.set(values.subarray(0, head), values.length - head)
  return grown
}
