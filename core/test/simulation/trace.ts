/** What happened in a run, in order. Two runs of one seed have the same digest, or something real leaked in. */
export class Trace {
  readonly lines: string[] = []
  readonly #isKept: boolean
  readonly #nowMs: () => number
  #high = 0x811c_9dc5
  #low = 0x1234_5678
  #count = 0

  /** `isKept`: whether lines can be read afterwards; the digest covers them in any case. */
  constructor (options: { readonly isKept: boolean, readonly nowMs: () => number }) {
    this.#isKept = options.isKept
    this.#nowMs = options.nowMs
  }

  get digest (): string { return `${this.#count}-${(this.#high >>> 0).toString(16)}${(this.#low >>> 0).toString(16)}` }

  add (text: string): void {
    const line = `${this.#nowMs().toFixed(3)} ${text}`
    this.#count++
    for (let at = 0; at < line.length; at++) {
      this.#high = Math.imul(this.#high ^ line.charCodeAt(at), 0x0100_0193)
      this.#low = Math.imul(this.#low + line.charCodeAt(at) | 0, 0x5bd1_e995) ^ this.#low >>> 15
    }
    if (this.#isKept) this.lines.push(line)
  }
}
