import type { ObjectWalOptions } from './options.ts'

/** More records in one batch make its table large. */
export const batchRecordsMax = 16_384

/** Decides when what has gathered is sent. Holds no clock. */
export class Batching {
  readonly #options: Pick<ObjectWalOptions, 'batchBytesMax' | 'batchIntervalMsMax' | 'uploadsMax'>
  #bytes = 0
  #count = 0
  #sinceMs = 0

  constructor (options: Pick<ObjectWalOptions, 'batchBytesMax' | 'batchIntervalMsMax' | 'uploadsMax'>) { this.#options = options }

  get bytes (): number { return this.#bytes }
  get count (): number { return this.#count }

  add (bytes: number, nowMs: number): void {
    if (this.#count === 0) this.#sinceMs = nowMs
    this.#bytes += bytes
    this.#count++
  }

  /** A batch was taken; what is left begins to gather now. */
  take (bytes: number, count: number, nowMs: number): void {
    this.#bytes -= bytes
    this.#count -= count
    this.#sinceMs = nowMs
  }

  /**
   * When the next batch is due, in monotonic ms; Infinity while that depends on an upload's end. At once when nothing is
   * under way; else the longer, the more uploads are in use.
   */
  dueMs (uploadCount: number): number {
    const { batchBytesMax, batchIntervalMsMax, uploadsMax } = this.#options
    if (this.#count === 0 || uploadCount >= uploadsMax) return Infinity
    if (uploadCount === 0 || this.#bytes >= batchBytesMax || this.#count >= batchRecordsMax) return -Infinity
    return this.#sinceMs + batchIntervalMsMax * uploadCount / (uploadsMax - 1)
  }
}
