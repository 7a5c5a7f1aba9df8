import { StreambedError, sleep, withRetry, type Environment, type MetadataLog, type RetryOptions } from '@streambed/sdk'
import { ofMedium } from '../storage/object-store/of-medium.ts'
import { ClusterImage } from './image.ts'
import { decodeEntry, encodeEntry, type MetadataEntry, type MetadataRecord } from './records.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'

/**
 * Decides a change against a state: gives the records that make it, and what to tell the caller. `position` is that of the
 * entry which the records would be. Throws a StreambedError to refuse. Called again, against a newer state, whenever the change
 * loses a race; so it has no effects.
 */
export type Change<T> = (image: ClusterImage, position: number) => { readonly records: readonly MetadataRecord[], readonly result: T }

interface Proposal {
  readonly change: Change<unknown>
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

export interface MetadataOptions {
  readonly log: MetadataLog
  readonly environment: Environment
  /** A snapshot is written after this many entries since the last. */
  readonly snapshotEveryEntries: number
  /** Aborted: what cannot be read is not asked for again; an append in doubt stays so. */
  readonly giveUp?: AbortSignal | undefined
}

const attemptsMax = 100
const readRetry: RetryOptions = { delayMsMin: 20, delayMsMax: 1_000, deadlineMs: 30_000 }
/** What became of an append must be known before anything else is decided. */
const untilKnown: RetryOptions = { delayMsMin: 20, delayMsMax: 1_000, deadlineMs: Infinity }
/** One bad answer of what the log lives in proves no damage: what is the same at each look does. */
const untilProven: RetryOptions = { delayMsMin: 20, delayMsMax: 100, deadlineMs: Infinity, attemptsMax: 3, isWorthRepeating: error => StreambedError.is(error, 'CORRUPT') }
/** After a failed wait for what others append. */
const followDelayMs = 100

/**
 * The node's copy of the cluster state, and its way to change it. The image is a view of the log up to `end`; changes
 * are validated against it, appended by compare-and-append, and applied once durable. All that wait together share one
 * append.
 */
export class Metadata implements AsyncDisposable {
  readonly #log: MetadataLog
  readonly #environment: Environment
  readonly #options: MetadataOptions
  readonly #proposer: string
  readonly #stop = new AbortController()
  /** Aborts when the log is asked again no more. */
  readonly #patience: AbortSignal
  readonly #failed = Promise.withResolvers<unknown>()
  readonly #listeners = new Set<() => void>()
  #image: ClusterImage
  #end: number
  #sequence = 0
  #queue: Proposal[] = []
  #work: Promise<void> = Promise.resolve()
  #snapshotAt: number
  #snapshotting: Promise<void> | undefined
  #following: Promise<void> = Promise.resolve()
  #failure: unknown
  #check: (image: ClusterImage) => void = () => undefined

  private constructor (options: MetadataOptions, image: ClusterImage, at: number) {
    this.#options = options
    this.#patience = options.giveUp === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, options.giveUp])
    this.#log = options.log
    this.#environment = options.environment
    this.#proposer = Buffer.from(options.environment.random.bytes(12)).toString('base64url')
    this.#image = image
    this.#end = at
    this.#snapshotAt = at
  }

  /** Loads the newest snapshot and the entries after it. The caller still owns the log. */
  static async open (options: MetadataOptions): Promise<Metadata> {
    const snapshot = await withRetry(() => options.log.latestSnapshot(), options.environment, untilProven, options.giveUp)
    const image = snapshot === undefined ? new ClusterImage() : decodeSnapshot(snapshot.state)
    const metadata = new Metadata(options, image, snapshot?.at ?? 0)
    await metadata.#catchUp()
    metadata.#following = metadata.#follow()
    return metadata
  }

