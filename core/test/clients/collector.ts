/** What arrived so far, and a way to wait until it is what a test expects. */
export class Collector<T> {
  readonly items: T[] = []
  readonly #listeners: ((item: T) => void)[] = []
  readonly #waiting: { readonly isMet: (items: readonly T[]) => boolean, readonly resolve: () => void }[] = []

  add (item: T): void {
    this.items.push(item)
    for (const listener of this.#listeners) listener(item)
    for (const [index, { isMet, resolve }] of [...this.#waiting.entries()].reverse()) {
      if (!isMet(this.items)) continue
      this.#waiting.splice(index, 1)
      resolve()
    }
  }

  /** Calls `listener` with every item, those that are here and those to come. */
  each (listener: (item: T) => void): void {
    this.items.forEach(listener)
    this.#listeners.push(listener)
  }

  /** Resolves once `isMet` holds; the limit is the test's own. */
  async until (isMet: (items: readonly T[]) => boolean): Promise<readonly T[]> {
    if (!isMet(this.items)) await new Promise<void>(resolve => { this.#waiting.push({ isMet, resolve }) })
    return this.items
  }

  async untilCount (count: number): Promise<readonly T[]> {
    return await this.until(items => items.length >= count)
  }
}

/** Asks again and again until `isMet` holds of the answer: each question is a round trip to the broker. */
export async function eventually<T> (ask: () => Promise<T>, isMet: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (isMet(answer)) return answer
    await new Promise(resolve => { setImmediate(resolve) })
  }
}
