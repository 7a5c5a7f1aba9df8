import { StreambedError } from '../errors.ts'
import { withRetry, type RetryHost, type RetryOptions } from './retry.ts'

export interface SettledPut<T> {
  /** One attempt to put the object if there is none. */
  readonly put: (attempt: number) => Promise<unknown>
  /** Of what is there already: whether an earlier attempt of ours has put it, or whose it is. */
  readonly whose: () => Promise<'ours' | T>
}

/** Whether sending the same put again may still bring a definite answer. */
export function isPutOpen (error: unknown): error is StreambedError {
  return StreambedError.is(error, 'OUTCOME_UNKNOWN', 'TIMEOUT', 'UNAVAILABLE', 'THROTTLED', 'OUT_OF_SPACE', 'OVER_CAPACITY')
}

/**
 * Puts an object if there is none and finds out whose it is, whatever becomes of the answers: the same bytes are sent again after
 * a failure, and an object that is there already tells whether an earlier attempt has put it. Rejects as `withRetry`, with what
 * no repetition can change at once; the object may then be there or come to be there.
 */
export async function settledPut<T> ({ put, whose }: SettledPut<T>, host: RetryHost, options: RetryOptions, signal?: AbortSignal): Promise<'ours' | T> {
  return await withRetry(async attempt => {
    try {
      await put(attempt)
      return 'ours'
    } catch (error) {
      if (!StreambedError.is(error, 'ALREADY_EXISTS')) throw error
    }
    return await whose()
  }, host, { isWorthRepeating: isPutOpen, ...options }, signal)
}
