import {
  StreambedError, withRetry, type CallOptions, type DeleteOutcome, type Finding, type GetOptions, type ListOptions,
  type MultipartUpload, type ObjectBody, type ObjectInfo, type ObjectPage, type ObjectStore, type PutOptions, type RetryHost, type RetryOptions,
  type StoredObject
} from '@streambed/sdk'

const readRetry: RetryOptions = { delayMsMin: 20, delayMsMax: 2_000, deadlineMs: 30_000 }

/**
 * The one retry layer over a driver: reads and deletes are repeated within a deadline. Writes pass through: only
 * the caller knows whether a repeated put is harmless.
 */
export class RetryingObjectStore implements ObjectStore {
  readonly #inner: ObjectStore
  readonly #host: RetryHost

  constructor (inner: ObjectStore, host: RetryHost) {
    this.#inner = inner
    this.#host = host
  }

  put (key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject> { return this.#inner.put(key, body, options) }
  get (key: string, options?: GetOptions): Promise<Uint8Array> { return this.#repeat(() => this.#inner.get(key, options), options) }
  head (key: string, options?: CallOptions): Promise<ObjectInfo> { return this.#repeat(() => this.#inner.head(key, options), options) }
  list (prefix: string, options?: ListOptions): Promise<ObjectPage> { return this.#repeat(() => this.#inner.list(prefix, options), options) }

  /** Keys that failed retriably are asked for again; the outcomes are those of the last attempt of each key. */
  async delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]> {
    const outcomes = new Map<string, DeleteOutcome>()
    let pending = keys
    await this.#repeat(async () => {
      for (const outcome of await this.#inner.delete(pending, options)) outcomes.set(outcome.key, outcome)
      const failed = pending.map(key => outcomes.get(key)!).filter(outcome => outcome.kind === 'failed')
      const retriable = failed.filter(outcome => StreambedError.is(outcome.error) && outcome.error.retriable)
      pending = retriable.map(outcome => outcome.key)
      if (retriable[0] !== undefined) throw retriable[0].error
    }, options).catch((error: unknown) => { if (outcomes.size < keys.length) throw error })
    return keys.map(key => outcomes.get(key)!)
  }

  startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> { return this.#inner.startMultipart(key, options) }
  sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number> {
    return this.#repeat(() => this.#inner.sweepUploads(prefix, beforeMs, options), options)
  }

  preflight (options?: CallOptions): Promise<readonly Finding[]> { return this.#inner.preflight(options) }
  close (): Promise<void> { return this.#inner.close() }
  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  #repeat<T> (attempt: () => Promise<T>, options: CallOptions | undefined): Promise<T> {
    return withRetry(attempt, this.#host, readRetry, options?.signal)
  }
}
