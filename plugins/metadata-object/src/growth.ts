import { StreambedError, abortedError, type Timer } from '@streambed/sdk'
import type { LogObjects } from './log-objects.ts'
import type { ObjectMetadataLogOptions } from './options.ts'

/** Every so many times it is also asked whether the place that is watched was forgotten. */
const pollsPerMarkCheck = 16

interface Waiter { readonly from: number, readonly settle: (error?: unknown) => void }

/** Those who wait for the log to grow. While there are any, the slot behind the end is asked for, ever more seldom. */
export class Growth {
  readonly #objects: LogObjects
  readonly #options: Pick<ObjectMetadataLogOptions, 'pollIntervalMsMin' | 'pollIntervalMsMax'>
  readonly #waiting = new Set<Waiter>()
  #end = 0
  #delayMs: number
  #pollCount = 0
  #timer: Timer | undefined
  #polling: Promise<void> | undefined

  constructor (objects: LogObjects, options: Pick<ObjectMetadataLogOptions, 'pollIntervalMsMin' | 'pollIntervalMsMax'>) {
    this.#objects = objects
    this.#options = options
    this.#delayMs = options.pollIntervalMsMin
  }

  wait (from: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) { reject(abortedError(signal)); return }
      const onAbort = (): void => { waiter.settle(abortedError(signal)) }
      const waiter: Waiter = {
        from,
        settle: error => {
          this.#waiting.delete(waiter)
          signal.removeEventListener('abort', onAbort)
          if (this.#waiting.size === 0) this.#stop()
          if (error === undefined) resolve()
          else reject(error)
        }
      }
      this.#waiting.add(waiter)
      signal.addEventListener('abort', onAbort)
      this.#schedule()
    })
  }

  /** The log is known to reach up to `end`. */
  grewTo (end: number): void {
    if (end > this.#end) this.#delayMs = this.#options.pollIntervalMsMin
    this.#end = end
    for (const waiter of [...this.#waiting]) if (waiter.from < end) waiter.settle()
  }

  /** Ends all waits with `error`; resolves once nothing is under way. */
  async close (error: StreambedError): Promise<void> {
    this.#wake(error)
    await this.#polling
  }

  #wake (error?: unknown): void { for (const waiter of [...this.#waiting]) waiter.settle(error) }

  #stop (): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule (): void {
    if (this.#timer !== undefined || this.#polling !== undefined || this.#waiting.size === 0) return
    this.#timer = this.#objects.environment.clock.schedule(this.#delayMs, () => {
      this.#timer = undefined
      this.#polling = this.#poll().finally(() => {
        this.#polling = undefined
        this.#schedule()
      })
    })
  }

  async #poll (): Promise<void> {
    const end = this.#end
    this.#delayMs = Math.min(this.#delayMs * 2, this.#options.pollIntervalMsMax)
    try {
      // A slot that was forgotten before we saw it would be waited for in vain.
      const isForgotten = ++this.#pollCount % pollsPerMarkCheck === 0 && (await this.#objects.marksAbove(end)).length > 0
      if (isForgotten || await this.#objects.hasSlot(end)) this.#wake()
    } catch (error) {
      if (!StreambedError.is(error) || !error.retriable) this.#wake(error)
    }
  }
}
