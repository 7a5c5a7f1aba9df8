import { StreambedError, sleep, type Clock, type Random } from '@streambed/sdk'

export interface RetryOptions {
  readonly delayMsMin: number
  readonly delayMsMax: number
  /** From the first attempt; no further attempt begins after it. Infinity: until aborted. */
  readonly deadlineMs: number
}

/**
 * Repeats `attempt` while it fails with a retriable error, with exponential delays and full jitter. Rejects with the last
 * error at the deadline, with ABORTED when `signal` aborts, and with anything not retriable at once.
 */
export async function withRetry<T> (
  attempt: (number: number) => Promise<T>,
  host: { readonly clock: Clock, readonly random: Random },
  options: RetryOptions,
  signal?: AbortSignal
): Promise<T> {
  const startMs = host.clock.monotonicMs()
  for (let number = 1; ; number++) {
    try {
      return await attempt(number)
    } catch (error) {
      if (!StreambedError.is(error) || !error.retriable) throw error
      const delayMs = Math.min(options.delayMsMin * 2 ** Math.min(number - 1, 20), options.delayMsMax) * (0.5 + host.random.fraction() / 2)
      if (host.clock.monotonicMs() + delayMs - startMs > options.deadlineMs) throw error
      await sleep(host.clock, delayMs, signal === undefined ? {} : { signal })
    }
  }
}
