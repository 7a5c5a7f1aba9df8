const sampleCount = 128
/** Fewer say nothing about a percentile. */
const samplesMin = 20
const delayMsBefore = 1_000
const delayMsMin = 5
/** Saved up while all goes well; what a first slow spell may take at once. */
const tokensMax = 8

/** When to send a put a second time, and whether: learns from how long puts take, and keeps to a budget. */
export class Hedging {
  readonly #percentile: number
  readonly #share: number
  readonly #samples = new Float64Array(sampleCount)
  #count = 0
  #delayMs = delayMsBefore
  /** Hedges that may be sent now. */
  #tokens: number

  constructor (options: { readonly hedgePercentile: number, readonly hedgeShareMax: number }) {
    this.#percentile = options.hedgePercentile
    this.#share = options.hedgeShareMax
    this.#tokens = this.#share > 0 ? 1 : 0
  }

  /** After this long without an answer a put is slow. */
  get delayMs (): number { return this.#delayMs }

  onPut (): void { this.#tokens = Math.min(tokensMax, this.#tokens + this.#share) }

  onAnswer (tookMs: number): void {
    this.#samples[this.#count++ % sampleCount] = tookMs
    if (this.#count < samplesMin || this.#count % 16 !== 0) return
    const sorted = this.#samples.slice(0, Math.min(this.#count, sampleCount)).sort()
    this.#delayMs = Math.max(delayMsMin, sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * this.#percentile / 100))]!)
  }

  /** True when one more put may be sent; it is then counted. Over all: at most 1 + share × puts. */
  take (): boolean {
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
