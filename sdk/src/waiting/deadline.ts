import { abortedError, throwIfAborted, type Clock, type Timer } from '../environment.ts'
import { StreambedError } from '../errors.ts'

/** Rejected with by a call that got no answer in time, where `late` says nothing else. */
export class DeadlinePassed extends Error {}

export interface Deadline {
  readonly clock: Clock
  readonly limitMs: number
  /** The caller's, who may stop waiting before. */
  readonly signal?: AbortSignal | undefined
  /** Called once the time is up; gives what the call rejects with. */
  readonly late?: () => Error
}

/**
 * Runs `call` with a signal that aborts when the caller's does, or after `limitMs`. Rejects at that moment, with ABORTED
 * or what `late` gives, even if `call` takes no notice. `extend` gives it more time, as what it does gets on.
 */
export async function withDeadline<T> ({ clock, late, limitMs, signal }: Deadline, call: (signal: AbortSignal, extend: (ms: number) => void) => Promise<T>): Promise<T> {
  throwIfAborted(signal)
  const controller = new AbortController()
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = (error: Error): void => {
    reject(error)
    controller.abort(error)
  }
  const onAbort = (): void => { end(abortedError(signal)) }
  let dueMs = clock.monotonicMs() + limitMs
  const arm = (delayMs: number): Timer => clock.schedule(delayMs, () => {
    const leftMs = dueMs - clock.monotonicMs()
    if (leftMs > 0) timer = arm(leftMs)
    else end(late?.() ?? new DeadlinePassed(`no answer within ${limitMs} ms`))
  })
  let timer = arm(limitMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([call(controller.signal, ms => { dueMs += ms }), ended])
  } catch (error) {
    // The client's own error for a request that we ended says less than why we did.
    throw controller.signal.aborted && !StreambedError.is(error) ? controller.signal.reason : error
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
