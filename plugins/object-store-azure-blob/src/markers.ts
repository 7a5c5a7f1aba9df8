const keptMax = 256

/**
 * Where listings go on. Azure lists from the start or from a marker of its own, not from a name: the markers of pages given
 * are kept, so that the usual walk from page to page reads no page twice. A walk whose marker is not here reads from the start.
 */
export class Markers {
  readonly #markers = new Map<string, string>()

  /** The marker for what follows `startAfter` below `prefix`. */
  after (prefix: string, startAfter: string): string | undefined { return this.#markers.get(keyOf(prefix, startAfter)) }

  keep (prefix: string, lastName: string, marker: string): void {
    const key = keyOf(prefix, lastName)
    this.#markers.delete(key)
    this.#markers.set(key, marker)
    if (this.#markers.size > keptMax) this.#markers.delete(this.#markers.keys().next().value!)
  }
}

/** Names hold no NUL. */
function keyOf (prefix: string, name: string): string { return `${prefix}\0${name}` }
