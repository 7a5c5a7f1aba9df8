import { StreambedError, type ByteRange, type Environment, type ObjectPage, type ObjectStore } from '@streambed/sdk'
import { decodeHeader, encodeHeader, headerBytes, type CopyHeader } from './copy.ts'
import { verdictOf, type Vote } from './verdict.ts'

/** An object's header and bytes, as pieces. */
export interface Copy { readonly header: CopyHeader, readonly pieces: readonly Uint8Array[] }

const unanswered: Vote = { kind: 'unknown' }

/**
 * The three stores, and what each is asked about one key. No answer is waited for longer than `patienceMs`; a call that was given up goes on, and
 * `settled` waits for it.
 */
export class Replicas {
  readonly #stores: readonly ObjectStore[]
  readonly #patienceMs: number
  readonly #environment: Environment
  /** Writes that were begun, by key: also those that nobody waits for any more. */
  readonly #writes = new Map<string, Set<Promise<unknown>>>()

  constructor (stores: readonly ObjectStore[], patienceMs: number, environment: Environment) {
    this.#stores = stores
    this.#patienceMs = patienceMs
    this.#environment = environment
  }

  get indices (): readonly number[] { return this.#stores.map((_, index) => index) }
  get all (): readonly ObjectStore[] { return this.#stores }

  /** The votes on a key: those that were there when they sufficed, or, with `isPatient`, all that come in time. */
  async votes (key: string, isPatient: boolean): Promise<Vote[]> {
    const votes = this.#stores.map(() => unanswered)
    const { promise: enough, resolve } = Promise.withResolvers<void>()
    const asking = this.indices.map(async store => {
      votes[store] = await this.look(store, key)
      const { kind } = verdictOf(votes)
      if (!isPatient && (kind === 'decided' || kind === 'absent')) resolve()
    })
    await Promise.race([enough, Promise.all(asking)])
    return [...votes]
  }

  /** What the store holds of the key. Never rejects. */
  async look (store: number, key: string): Promise<Vote> {
    return await this.#patiently(async (): Promise<Vote> => {
      const start = await this.#stores[store]!.get(key, { range: { start: 0, end: headerBytes } })
      return { kind: 'copy', header: decodeHeader(start, key, this.#environment.crc32c) }
    }).catch((error: unknown): Vote => StreambedError.is(error, 'NOT_FOUND') ? { kind: 'absent' } : { kind: 'unknown', error })
  }

  /** Gives the store the copy unless it has one, and tells what it has then. Never rejects. */
  async propose (store: number, key: string, copy: Copy): Promise<Vote> {
    const putting = this.#write(key, async () => await this.#stores[store]!.put(key, this.#bytesOf(copy), { ifAbsent: true }))
    try {
      await this.#patiently(() => putting)
      return { kind: 'copy', header: copy.header }
    } catch (error) {
      if (!StreambedError.is(error, 'ALREADY_EXISTS', 'OUTCOME_UNKNOWN')) return { kind: 'unknown', error }
      const found = await this.look(store, key)
      // It said that there is one, or may be: nothing there now proves nothing.
      return found.kind === 'absent' ? { kind: 'unknown', error } : found
    }
  }

  /** Puts the copy, which has won, in the place of whatever the store has. Never rejects. */
  async seal (store: number, key: string, copy: Copy): Promise<Vote> {
    const header = { ...copy.header, isSealed: true }
    const putting = this.#write(key, async () => await this.#stores[store]!.put(key, this.#bytesOf({ ...copy, header })))
    return await this.#patiently(() => putting).then((): Vote => ({ kind: 'copy', header }), (error: unknown): Vote => ({ kind: 'unknown', error }))
  }

  /** The owner's copy, whole and checked, from the first of `order` that gives it. */
  async read (key: string, owner: string, order: readonly number[]): Promise<Copy> {
    return await this.#first(key, order, async store => {
      const bytes = await this.#stores[store]!.get(key)
      const header = decodeHeader(bytes, key, this.#environment.crc32c)
      const body = bytes.subarray(headerBytes)
      if (header.owner !== owner) throw new StreambedError('UNAVAILABLE', `the store has another put's copy. key=${key}`)
      if (body.length !== header.size || this.#environment.crc32c(body) !== header.crc32c) throw new StreambedError('CORRUPT', `a copy's bytes fail their CRC-32C. key=${key}`)
      return { header, pieces: [body] }
    })
  }

  /** Those bytes of the key's copy, which ends after `range`, from the first of `order` that gives them. */
  async readRange (key: string, { end, start }: ByteRange, order: readonly number[]): Promise<Uint8Array> {
    return await this.#first(key, order, async store => {
      const bytes = await this.#stores[store]!.get(key, { range: { start: headerBytes + start, end: headerBytes + end } })
      if (bytes.length !== end - start) throw new StreambedError('CORRUPT', `a copy is cut off. key=${key}`)
      return bytes
    })
  }

  /** Of any two stores, whichever answer first. */
  async pages (prefix: string, startAfter: string | undefined, limit: number): Promise<readonly ObjectPage[]> {
    const pages: ObjectPage[] = []
    const failures: unknown[] = []
    const { promise: enough, resolve } = Promise.withResolvers<void>()
    const asking = this.#stores.map(async store => {
      try {
        pages.push(await this.#patiently(async () => await store.list(prefix, { limit, ...startAfter === undefined ? {} : { startAfter } })))
        if (pages.length >= 2) resolve()
      } catch (error) {
        failures.push(error)
      }
    })
    await Promise.race([enough, Promise.all(asking)])
    if (pages.length < 2) throw unavailable(`the listing of ${JSON.stringify(prefix)}`, failures)
    return [...pages]
  }

  /** Resolves when no write of ours to any of the keys is under way. */
  async settled (keys: readonly string[]): Promise<void> {
    await Promise.all(keys.flatMap(key => [...this.#writes.get(key) ?? []]))
  }

  #bytesOf ({ header, pieces }: Copy): readonly Uint8Array[] { return [encodeHeader(header, this.#environment.crc32c), ...pieces] }

  async #first<T> (key: string, order: readonly number[], read: (store: number) => Promise<T>): Promise<T> {
    const failures: unknown[] = []
    for (const store of order) {
      try {
        return await this.#patiently(() => read(store))
      } catch (error) {
        failures.push(error)
      }
    }
    throw failures.every(error => StreambedError.is(error, 'CORRUPT')) ? failures[0] : unavailable(key, failures)
  }

  #write<T> (key: string, write: () => Promise<T>): Promise<T> {
    const writing = write()
    const ended = writing.then(() => {}, () => {})
    const ofKey = this.#writes.get(key) ?? new Set()
    this.#writes.set(key, ofKey.add(ended))
    void ended.then(() => {
      ofKey.delete(ended)
      if (ofKey.size === 0 && this.#writes.get(key) === ofKey) this.#writes.delete(key)
    })
    return writing
  }

  async #patiently<T> (call: () => Promise<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = this.#environment.clock.schedule(this.#patienceMs, () => { reject(new StreambedError('TIMEOUT', `no answer within ${this.#patienceMs} ms`)) })
    try {
      return await Promise.race([call(), late])
    } finally {
      timer.cancel()
    }
  }
}

export function unavailable (what: string, errors: readonly unknown[]): StreambedError {
  const told = errors.map(error => error instanceof Error ? error.message : String(error)).join('; ')
  return new StreambedError('UNAVAILABLE', `too few of the three stores answer to tell. of=${what} errors=${told}`, { cause: errors[0] })
}