  /** The newest known state; read synchronously, it is consistent. */
  get image (): ClusterImage { return this.#image }
  /** The log position up to which `image` holds. */
  get end (): number { return this.#end }
  /** Resolves with the error after which this copy no longer follows the log. */
  get failed (): Promise<unknown> { return this.#failed.promise }

  /** Resolves once `image` holds all that was in the log when this was called. Rejects as a proposal. */
  refresh (): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const caughtUp = this.#work.then(() => this.#readAgain(() => this.#catchUp()))
    this.#work = caughtUp.catch((error: unknown) => { this.#failIfFinal(error) })
    return caughtUp
  }

  /** Calls `listener` after the image has changed; gives a function that ends it. */
  onChange (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * From now on every proposal is refused with what `check` throws, which is held against the state that the proposal would change:
   * a process that was overtaken carries out nothing that it was asked for before.
   */
  proposeOnlyWhile (check: (image: ClusterImage) => void): void { this.#check = check }

  /** Resolves with the change's result once its records are durable and in `image`; rejects with what it throws. */
  propose<T> (change: Change<T>): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ change, resolve, reject })
      if (this.#queue.length === 1) this.#work = this.#work.then(() => this.#appendQueued())
    })
  }

  /** Idempotent. Settles proposals in flight, refuses further ones. */
  async close (): Promise<void> {
    this.#failure ??= new StreambedError('CLOSED', 'metadata is closed')
    this.#stop.abort()
    await this.#work
    await this.#following
    await this.#snapshotting
  }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  async #appendQueued (): Promise<void> {
    const proposals = this.#queue
    this.#queue = []
    for (let attempt = 1; ; attempt++) {
      const { accepted, entries, commit } = this.#decide(proposals)
      try {
        if (entries.length > 0) await this.#append(entries)
      } catch (error) {
        let reason = error
        if (StreambedError.is(error, 'CONFLICT') && attempt < attemptsMax) {
          try {
            await this.#readAgain(() => this.#catchUp())
            continue
          } catch (cause) {
            reason = cause
          }
        }
        this.#failIfFinal(reason)
        for (const { reject } of proposals) reject(StreambedError.is(reason, 'CONFLICT') ? reason : ofMedium('the metadata log failed', reason))
        return
      }
      commit()
      this.#end += entries.length
      for (const settle of accepted) settle()
      this.#changed(entries.length)
      return
    }
  }

