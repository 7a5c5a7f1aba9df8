/**
 * A map over a base that it does not change: writes go to its own layer until `commit` puts them into the base. Lets a
 * change be validated and applied before it is durable, and dropped when it loses its race.
 */
export class LayeredMap<K, V> {
  readonly #base: Map<K, V> | LayeredMap<K, V>
  readonly #changes = new Map<K, V | typeof deleted>()

  constructor (base: Map<K, V> | LayeredMap<K, V>) { this.#base = base }

  get (key: K): V | undefined {
    const change = this.#changes.get(key)
    if (change === undefined) return this.#base.get(key)
    return change === deleted ? undefined : change
  }

  has (key: K): boolean { return this.get(key) !== undefined }

  set (key: K, value: V): void { this.#changes.set(key, value) }

  delete (key: K): void { this.#changes.set(key, deleted) }

  * entries (): Generator<[K, V]> {
    for (const [key, value] of this.#base.entries()) if (!this.#changes.has(key)) yield [key, value]
    for (const [key, value] of this.#changes) if (value !== deleted) yield [key, value]
  }

  * values (): Generator<V> {
    for (const [, value] of this.entries()) yield value
  }

  /** Puts the changes into the base and starts a new layer. */
  commit (): void {
    for (const [key, value] of this.#changes) {
      if (value === deleted) this.#base.delete(key)
      else this.#base.set(key, value)
    }
    this.#changes.clear()
  }
}

const deleted = Symbol('deleted')
