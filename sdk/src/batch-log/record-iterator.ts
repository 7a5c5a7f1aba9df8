import type { WalRecord } from '../wal.ts'

/**
 * Gives records one by one that come in lists. A generator waits several times for each of them, and for each generator around it:
 * with millions of small records that takes most of a recovery. Asked one at a time, as `for await` does.
 */
export class RecordIterator implements AsyncIterableIterator<WalRecord, void, undefined> {
  readonly #lists: AsyncIterator<readonly WalRecord[], void, undefined>
  readonly #explain: (error: unknown) => Promise<unknown>
  #list: readonly WalRecord[] = []
  #at = 0

  /** `explain`: what is thrown where the lists fail with `error`. */
  constructor (lists: AsyncIterable<readonly WalRecord[], void, undefined>, explain: (error: unknown) => Promise<unknown>) {
    this.#lists = lists[Symbol.asyncIterator]()
    this.#explain = explain
  }

  next (): Promise<IteratorResult<WalRecord, void>> {
    if (this.#at === this.#list.length) return this.#nextList()
    return Promise.resolve({ value: this.#list[this.#at++]!, done: false })
  }

  async return (): Promise<IteratorResult<WalRecord, void>> {
    this.#list = []
    this.#at = 0
    await this.#lists.return?.()
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator] (): this { return this }

  async #nextList (): Promise<IteratorResult<WalRecord, void>> {
    do {
      const { done, value } = await this.#lists.next().catch(async (error: unknown) => { throw await this.#explain(error) })
      if (done === true) return await this.return()
      this.#list = value
      this.#at = 0
    } while (this.#list.length === 0)
    return { value: this.#list[this.#at++]!, done: false }
  }
}