  /** Validates the proposals one after another, each against what those before it make of the image. */
  #decide (proposals: readonly Proposal[]): { readonly accepted: (() => void)[], readonly entries: readonly MetadataEntry[], readonly commit: () => void } {
    const { image, commit } = this.#image.fork()
    const accepted: (() => void)[] = []
    const entries: MetadataEntry[] = []
    for (const { change, resolve, reject } of proposals) {
      const layer = image.fork()
      try {
        const position = this.#end + entries.length
        this.#check(layer.image)
        const { records, result } = change(layer.image, position)
        for (const record of records) layer.image.apply(record, position)
        layer.commit()
        if (records.length > 0) entries.push({ proposer: this.#proposer, sequence: this.#sequence++, records })
        accepted.push(() => resolve(result as never))
      } catch (error) {
        accepted.push(() => reject(error))
      }
    }
    return { accepted, entries, commit }
  }

  /**
   * Appends at the end; CONFLICT when another's entries are there. A lost answer is decided by reading back, for as long as it
   * takes: told as failed, the change might be applied all the same. Closing leaves it undecided, as OUTCOME_UNKNOWN.
   */
  async #append (entries: readonly MetadataEntry[]): Promise<void> {
    try {
      await this.#log.append(this.#end, entries.map(encodeEntry))
    } catch (error) {
      if (!StreambedError.is(error, 'OUTCOME_UNKNOWN')) throw error
      this.#environment.logger.warn('an append to the metadata log has no known outcome: reading until it is known', { position: this.#end, error: error.message })
      const page = await withRetry(() => this.#log.read(this.#end), this.#environment, untilKnown, this.#patience)
        .catch((cause: unknown) => { throw StreambedError.is(cause, 'ABORTED') ? error : cause })
      const [first] = page.entries
      if (first === undefined) throw new StreambedError('UNAVAILABLE', 'metadata append did not happen', { cause: error })
      const found = decodeEntry(first, this.#end)
      if (found.proposer !== this.#proposer || found.sequence !== entries[0]!.sequence) throw new StreambedError('CONFLICT', 'another proposal was first', { cause: error })
    }
  }

  /** Applies what others have appended. */
  async #catchUp (): Promise<void> {
    for (;;) {
      const before = this.#end
      let page
      try {
        page = await this.#proven(() => this.#log.read(this.#end))
      } catch (error) {
        if (!StreambedError.is(error, 'OUT_OF_RANGE')) throw error
        await this.#loadSnapshot(error)
        continue
      }
      try {
        for (const entry of page.entries) {
          this.#applyDurable(decodeEntry(entry, this.#end))
          this.#end++
        }
      } finally {
        this.#changed(this.#end - before)
      }
      if (this.#end >= page.end) return
    }
  }

  /** Whole or not at all. What is durable and does not apply contradicts all that this program knows: it must not go on. */
  #applyDurable ({ records }: MetadataEntry): void {
    const { image, commit } = this.#image.fork()
    try {
      for (const record of records) image.apply(record, this.#end)
    } catch (cause) {
      throw new StreambedError('CORRUPT', `an entry of the metadata log contradicts those before it. position=${this.#end}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
    commit()
  }

  /** The log no longer has what comes next: the snapshot that replaced it does. */
  async #loadSnapshot (cause: unknown): Promise<void> {
    const snapshot = await this.#proven(() => this.#log.latestSnapshot())
    if (snapshot === undefined || snapshot.at <= this.#end) throw new StreambedError('CORRUPT', `metadata log lacks entries that no snapshot holds. position=${this.#end}`, { cause })
    this.#image = decodeSnapshot(snapshot.state)
    const skipped = snapshot.at - this.#end
    this.#end = snapshot.at
    this.#snapshotAt = snapshot.at
    this.#changed(skipped)
  }

  /** Follows what other nodes append, until closed. Shares the one queue of work with proposals. */
  async #follow (): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#log.waitForGrowth(this.#end, { signal: this.#stop.signal })
        const caughtUp = this.#work.then(() => this.#catchUp())
        this.#work = caughtUp.catch(() => undefined)
        await caughtUp
      } catch (error) {
        if (this.#stop.signal.aborted || this.#failIfFinal(error)) return
        await sleep(this.#environment.clock, followDelayMs, { signal: this.#stop.signal }).catch(() => undefined)
      }
    }
  }

  /** What must be known before anything else is decided: asked for until it is. */
  #readAgain<T> (read: () => Promise<T>): Promise<T> { return withRetry(read, this.#environment, readRetry, this.#patience) }

  #proven<T> (read: () => Promise<T>): Promise<T> { return withRetry(read, this.#environment, untilProven, this.#patience) }

  /** True when the log cannot be followed any more: it must be opened again, or holds what this program cannot apply. */
  #failIfFinal (error: unknown): boolean {
    const isFinal = !StreambedError.is(error) || StreambedError.is(error, 'CLOSED', 'CORRUPT', 'UNSUPPORTED', 'INTERNAL')
    if (isFinal) this.#fail(error)
    return isFinal
  }

  #changed (entryCount: number): void {
    if (entryCount === 0) return
    for (const listener of this.#listeners) listener()
    if (this.#end - this.#snapshotAt < this.#options.snapshotEveryEntries || this.#snapshotting !== undefined) return
    this.#snapshotting = this.#writeSnapshot().catch((error: unknown) => {
      this.#environment.logger.warn('writing a metadata snapshot failed, trying again later', { error: String(error) })
    }).finally(() => { this.#snapshotting = undefined })
  }

  async #writeSnapshot (): Promise<void> {
    const at = this.#end
    const bytes = await encodeSnapshot(this.#image, this.#environment)
    await this.#log.writeSnapshot(at, bytes)
    this.#snapshotAt = at
    await this.#log.truncateBefore(at)
  }

  #fail (error: unknown): void {
    this.#failure ??= error
    this.#failed.resolve(error)
  }
}
