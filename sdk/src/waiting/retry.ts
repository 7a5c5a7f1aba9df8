import { sleep, type Clock, type Random } from '../environment.ts'
import { StreambedError } from '../errors.ts'

export interface RetryHost { readonly clock: Clock, readonly random: Random }

/** What became of one attempt, and when the next one begins. */
export interface FailedAttempt {
  /** The first is 1. */
  readonly attempt: number
  readonly error: unknown
  readonly delayMs: number
}

export interface RetryOptions {
  readonly delayMsMin: number
  readonly delayMsMax: number
  /** From the first attempt; no further attempt begins after it. Infinity: until aborted. */
  readonly deadlineMs: number
  /** No bound where it is left out. */
  readonly attemptsMax?: number
  /** Whether another attempt may fare better; errors that are `retriable` where it is left out. */
  readonly isWorthRepeating?: (error: unknown) => boolean
  /** Told before each further attempt. */
  readonly onFailed?: (failure: FailedAttempt) => void
}

function isRetriable (error: unknown): boolean { return StreambedError.is(error) && error.retriable }

/**
 * Repeats `attempt` while it fails with what is worth repeating, after delays that double from `delayMsMin` to `delayMsMax`, each cut
 * by up to a half at random. Rejects with the last error at the deadline or the last attempt, with ABORTED when `signal` aborts, and with anything
 * else at once.
 */
export async function withRetry<T> (attempt: (number: number) => Promise<T>, host: RetryHost, options: RetryOptions, signal?: AbortSignal): Promise<T> {
  const { attemptsMax = Infinity, deadlineMs, delayMsMax, delayMsMin, isWorthRepeating = isRetriable, onFailed } = options
  const startMs = host.clock.monotonicMs()
  for (let number = 1; ; number++) {
    try {
      return await attempt(number)
    } catch (error) {
      if (!isWorthRepeating(error) || number >= attemptsMax) throw error
      const delayMs = Math.min(delayMsMin * 2 ** Math.min(number - 1, 20), delayMsMax) * (0.5 + host.random.fraction() / 2)
      if (host.clock.monotonicMs() + delayMs - startMs > deadlineMs) throw error
      onFailed?.({ attempt: number, error, delayMs })
      await sleep(host.clock, delayMs, signal === undefined ? {} : { signal })
    }
  }
}
