import type { Clock, Timer } from '@streambed/sdk'

/** For a broker that serves to end in good order; while it opens there is nothing to finish. */
const graceMs = 3_000

/** How long a broker that is to stop still waits for stores that do not answer. */
export class Patience implements Disposable {
  readonly #clock: Clock
  readonly #stop: AbortSignal
  readonly #end = new AbortController()
  #isServing = false
  #timer: Timer | undefined

  constructor (clock: Clock, stop: AbortSignal) {
    this.#clock = clock
    this.#stop = stop
    stop.addEventListener('abort', this.#onStop, { once: true })
  }

  /** Aborts when it is at its end: no store is waited for any more. */
  get end (): AbortSignal { return this.#end.signal }

  /** From now on there is something to finish. */
  serves (): void { this.#isServing = true }

  [Symbol.dispose] (): void {
    this.#timer?.cancel()
    this.#stop.removeEventListener('abort', this.#onStop)
  }

  readonly #onStop = (): void => {
    if (this.#isServing) this.#timer = this.#clock.schedule(graceMs, () => { this.#end.abort() })
    else this.#end.abort()
  }
}
