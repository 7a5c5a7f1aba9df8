import {
  StreambedError, withRetry, type CallOptions, type DeleteOutcome, type Environment, type ErrorCode, type Finding, type GetOptions, type ListOptions,
  type MultipartUpload, type ObjectBody, type ObjectInfo, type ObjectPage, type ObjectStore, type PutOptions, type RetryOptions, type StoredObject
} from '@streambed/sdk'
import { CallHealth } from './call-health.ts'

const readRetry: RetryOptions = { delayMsMin: 20, delayMsMax: 2_000, deadlineMs: 30_000 }
/** One bad answer proves no damage, a proxy may have cut it: what is the same at three looks in a row does. */
const proofRetry: RetryOptions = { delayMsMin: 20, delayMsMax: 100, deadlineMs: Infinity, attemptsMax: 3, isWorthRepeating: error => StreambedError.is(error, 'CORRUPT') }
/** UNSUPPORTED: of the object's format. */
const answersToReads: readonly ErrorCode[] = ['NOT_FOUND', 'OUT_OF_RANGE', 'INVALID_ARGUMENT', 'CORRUPT', 'UNSUPPORTED']
const answersToWrites: readonly ErrorCode[] = ['ALREADY_EXISTS', 'CONFLICT', 'INVALID_ARGUMENT']

export interface RetryingObjectStoreOptions {
  /** Of the store, for the log. */
  readonly name: string
  /** Aborted: no call is waited for any more. */
  readonly giveUp?: AbortSignal | undefined
}

/**
 * The one layer over a driver. Reads and deletes are repeated within a deadline. Writes pass through: only the caller knows
 * whether a repeated put is harmless. What a store refuses that has worked is UNAVAILABLE; see CallHealth. What a get says is
 * CORRUPT was so at three looks in a row.
 */
export class RetryingObjectStore implements ObjectStore {
  readonly #inner: ObjectStore
  readonly #environment: Environment
  readonly #giveUp: AbortSignal | undefined
  readonly #reads: CallHealth
  /** Apart from reads: a log that is looked at all the time would hide that nothing can be read. */
  readonly #heads: CallHealth
  readonly #listings: CallHealth
  readonly #writes: CallHealth
  readonly #deletes: CallHealth

  constructor (inner: ObjectStore, environment: Environment, { giveUp, name }: RetryingObjectStoreOptions) {
    this.#inner = inner
    this.#environment = environment
    this.#giveUp = giveUp
    const healthOf = (calls: string, answers: readonly ErrorCode[]): CallHealth => new CallHealth({ ...environment, fields: { store: name, calls }, answers })
    this.#reads = healthOf('reads', answersToReads)
    this.#heads = healthOf('heads', answersToReads)
    this.#listings = healthOf('listings', ['INVALID_ARGUMENT'])
    this.#writes = healthOf('writes', answersToWrites)
    this.#deletes = healthOf('deletes', ['INVALID_ARGUMENT'])
  }

  put (key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject> { return this.#once(options, given => this.#inner.put(key, body, given)) }
  get (key: string, options?: GetOptions): Promise<Uint8Array> { return this.#repeat(this.#reads, options, given => this.#proven(key, given)) }
  head (key: string, options?: CallOptions): Promise<ObjectInfo> { return this.#repeat(this.#heads, options, given => this.#inner.head(key, given)) }
  list (prefix: string, options?: ListOptions): Promise<ObjectPage> { return this.#repeat(this.#listings, options, given => this.#inner.list(prefix, given)) }

  /**
   * Keys that failed retriably are asked for again; the outcomes are those of the last attempt of each key. What is left is told in one
   * line a call and counted as `object_store_undeleted_objects`: those that delete go on without it, and nothing else would say that a bucket grows.
   */
  async delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]> {
    const outcomes = new Map<string, DeleteOutcome>()
    let pending = keys
    await this.#repeat(this.#deletes, options, async given => {
      for (const outcome of await this.#inner.delete(pending, given)) outcomes.set(outcome.key, outcome)
      const failed = pending.map(key => outcomes.get(key)!).filter(outcome => outcome.kind === 'failed')
      const retriable = failed.filter(outcome => StreambedError.is(outcome.error) && outcome.error.retriable)
      pending = retriable.map(outcome => outcome.key)
      if (retriable[0] !== undefined) throw retriable[0].error
    }).catch((error: unknown) => { if (outcomes.size < keys.length) throw error })
    const last = keys.map(key => outcomes.get(key)!)
    this.#tellUndeleted(last)
    return last
  }

  startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> { return this.#once(options, given => this.#inner.startMultipart(key, given)) }
  sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number> {
    return this.#repeat(this.#listings, options, given => this.#inner.sweepUploads(prefix, beforeMs, given))
  }

  preflight (options?: CallOptions): Promise<readonly Finding[]> { return this.#inner.preflight(options) }
  close (): Promise<void> { return this.#inner.close() }
  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  #proven (key: string, options: GetOptions | undefined): Promise<Uint8Array> {
    const { logger } = this.#environment
    return withRetry(() => this.#inner.get(key, options), this.#environment, {
      ...proofRetry,
      onFailed: ({ attempt, error }) => { logger.warn("an object's bytes are damaged, looking again", { key, look: attempt, error: String(error).slice(0, 500) }) }
    }, options?.signal)
  }

  #tellUndeleted (outcomes: readonly DeleteOutcome[]): void {
    const { logger, metrics } = this.#environment
    const failed = outcomes.filter(outcome => outcome.kind === 'failed')
    const [first] = failed
    if (first === undefined) return
    metrics.count('object_store_undeleted_objects', failed.length)
    logger.warn('objects could not be deleted, and stay', { asked: outcomes.length, failed: failed.length, key: first.key, error: String(first.error).slice(0, 500) })
  }

  #once<O extends CallOptions, T> (options: O | undefined, attempt: (options: O | undefined) => Promise<T>): Promise<T> {
    const given = this.#within(options)
    return this.#writes.watch(() => attempt(given))
  }

  #repeat<O extends CallOptions, T> (health: CallHealth, options: O | undefined, attempt: (options: O | undefined) => Promise<T>): Promise<T> {
    const given = this.#within(options)
    return withRetry(() => health.watch(() => attempt(given)), this.#environment, readRetry, given?.signal)
  }

  /** The caller's options, so that a call ends too when nobody waits for the store any more. */
  #within<O extends CallOptions> (options: O | undefined): O | undefined {
    if (this.#giveUp === undefined) return options
    const signal = options?.signal === undefined ? this.#giveUp : AbortSignal.any([options.signal, this.#giveUp])
    return { ...options, signal } as O
  }
}
