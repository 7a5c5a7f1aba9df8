import { abortedError, throwIfAborted } from './environment.ts'
import { StreambedError } from './errors.ts'

/** The calls that a store works on: each has an owner here, also after its caller stopped waiting. */
export class CallsInFlight {
  readonly #pending = new Set<Promise<unknown>>()
  #isClosed = false

  /** Runs `call`; rejects with ABORTED as soon as `signal` aborts, while the call comes to its end alone. */
  async run<T> (signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StreambedError('CLOSED', 'the object store is closed')
    throwIfAborted(signal)
    const pending = call()
    const settled = pending.then(() => {}, () => {})
    this.#pending.add(settled)
    void settled.then(() => this.#pending.delete(settled))
    return signal === undefined ? await pending : await untilAborted(pending, signal)
  }

  /** Refuses further calls; resolves when those in flight have settled. */
  async close (): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#pending)
  }
}

async function untilAborted<T> (pending: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => { reject(abortedError(signal)) }
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([pending, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Applies `task` to each item, `width` at a time. Results in the order of the items. After a failure no further item is
 * begun, and it rejects once those that were have settled.
 */
export async function mapBounded<T, R> (items: readonly T[], width: number, task: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length)
  const failures: unknown[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const at = next++
      try {
        results[at] = await task(items[at]!)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}
