import { StreambedError, isPutOpen, settledPut, withDeadline, type Environment, type ObjectStore } from '@streambed/sdk'
import { bodyToEntries, bodyToSlots, decodeHeader, decodeObject, encodeObject, headerBytes, isSameToken, tokenBytes, type ForgottenSlot, type ObjectHeader } from './format.ts'
import type { ObjectMetadataLogOptions } from './options.ts'

const pageKeysMax = 1000
const retry = { delayMsMin: 20, delayMsMax: 1_000 }

/** One append, as it was read. */
export interface Slot { readonly start: number, readonly token: Uint8Array, readonly entries: readonly Uint8Array[] }

/** What a listing of the log shows. */
export interface Listed {
  /** First positions of slots, ascending. */
  readonly starts: readonly number[]
  /** Positions of marks, ascending. */
  readonly marks: readonly number[]
}

/** The objects of one log: named, encoded, verified, and counted, for each call costs money. */
export class LogObjects {
  readonly environment: Environment
  readonly #store: ObjectStore
  readonly #options: ObjectMetadataLogOptions
  /** What the keys of the log begin with: the prefix, or where the last repair has put it. */
  #root: string
  /** Puts that were given up and have not settled yet. */
  readonly #leftOver = new Set<Promise<unknown>>()

  constructor (store: ObjectStore, environment: Environment, options: ObjectMetadataLogOptions) {
    this.#store = store
    this.environment = environment
    this.#options = options
    this.#root = options.prefix
  }

  /** Goes where the last repair has put the log; to be called before all else. */
  async findRoot (): Promise<void> {
    const prefix = this.#generationsPrefix
    let last: string | undefined
    await this.#list(prefix, undefined, key => { last = key.slice(prefix.length) })
    if (last === undefined) return
    if (!/^\d{16}-[0-9a-f]{32}$/.test(last)) throw foreign(prefix + last)
    this.#root = `${this.#options.prefix}/repaired/${last}`
  }

