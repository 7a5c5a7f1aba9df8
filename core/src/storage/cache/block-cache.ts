import type { StreamBatch } from '../stream/stream-batch.ts'

/** A decoded data block in memory. */
interface CachedBlock {
  readonly batches: Promise<readonly StreamBatch[]>
  readonly cost: number
  readonly isPrefetched: boolean
  wasRead: boolean
}

/**
 * Data blocks read from objects, least recently used dropped first. Holds promises, so that readers who want a block
 * that is on its way share one download. Failed loads are not kept.
 */
export class BlockCache {
  readonly #bytesMax: number
  readonly #onWasted: () => void
  readonly #blocks = new Map<string, CachedBlock>()
  #cost = 0

  /** `bytesMax`: cost of the blocks to hold. `onWasted`: told of each prefetched block that was evicted before anybody read it. */
  constructor (options: { readonly bytesMax: number, readonly onWasted: () => void }) {
    this.#bytesMax = options.bytesMax
    this.#onWasted = options.onWasted
  }

  /** Of all held or on their way, in bytes. */
  get cost (): number { return this.#cost }

  has (key: string): boolean { return this.#blocks.has(key) }

  /** The block, if held or on its way; marks it as used. */
  read (key: string): Promise<readonly StreamBatch[]> | undefined {
    const block = this.#blocks.get(key)
    if (block === undefined) return undefined
    block.wasRead = true
    this.#blocks.delete(key)
    this.#blocks.set(key, block)
    return block.batches
  }

  add (key: string, cost: number, batches: Promise<readonly StreamBatch[]>, options: { readonly isPrefetched: boolean }): void {
    const block = { batches, cost, isPrefetched: options.isPrefetched, wasRead: false }
    this.#blocks.set(key, block)
    this.#cost += cost
    batches.catch(() => { if (this.#blocks.get(key) === block) this.#drop(key, block) })
    for (const [oldestKey, oldest] of this.#blocks) {
      if (this.#cost <= this.#bytesMax || oldestKey === key) return
      this.#drop(oldestKey, oldest)
      if (oldest.isPrefetched && !oldest.wasRead) this.#onWasted()
    }
  }

  #drop (key: string, block: CachedBlock): void {
    this.#blocks.delete(key)
    this.#cost -= block.cost
  }
}
