import type { Random } from '../environment.ts'

/** Repeatable randomness: the same seed gives the same sequence, on every machine. Never for secrets. */
export class SeededRandom implements Random {
  readonly seed: string
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor (seed: string | number) {
    this.seed = String(seed)
    this.#a = hash(this.seed, 0x9e37_79b9)
    this.#b = hash(this.seed, 0x85eb_ca6b)
    this.#c = hash(this.seed, 0xc2b2_ae35)
    for (let round = 0; round < 12; round++) this.#next()
  }

  fraction (): number { return ((this.#next() >>> 5) * 2 ** 26 + (this.#next() >>> 6)) / 2 ** 53 }

  bytes (count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let at = 0; at < count; at += 4) {
      const word = this.#next()
      for (let i = 0; i < 4 && at + i < count; i++) bytes[at + i] = word >>> 8 * i
    }
    return bytes
  }

  /** Uniform among 0, 1 … `bound` - 1. */
  below (bound: number): number { return Math.floor(this.fraction() * bound) }

  /**
   * An independent sequence, fixed by this one's seed and `label`. It takes nothing from this one, so a part of a test
   * that draws more does not change what its siblings draw.
   */
  fork (label: string): SeededRandom { return new SeededRandom(`${this.seed}/${label}`) }

  /** One step of sfc32 (Doty-Humphrey's Small Fast Counting generator): 32 bits, period at least 2^32. */
  #next (): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ this.#b >>> 9
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21 | this.#c >>> 11) + result) | 0
    return result >>> 0
  }
}

/** FNV-1a over the code units, from `start`, with a final avalanche. */
function hash (text: string, start: number): number {
  let state = start
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x0100_0193)
  state = Math.imul(state ^ state >>> 16, 0x85eb_ca6b)
  state = Math.imul(state ^ state >>> 13, 0xc2b2_ae35)
  return (state ^ state >>> 16) >>> 0
}
