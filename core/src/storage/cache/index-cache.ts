import type { ObjectId, StreamId } from '../catalog/catalog.ts'
import type { BlockEntry } from '../object/object-format.ts'

/** The data blocks of an object, by stream. */
export type ObjectIndex = ReadonlyMap<StreamId, readonly BlockEntry[]>

/** What one entry of an index takes in memory, and an index besides; both with room to spare. */
const entryCost = 256
const indexCost = 1_024

interface CachedIndex {
  readonly index: Promise<ObjectIndex>
  /** That of an empty one until it is there. */
  cost: number
}

/** Indexes of objects, least recently used dropped first. Concurrent readers share a load; failed loads are not kept. */
export class IndexCache {
  readonly #bytesMax: number
  readonly #indexes = new Map<ObjectId, CachedIndex>()
  #cost = 0

  /** `bytesMax`: cost of the indexes to hold; the one that was used last stays whatever it costs. */
  constructor (options: { readonly bytesMax: number }) { this.#bytesMax = options.bytesMax }

  /** Of all held, in bytes. */
  get cost (): number { return this.#cost }

  read (objectId: ObjectId, load: () => Promise<ObjectIndex>): Promise<ObjectIndex> {
    const known = this.#indexes.get(objectId)
    if (known !== undefined) {
      this.#indexes.delete(objectId)
      this.#indexes.set(objectId, known)
      return known.index
    }
    const cached: CachedIndex = { index: load(), cost: indexCost }
    this.#indexes.set(objectId, cached)
    this.#cost += cached.cost
    cached.index.then(index => this.#onLoaded(objectId, cached, index), () => this.#drop(objectId, cached))
    return cached.index
  }

  #onLoaded (objectId: ObjectId, cached: CachedIndex, index: ObjectIndex): void {
    if (this.#indexes.get(objectId) !== cached) return
    let entries = 0
    for (const ofStream of index.values()) entries += ofStream.length
    cached.cost += entries * entryCost
    this.#cost += entries * entryCost
    for (const [oldestId, oldest] of this.#indexes) {
      if (this.#cost <= this.#bytesMax || this.#indexes.size === 1) return
      this.#drop(oldestId, oldest)
    }
  }

  #drop (objectId: ObjectId, cached: CachedIndex): void {
    if (this.#indexes.get(objectId) !== cached) return
    this.#indexes.delete(objectId)
    this.#cost -= cached.cost
  }
}
