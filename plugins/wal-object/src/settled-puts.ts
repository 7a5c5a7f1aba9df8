import { StreambedError, isPutOpen, settledPut, withDeadline, type Timer } from '@streambed/sdk'
import { fenced } from './errors.ts'
import { isSameToken, type SlotHeader } from './format.ts'
import type { Hedging } from './hedging.ts'
import type { LogStore } from './log-store.ts'
import type { ObjectWalOptions } from './options.ts'

/** Whose object is at a key after a put-if-absent of ours: the question is settled for good. */
export type Settled = 'ours' | SlotHeader

const retry = { delayMsMin: 20, delayMsMax: 2_000 }

/** Puts of a log's objects, each until it is settled whose the object is; a put whose answer is late is sent a second time. */
export class SettledPuts {
  readonly #log: LogStore
  readonly #hedging: Hedging
  readonly #options: ObjectWalOptions
  /** Attempts that were given up and have not settled yet. */
  readonly #leftOver = new Set<Promise<unknown>>()

  constructor (log: LogStore, hedging: Hedging, options: ObjectWalOptions) {
    this.#log = log
    this.#hedging = hedging
    this.#options = options
  }

  /**
   * Rejects with the last failure at the deadline, and at once with what no repetition can change; the object may then be
   * there or come to be there. With FENCED when the object that was there is gone, and a later epoch is claimed: only such a one trims what
   * is not confirmed.
   */
  async put (key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Settled> {
    const { clock, logger } = this.#log.environment
    const { putDeadlineMs, putTimeoutMs } = this.#options
    const limited = <T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> => {
      const late = (): Error => new StreambedError('TIMEOUT', `no answer to a put. key=${key} timeoutMs=${putTimeoutMs}`)
      return withDeadline({ clock, limitMs: putTimeoutMs, signal, late }, call)
    }
    return await settledPut<SlotHeader>({
      put: () => limited(ending => this.#hedged(key, bytes, ending)),
      whose: () => limited(ending => this.#whose(key, ending))
    }, this.#log.environment, {
      ...retry,
      deadlineMs: putDeadlineMs,
      onFailed: ({ attempt, error }) => { logger.debug('a put failed, sending it again', { key, attempt, error: String(error) }) }
    }, signal)
  }

  /** Resolves once nothing that was given up is under way any more. */
  async close (): Promise<void> { await Promise.all(this.#leftOver) }

  /** A put, and a second one beside it when that is slow. The first definite answer counts. */
  async #hedged (key: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#log.environment
    const ending = new AbortController()
    const answered = Promise.withResolvers<void>()
    let running = 0
    const start = (): void => {
      running++
      const attempt = this.#attempt(key, bytes, AbortSignal.any([signal, ending.signal])).then(answered.resolve, (error: unknown) => {
        running--
        // The other one may still bring the answer.
        if (running === 0 || !isPutOpen(error)) answered.reject(error)
      })
      this.#leftOver.add(attempt)
      void attempt.finally(() => this.#leftOver.delete(attempt))
    }
    this.#hedging.onPut()
    start()
    const hedge: Timer = clock.schedule(this.#hedging.delayMs, () => {
      if (running === 0 || signal.aborted || !this.#hedging.take()) return
      metrics.count('wal_object_hedges')
      start()
    })
    try {
      await answered.promise
    } finally {
      hedge.cancel()
      ending.abort()
    }
  }

  async #attempt (key: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const { clock } = this.#log.environment
    const startMs = clock.monotonicMs()
    await this.#log.putIfAbsent(key, bytes, signal)
    this.#hedging.onAnswer(clock.monotonicMs() - startMs)
  }

  async #whose (key: string, signal: AbortSignal): Promise<Settled> {
    const { token, writerEpoch } = this.#log.owner
    try {
      const header = await this.#log.header(key, signal)
      return isSameToken(header.token, token) ? 'ours' : header
    } catch (error) {
      if (!StreambedError.is(error, 'NOT_FOUND')) throw error
      // One answer that it is not there proves nothing: the claim of who trimmed it is.
      const highest = (await this.#log.claims(writerEpoch)).at(-1)
      if (highest !== undefined) throw fenced(writerEpoch, highest)
      throw new StreambedError('UNAVAILABLE', `the store calls an object taken and missing, and no later epoch could have trimmed it. key=${key}`, { cause: error })
    }
  }
}
