import { abortedError, throwIfAborted, type Clock } from '../environment.ts'
import { StreambedError } from '../errors.ts'

/** Rejected with by a call that got no answer in time. */
export class DeadlinePassed extends Error {}

/**
 * Runs `call` with a signal that aborts when the caller's does, or after `limitMs`. Rejects at that moment, with ABORTED
 * or `DeadlinePassed`, even if `call` takes no notice.
 */
export async function withDeadline<T> (clock: Clock, limitMs: number, callerSignal: AbortSignal | undefined, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  throwIfAborted(callerSignal)
  const controller = new AbortController()
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = (error: Error): void => {
    reject(error)
    controller.abort(error)
  }
  const onAbort = (): void => { end(abortedError(callerSignal)) }
  const timer = clock.schedule(limitMs, () => { end(new DeadlinePassed(`no answer within ${limitMs} ms`)) })
  callerSignal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([call(controller.signal), ended])
  } catch (error) {
    // The client's own error for a request that we ended says less than why we did.
    throw controller.signal.aborted && !StreambedError.is(error) ? controller.signal.reason : error
  } finally {
    timer.cancel()
    callerSignal?.removeEventListener('abort', onAbort)
  }
}
