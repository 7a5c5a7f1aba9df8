import {
  StreambedError, type CallOptions, type DeleteOutcome, type Environment, type Finding, type GetOptions, type ListOptions,
  type MultipartUpload, type ObjectBody, type ObjectInfo, type ObjectPage, type ObjectStore, type PutOptions, type StoredObject
} from '@streambed/sdk'
import { withRetry, type RetryOptions } from './retry.ts'

const readRetry: RetryOptions = { delayMsMin: 20, delayMsMax: 2_000, deadlineMs: 30_000 }

type Host = Pick<Environment, 'clock' | 'random' | 'logger' | 'metrics'>

/**
 * The one retry layer over a driver: reads and deletes are repeated within a deadline. Writes pass through: only
 * the caller knows whether a repeated put is harmless.
 */
export class RetryingObjectStore implements ObjectStore {
  readonly #inner: ObjectStore
  readonly #host: Host

  constructor (inner: ObjectStore, host: Host) {
    this.#inner = inner
    this.#host = host
  }

  put (key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject> { return this.#inner.put(key, body, options) }
  get (key: string, options?: GetOptions): Promise<Uint8Array> { return this.#repeat(() => this.#inner.get(key, options), options) }
  head (key: string, options?: CallOptions): Promise<ObjectInfo> { return this.#repeat(() => this.#inner.head(key, options), options) }
  list (prefix: string, options?: ListOptions): Promise<ObjectPage> { return this.#repeat(() => this.#inner.list(prefix, options), options) }

  /**
   * Keys that failed retriably are asked for again; the outcomes are those of the last attempt of each key. What is left is told in one line a call and
   * counted as `object_store_undeleted_objects`: those that delete go on without it, and nothing else would say that a bucket grows.
   */
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
    const last = keys.map(key => outcomes.get(key)!)
    this.#tellUndeleted(last)
    return last
  }

  startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> { return this.#inner.startMultipart(key, options) }
  sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number> {
    return this.#repeat(() => this.#inner.sweepUploads(prefix, beforeMs, options), options)
  }

  preflight (options?: CallOptions): Promise<readonly Finding[]> { return this.#inner.preflight(options) }
  close (): Promise<void> { return this.#inner.close() }
  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  #tellUndeleted (outcomes: readonly DeleteOutcome[]): void {
    const failed = outcomes.filter(outcome => outcome.kind === 'failed')
    const [first] = failed
    if (first === undefined) return
    this.#host.metrics.count('object_store_undeleted_objects', failed.length)
    this.#host.logger.warn('objects could not be deleted, and stay', { asked: outcomes.length, failed: failed.length, key: first.key, error: String(first.error).slice(0, 500) })
  }

  #repeat<T> (attempt: () => Promise<T>, options: CallOptions | undefined): Promise<T> {
    return withRetry(attempt, this.#host, readRetry, options?.signal)
  }
}
