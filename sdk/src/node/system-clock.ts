import type { Clock, Timer } from '../environment.ts'

/** The longest delay that setTimeout keeps; a longer one would fire at once. */
const delayMsMax = 2 ** 31 - 1

/** The clock of this machine. */
export class SystemClock implements Clock {
  monotonicMs (): number { return performance.now() }

  wallMs (): number { return Date.now() }

  schedule (delayMs: number, action: () => void): Timer {
    const dueMs = performance.now() + delayMs
    let handle: NodeJS.Timeout | undefined
    const arm = (remainingMs: number): void => {
      handle = setTimeout(fire, Math.min(Math.ceil(remainingMs), delayMsMax)).unref()
    }
    const fire = (): void => {
      // setTimeout counts whole milliseconds of the loop's own clock and may come a fraction early.
      const remainingMs = dueMs - performance.now()
      if (remainingMs > 0) arm(remainingMs)
      else action()
    }
    arm(delayMs)
    return { cancel: () => { clearTimeout(handle) } }
  }
}
