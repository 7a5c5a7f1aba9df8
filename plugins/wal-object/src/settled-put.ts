import { StreambedError, abortedError, sleep, throwIfAborted, type Timer } from '@streambed/sdk'
import { fenced, isWorthRepeating } from './errors.ts'
import { isSameToken, type SlotHeader } from './format.ts'
import type { Hedging } from './hedging.ts'
import type { LogStore } from './log-store.ts'
import type { ObjectWalOptions } from './options.ts'

/** Whose object is at a key after a put-if-absent of ours: the question is settled for good. */
export type Settled = { readonly kind: 'ours' } | { readonly kind: 'taken', readonly by: SlotHeader }

const retryDelayMsMin = 20
const retryDelayMsMax = 2_000

/**
 * Puts an object if there is none and finds out whose it is, whatever becomes of the answers: the same bytes are sent
 * again after a failure, and a second time when an answer is late; an object that is there already tells by its token
 * whether an earlier attempt of ours has put it.
 */
export class SettledPut {
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
   * there or come to be there. With FENCED when the object that was there is gone: only a later epoch trims what is not confirmed.
   */
  async put (key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Settled> {
    const { clock, logger, random } = this.#log.environment
    const deadlineMs = clock.monotonicMs() + this.#options.putDeadlineMs
    for (let attempt = 1; ; attempt++) {
      try {
        throwIfAborted(signal)
        return await this.#round(key, bytes, signal)
      } catch (error) {
        if (!isWorthRepeating(error)) throw error
        const delayMs = Math.min(retryDelayMsMin * 2 ** Math.min(attempt - 1, 10), retryDelayMsMax) * (0.5 + random.fraction() / 2)
        if (clock.monotonicMs() + delayMs > deadlineMs) throw error
        logger.debug('a put failed, sending it again', { key, attempt, code: error.code })
        await sleep(clock, delayMs, { signal })
      }
    }
  }

  /** Resolves once nothing that was given up is under way any more. */
  async close (): Promise<void> { await Promise.all(this.#leftOver) }

  /** One attempt, and a second one beside it when that is slow. The first definite answer counts. */
  async #round (key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Settled> {
    const { clock, metrics } = this.#log.environment
    const ending = new AbortController()
    const timers: Timer[] = []
    const settled = Promise.withResolvers<Settled>()
    const onAbort = (): void => { settled.reject(abortedError(signal)) }
    signal.addEventListener('abort', onAbort, { once: true })
    let running = 0
    const start = (): void => {
      running++
      const attempt = this.#attempt(key, bytes, ending.signal).then(settled.resolve, (error: unknown) => {
        running--
        // The other one may still bring the answer.
        if (running === 0 || !isWorthRepeating(error)) settled.reject(error)
      })
      this.#leftOver.add(attempt)
      void attempt.finally(() => this.#leftOver.delete(attempt))
    }
    this.#hedging.onPut()
    start()
    timers.push(clock.schedule(this.#options.putTimeoutMs, () => {
      settled.reject(new StreambedError('TIMEOUT', `no answer to a put. key=${key} timeoutMs=${this.#options.putTimeoutMs}`))
    }))
    timers.push(clock.schedule(this.#hedging.delayMs, () => {
      if (running === 0 || !this.#hedging.take()) return
      metrics.count('wal_object_hedges')
      start()
    }))
    try {
      return await settled.promise
    } finally {
      for (const timer of timers) timer.cancel()
      signal.removeEventListener('abort', onAbort)
      ending.abort()
    }
  }

  async #attempt (key: string, bytes: Uint8Array, signal: AbortSignal): Promise<Settled> {
    const { clock } = this.#log.environment
    const startMs = clock.monotonicMs()
    try {
      await this.#log.putIfAbsent(key, bytes, signal)
      this.#hedging.onAnswer(clock.monotonicMs() - startMs)
      return { kind: 'ours' }
    } catch (error) {
      if (!StreambedError.is(error, 'ALREADY_EXISTS')) throw error
    }
    return await this.#whoseIs(key, signal)
  }

  async #whoseIs (key: string, signal: AbortSignal): Promise<Settled> {
    const { token, writerEpoch } = this.#log.owner
    try {
      const header = await this.#log.header(key, signal)
      return isSameToken(header.token, token) ? { kind: 'ours' } : { kind: 'taken', by: header }
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND')) throw fenced(writerEpoch, writerEpoch + 1)
      throw error
    }
  }
}
