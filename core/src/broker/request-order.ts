import { areas, effectsOf, type Area, type Effects } from './request-effects.ts'

/** Effects as bits, one an area. */
interface EffectBits { reads: number, appends: number, changes: number }

/** What a request that was started tells of itself. */
export interface Turn {
  /** It is answered, or all that is left of it is to wait for others. Again, it does nothing. */
  readonly tookEffect: () => void
  /** It hangs up: nothing that came behind it, or will come, is started any more. */
  readonly hangsUp: () => void
}

interface Ordered extends Readonly<EffectBits> {
  readonly number: number
  readonly start: (turn: Turn) => void
  isStarted: boolean
}

const nothing: Readonly<EffectBits> = Object.freeze({ reads: 0, appends: 0, changes: 0 })
const bitsOf = new Map(Object.entries(effectsOf).map(([apiKey, effects]) => [Number(apiKey), toBits(effects)]))

/**
 * Starts the requests of one connection in an order in which none sees, or misses, what Kafka, which serves them one after the
 * other, would show it: a request begins once every earlier one that it conflicts with has taken effect. Two conflict where one
 * changes or appends to what the other reads or changes; appends to the same do not. It holds no more than it is given.
 */
export class RequestOrder {
  /** What has not taken effect yet, in order of arrival. */
  readonly #requests: Ordered[] = []
  /** Effects of all of them, and perhaps of some that have gone: what meets none of these need not be compared with each. */
  readonly #atMost: EffectBits = { reads: 0, appends: 0, changes: 0 }
  #nextNumber = 0
  #waitingCount = 0
  #isStarting = false
  /** Requests from this number on are not started. */
  #endsAt = Infinity

  /**
   * Calls `start` at once, or when the request's turn comes; it must not throw. A key that is not known conflicts with nothing:
   * such a request is not served.
   */
  add (apiKey: number, start: (turn: Turn) => void): void {
    const number = this.#nextNumber++
    if (number >= this.#endsAt) return
    const { appends, changes, reads } = bitsOf.get(apiKey) ?? nothing
    const request: Ordered = { number, reads, appends, changes, start, isStarted: false }
    const isFree = !this.#isStarting && this.#isFree(request)
    this.#requests.push(request)
    include(this.#atMost, request)
    if (isFree) this.#start(request)
    else this.#waitingCount++
  }

  /** Starts nothing more. */
  end (): void { this.#endAt(0) }

  /** Forgets what waits from `number` on; what comes later has a higher one. */
  #endAt (number: number): void {
    this.#endsAt = Math.min(this.#endsAt, number)
    for (let at = this.#requests.length - 1; at >= 0 && this.#requests[at]!.number >= number; at--) {
      if (this.#requests[at]!.isStarted) continue
      this.#requests.splice(at, 1)
      this.#waitingCount--
    }
  }

  #settle (request: Ordered): void {
    const at = this.#requests.indexOf(request)
    if (at < 0) return
    if (at === 0) this.#requests.shift()
    else this.#requests.splice(at, 1)
    this.#startReady()
  }

  #startReady (): void {
    // A request may take effect while it starts: those behind it still begin in order.
    if (this.#isStarting) return
    this.#isStarting = true
    for (let ready = this.#nextReady(); ready !== undefined; ready = this.#nextReady()) {
      this.#waitingCount--
      this.#start(ready)
    }
    this.#isStarting = false
  }

  #start (request: Ordered): void {
    request.isStarted = true
    request.start({ tookEffect: () => this.#settle(request), hangsUp: () => this.#endAt(request.number + 1) })
  }

  /** Whether a request that comes now meets none before it. */
  #isFree (request: Ordered): boolean {
    if (!conflicts(this.#atMost, request)) return true
    this.#atMost.reads = this.#atMost.appends = this.#atMost.changes = 0
    for (const before of this.#requests) include(this.#atMost, before)
    return !conflicts(this.#atMost, request)
  }

  #nextReady (): Ordered | undefined {
    if (this.#waitingCount === 0) return undefined
    const earlier: EffectBits = { reads: 0, appends: 0, changes: 0 }
    for (const request of this.#requests) {
      if (!request.isStarted && !conflicts(earlier, request)) return request
      include(earlier, request)
    }
    return undefined
  }
}

function include (bits: EffectBits, more: Readonly<EffectBits>): void {
  bits.reads |= more.reads
  bits.appends |= more.appends
  bits.changes |= more.changes
}

function conflicts (earlier: Readonly<EffectBits>, later: Readonly<EffectBits>): boolean {
  return (earlier.changes & (later.reads | later.appends | later.changes)) !== 0 ||
    (earlier.appends & (later.reads | later.changes)) !== 0 ||
    (earlier.reads & (later.appends | later.changes)) !== 0
}

function toBits ({ appends, changes, reads }: Effects): Readonly<EffectBits> {
  return { reads: bits(reads), appends: bits(appends), changes: bits(changes) }
}

function bits (of: readonly Area[]): number { return of.reduce((sum, area) => sum | 1 << areas.indexOf(area), 0) }