  /** The objects of the log that a repair begins; empty, and nobody's until `makeCurrent`. */
  nextGeneration (): LogObjects {
    const generation = this.#root === this.#options.prefix ? 1 : Number(this.#root.slice(`${this.#options.prefix}/repaired/`.length).slice(0, 16)) + 1
    const next = new LogObjects(this.#store, this.environment, this.#options)
    // Random: what a repair left behind that was stopped is in no later one's way.
    next.#root = `${this.#options.prefix}/repaired/${digits(generation)}-${Buffer.from(this.environment.random.bytes(16)).toString('hex')}`
    return next
  }

  /** From now on the log is the one that `nextGeneration` began: `findRoot` finds it by the name of one object, whatever that holds. */
  async makeCurrent (): Promise<void> {
    const name = this.#root.slice(`${this.#options.prefix}/repaired/`.length)
    const position = Number(name.slice(0, 16))
    const token = this.environment.random.bytes(tokenBytes)
    await this.put(this.#generationsPrefix + name, await this.encode({ kind: 'mark', position, token, count: 0 }, []), { kind: 'mark', position, token })
  }

  /** Copies a slot or snapshot of `from`, byte by byte. */
  async copy (from: LogObjects, keyOf: (objects: LogObjects) => string): Promise<void> {
    this.environment.metrics.count('metadata_object_puts')
    await this.#store.put(keyOf(this), await from.#get(keyOf(from)), { ifAbsent: true })
  }

  slotKey (start: number): string { return `${this.#root}/log/${digits(start)}` }
  snapshotKey (at: number): string { return `${this.#root}/snapshots/${digits(at)}` }
  /** Behind all slots, so that one listing shows first what is there and then what is no longer part of the log. */
  markKey (position: number): string { return `${this.#root}/log/z${digits(position)}` }

  /** Beside the log: of a repair after which the log began at that position with no slot. */
  emptyKey (position: number): string { return `${this.#root}/empty/${digits(position)}` }

  /** Slots behind the one that begins at `after`, and all marks. */
  async listLog (after?: number): Promise<Listed> {
    return await this.#listed(after === undefined ? undefined : this.slotKey(after))
  }

  /** Marks past `position`, ascending. */
  async marksAbove (position: number): Promise<readonly number[]> { return (await this.#listed(this.markKey(position))).marks }

  async snapshots (): Promise<number[]> {
    const found: number[] = []
    const prefix = `${this.#root}/snapshots/`
    await this.#list(prefix, undefined, key => { found.push(parsed(key, prefix)) })
    return found
  }

  async slot (start: number): Promise<Slot> {
    const key = this.slotKey(start)
    const { body, header } = await decodeObject(await this.#get(key), { kind: 'entries', position: start }, key, this.environment)
    return { start, token: header.token, entries: bodyToEntries(body, header.count, key) }
  }

  async slotToken (start: number): Promise<Uint8Array> { return (await this.#header(this.slotKey(start), 'entries', start)).token }

  async mark (position: number): Promise<ForgottenSlot[]> {
    const key = this.markKey(position)
    return bodyToSlots((await decodeObject(await this.#get(key), { kind: 'mark', position }, key, this.environment)).body)
  }

  async snapshot (at: number): Promise<Uint8Array> {
    const key = this.snapshotKey(at)
    return (await decodeObject(await this.#get(key), { kind: 'snapshot', position: at }, key, this.environment)).body
  }

  async hasSlot (start: number): Promise<boolean> { return await this.#isThere(this.slotKey(start)) }

  /** Whether a repair noted that the log begins at that position with no slot. */
  async isEmptyAt (position: number): Promise<boolean> { return await this.#isThere(this.emptyKey(position)) }

  async #isThere (key: string): Promise<boolean> {
    this.environment.metrics.count('metadata_object_heads')
    try {
      await this.#store.head(key)
      return true
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND')) return false
      throw error
    }
  }

  encode (header: Omit<ObjectHeader, 'bodyBytes'>, body: readonly Uint8Array[]): Promise<Uint8Array> { return encodeObject(header, body, this.environment) }

  /**
   * Puts an object if there is none, again and again with the same bytes until it is settled whose it is: `taken` is
   * somebody else's. Rejects with OUTCOME_UNKNOWN when it stays open at the deadline.
   */
  async put (key: string, bytes: Uint8Array, want: Pick<ObjectHeader, 'kind' | 'position' | 'token'>): Promise<'ours' | 'taken'> {
    const { logger } = this.environment
    let isInDoubt = false
    try {
      return await settledPut<'taken'>({
        put: () => this.#attempt(key, bytes),
        whose: async () => isSameToken((await this.#header(key, want.kind, want.position)).token, want.token) ? 'ours' : 'taken'
      }, this.environment, {
        ...retry,
        deadlineMs: this.#options.putDeadlineMs,
        isWorthRepeating: isOpen,
        onFailed: ({ attempt, error }) => {
          isInDoubt = true
          logger.debug('a put to the metadata log failed, sending it again', { key, attempt, error: String(error) })
        }
      })
    } catch (error) {
      if (!isInDoubt && !isOpen(error)) throw error
      throw new StreambedError('OUTCOME_UNKNOWN', `a put to the metadata log has no known outcome. key=${key}: ${String(error)}`, { cause: error })
    }
  }

  /** Never fails: none of these is part of the log any more, and what is left is found again by a later truncation. */
  async remove (keys: readonly string[]): Promise<void> {
    const { logger, metrics } = this.environment
    for (let from = 0; from < keys.length; from += pageKeysMax) {
      metrics.count('metadata_object_deletes')
      try {
        const outcomes = await this.#store.delete(keys.slice(from, from + pageKeysMax))
        const failed = outcomes.filter(outcome => outcome.kind === 'failed')
        const [first] = failed
        if (first !== undefined) logger.warn('objects that the metadata log no longer needs could not be deleted', { failed: failed.length, key: first.key, error: String(first.error) })
      } catch (error) {
        logger.warn('objects that the metadata log no longer needs could not be deleted', { key: keys[from], error: String(error) })
      }
    }
  }

  async close (): Promise<void> { await Promise.all(this.#leftOver) }

  get #generationsPrefix (): string { return `${this.#options.prefix}/generations/` }

  async #attempt (key: string, bytes: Uint8Array): Promise<void> {
    const { clock, metrics } = this.environment
    const late = (): Error => new StreambedError('TIMEOUT', `no answer to a put. key=${key}`)
    metrics.count('metadata_object_puts')
    await withDeadline({ clock, limitMs: this.#options.putTimeoutMs, late }, async signal => {
      const putting = this.#store.put(key, bytes, { ifAbsent: true, signal })
      const settled = putting.then(() => {}, () => {})
      this.#leftOver.add(settled)
      void settled.finally(() => this.#leftOver.delete(settled))
      await putting
    })
  }

  async #header (key: string, kind: ObjectHeader['kind'], position: number): Promise<ObjectHeader> {
    this.environment.metrics.count('metadata_object_gets')
    return decodeHeader(await this.#store.get(key, { range: { start: 0, end: headerBytes } }), { kind, position }, key, this.environment)
  }

  async #get (key: string): Promise<Uint8Array> {
    this.environment.metrics.count('metadata_object_gets')
    return await this.#store.get(key)
  }

  async #listed (startAfter: string | undefined): Promise<Listed> {
    const starts: number[] = []
    const marks: number[] = []
    const prefix = `${this.#root}/log/`
    await this.#list(prefix, startAfter, key => {
      if (key.startsWith(`${prefix}z`)) marks.push(parsed(key, `${prefix}z`))
      else starts.push(parsed(key, prefix))
    })
    return { starts, marks }
  }

  async #list (prefix: string, startAfter: string | undefined, onKey: (key: string) => void): Promise<void> {
    for (let after = startAfter; ;) {
      this.environment.metrics.count('metadata_object_lists')
      const page = await this.#store.list(prefix, { limit: pageKeysMax, ...after === undefined ? {} : { startAfter: after } })
      for (const { key } of page.objects) onKey(key)
      const last = page.objects.at(-1)
      if (page.isLast || last === undefined) return
      after = last.key
    }
  }
}

/** What stood there may have been removed meanwhile, and be put once more. */
function isOpen (error: unknown): boolean { return isPutOpen(error) || StreambedError.is(error, 'NOT_FOUND') }

function digits (position: number): string { return String(position).padStart(16, '0') }

function parsed (key: string, prefix: string): number {
  const text = key.slice(prefix.length)
  if (!/^\d{16}$/.test(text)) throw foreign(key)
  return Number(text)
}

function foreign (key: string): StreambedError {
  return new StreambedError('MISCONFIGURED', `something else than a metadata log lies under its prefix; give the log a prefix of its own. key=${key}`)
}
