import { randomBytes, randomFillSync } from 'node:crypto'
import type { Random } from '../environment.ts'

const fractionsPerFill = 128

/** Randomness of the operating system, fit for secrets. */
export class SystemRandom implements Random {
  readonly #words = new Uint32Array(fractionsPerFill * 2)
  #used = fractionsPerFill * 2

  fraction (): number {
    if (this.#used === this.#words.length) {
      randomFillSync(this.#words)
      this.#used = 0
    }
    const high = this.#words[this.#used++]! >>> 5
    const low = this.#words[this.#used++]! >>> 6
    return (high * 2 ** 26 + low) / 2 ** 53
  }

  bytes (count: number): Uint8Array { return new Uint8Array(randomBytes(count)) }
}
