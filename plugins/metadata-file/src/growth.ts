import { StreambedError, abortedError } from '@streambed/sdk'

/** Those who wait for the log to grow. */
export class Growth {
  readonly #waiting = new Set<{ readonly from: number, readonly settle: (error?: StreambedError) => void }>()

  wait (from: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) { reject(abortedError(signal)); return }
      const onAbort = (): void => { waiter.settle(abortedError(signal)) }
      const waiter = {
        from,
        settle: (error?: StreambedError) => {
          this.#waiting.delete(waiter)
          signal.removeEventListener('abort', onAbort)
          if (error === undefined) resolve()
          else reject(error)
        }
      }
      this.#waiting.add(waiter)
      signal.addEventListener('abort', onAbort)
    })
  }

  grewTo (end: number): void {
    for (const waiter of [...this.#waiting]) if (waiter.from < end) waiter.settle()
  }

  fail (error: StreambedError): void {
    for (const waiter of [...this.#waiting]) waiter.settle(error)
  }
}
