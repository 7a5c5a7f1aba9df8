import { StreambedError, type Clock } from '@streambed/sdk'
import { ofMedium } from '../object-store/of-medium.ts'

/** Reads that must agree before an object is called damaged. */
const readsToProve = 3
/** For how long an object must be missing, at every look, before it is called lost: proxies and exchanged buckets answer like that too. */
const missingMs = 60_000
const missingMax = 10_000

/**
 * Tells damage from a bad answer: what looks damaged is read again from the store, past all caches, and only what looks so
 * each time is CORRUPT. All else that a store says of an object that must be there is UNAVAILABLE: it may pass.
 */
export class Suspicions {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** Since when each missing object was met missing, in monotonic ms; oldest first. */
  readonly #missingSince = new Map<string, number>()

  constructor (clock: Pick<Clock, 'monotonicMs'>) { this.#clock = clock }

  isSuspicious (error: unknown): boolean { return StreambedError.is(error, 'CORRUPT', 'NOT_FOUND', 'OUT_OF_RANGE') }

  /** What `read` gives, which asks the store anew at each call. Rejects with CORRUPT where that is proven. */
  async proven<T> (where: string, read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const found = await read()
        this.#missingSince.delete(where)
        return found
      } catch (error) {
        if (!this.isSuspicious(error)) throw ofMedium(`object cannot be read. ${where}`, error)
        if (attempt === readsToProve) throw this.#verdict(where, error as StreambedError)
      }
    }
  }

  #verdict (where: string, error: StreambedError): StreambedError {
    if (error.code === 'CORRUPT') return error
    // The object ends before what the catalog says that it holds, and says so each time.
    if (error.code === 'OUT_OF_RANGE') return new StreambedError('CORRUPT', `object is shorter than its catalog entry. ${where}`, { cause: error })
    const nowMs = this.#clock.monotonicMs()
    const sinceMs = this.#missingSince.get(where) ?? nowMs
    if (this.#missingSince.size >= missingMax) this.#missingSince.delete(this.#missingSince.keys().next().value!)
    this.#missingSince.set(where, sinceMs)
    return nowMs - sinceMs >= missingMs
      ? new StreambedError('CORRUPT', `object is missing. ${where}`, { cause: error })
      : new StreambedError('UNAVAILABLE', `object is not there, or not now. ${where}`, { cause: error })
  }
}
