import { StreambedError, type Clock, type ErrorCode, type Logger } from '@streambed/sdk'

/** What a store may refuse at first for good, and once it has worked only for a time: credentials rotate, a proxy answers, an operator mends. */
const refusals: readonly ErrorCode[] = ['PERMISSION_DENIED', 'MISCONFIGURED', 'UNSUPPORTED', 'NOT_FOUND']
/** Say nothing of the store: the caller gave up, or the store is being closed. */
const ends: readonly ErrorCode[] = ['ABORTED', 'CLOSED']
/** A shorter outage is not worth a line. */
const toldAfterMs = 1_000
const toldEveryMs = 30_000

export interface CallHealthParts {
  readonly clock: Clock
  readonly logger: Logger
  /** The store and the kind of its calls, as the log names them. */
  readonly fields: { readonly store: string, readonly calls: string }
  /** Errors by which the store answers calls of this kind. */
  readonly answers: readonly ErrorCode[]
}

/**
 * Whether calls of one kind work, and since when they do not. What is refused that has worked before is an outage like any other:
 * UNAVAILABLE, which callers wait out; the log says what it is and since when, and when it is over.
 */
export class CallHealth {
  readonly #parts: CallHealthParts
  #hasWorked = false
  #outage: { readonly sinceMs: number, count: number, toldMs: number | undefined } | undefined

  constructor (parts: CallHealthParts) { this.#parts = parts }

  /** Makes a call, and notes what comes of it. */
  async watch<T> (call: () => Promise<T>): Promise<T> {
    try {
      const result = await call()
      this.#onAnswer()
      return result
    } catch (error) {
      throw this.#onFailure(error)
    }
  }

  #onAnswer (): void {
    const { clock, fields, logger } = this.#parts
    this.#hasWorked = true
    if (this.#outage?.toldMs !== undefined) {
      logger.info('the object store can be used again', { ...fields, afterMs: Math.round(clock.monotonicMs() - this.#outage.sinceMs), failures: this.#outage.count })
    }
    this.#outage = undefined
  }

  #onFailure (error: unknown): unknown {
    if (!StreambedError.is(error)) return error
    if (ends.includes(error.code)) return error
    if (this.#parts.answers.includes(error.code)) {
      this.#onAnswer()
      return error
    }
    this.#note(error)
    if (!this.#hasWorked || !refusals.includes(error.code)) return error
    return new StreambedError('UNAVAILABLE', `the object store refuses what it has done before. ${error.message}`, { cause: error })
  }

  #note (error: StreambedError): void {
    const { clock, fields, logger } = this.#parts
    const nowMs = clock.monotonicMs()
    this.#outage ??= { sinceMs: nowMs, count: 0, toldMs: undefined }
    const outage = this.#outage
    outage.count++
    const isDue = outage.toldMs === undefined ? refusals.includes(error.code) || nowMs - outage.sinceMs >= toldAfterMs : nowMs - outage.toldMs >= toldEveryMs
    if (!isDue) return
    outage.toldMs = nowMs
    logger.warn('the object store cannot be used now, trying again', { ...fields, sinceMs: Math.round(nowMs - outage.sinceMs), failures: outage.count, code: error.code, error: error.message })
  }
}
