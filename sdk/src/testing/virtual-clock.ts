import type { Clock, Timer } from '../environment.ts'
import { nextTurn } from '../node/node-environment.ts'

interface PendingTimer { readonly dueMs: number, readonly action: () => void }

/** A clock that stands still until a test moves it. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #wallOffsetMs: number
  /** In the order in which they fire: by due time, and of one due time in the order of their scheduling. */
  readonly #pending: PendingTimer[] = []

  constructor (options: { readonly wallMs?: number } = {}) {
    this.#wallOffsetMs = options.wallMs ?? Date.UTC(2026, 0, 1)
  }

  monotonicMs (): number { return this.#nowMs }

  wallMs (): number { return Math.floor(this.#nowMs + this.#wallOffsetMs) }

  schedule (delayMs: number, action: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), action }
    this.#pending.splice(this.#placeOf(timer.dueMs), 0, timer)
    return {
      cancel: () => {
        const at = this.#pending.indexOf(timer)
        if (at >= 0) this.#pending.splice(at, 1)
      }
    }
  }

  /** Timers that have neither fired nor been cancelled. */
  get pendingCount (): number { return this.#pending.length }

  /** When the next timer fires, in monotonic milliseconds; Infinity without one. */
  get nextDueMs (): number { return this.#pending[0]?.dueMs ?? Infinity }

  /** Moves time by `byMs` and fires what falls due, each at its own time; also timers that those schedule. */
  advance (byMs: number): void {
    const untilMs = this.#nowMs + byMs
    while (this.nextDueMs <= untilMs) this.advanceToNext()
    this.#nowMs = untilMs
  }

  /** Moves time to the next timer and fires that one. False when there is none. */
  advanceToNext (): boolean {
    const next = this.#pending.shift()
    if (next === undefined) return false
    this.#nowMs = next.dueMs
    next.action()
    return true
  }

  /** As `advance`, but before each timer, and at the end, lets everything run that waits for promises alone. */
  async run (byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await nextTurn()
    while (this.nextDueMs <= untilMs) {
      this.advanceToNext()
      await nextTurn()
    }
    this.#nowMs = untilMs
  }

  /** Lets the wall clock jump, as an operator or a time service would. Timers and durations are not moved. */
  jumpWall (byMs: number): void { this.#wallOffsetMs += byMs }

  #placeOf (dueMs: number): number {
    let low = 0
    let high = this.#pending.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#pending[middle]!.dueMs <= dueMs) low = middle + 1
      else high = middle
    }
    return low
  }
}
