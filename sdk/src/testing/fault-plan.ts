import { abortedError, sleep } from '../environment.ts'
import type { Clock } from '../environment.ts'
import { StreambedError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What happens to one call. */
export type Fault =
  | { readonly kind: 'none' }
  /** Fails and changes nothing. Default code: UNAVAILABLE. */
  | { readonly kind: 'failBefore', readonly code?: ErrorCode }
  /** Takes effect, but the answer is lost. Default code: OUTCOME_UNKNOWN for calls that change something, else UNAVAILABLE. */
  | { readonly kind: 'failAfter', readonly code?: ErrorCode }
  /** Takes effect after `delayMs` of the clock. */
  | { readonly kind: 'delay', readonly delayMs: number }
  /** Never answers, until the caller aborts or the component is closed. */
  | { readonly kind: 'hang', readonly takesEffect?: boolean }

export interface FaultyCall {
  readonly method: string
  /** Of all calls through this wrapper, counted from 0. */
  readonly index: number
  /** The object's key, where the call has one. */
  readonly key?: string
}

/** Decides for each call as it is made. */
export type FaultPlan = (call: FaultyCall) => Fault

export interface FaultOptions {
  readonly plan: FaultPlan
  /** For delays. */
  readonly clock: Clock
}

const none: Fault = Object.freeze({ kind: 'none' })

/** The first `times` calls of `method` get `fault`, all others none. */
export function faultOn (method: string, fault: Fault, times = 1): FaultPlan {
  let left = times
  return call => call.method === method && left-- > 0 ? fault : none
}

export interface FaultRates {
  /** Each a probability, 0 when absent; together at most 1. */
  readonly failBefore?: number
  readonly failAfter?: number
  readonly delay?: number
  readonly hang?: number
  /** The longest delay; shorter ones are as likely. */
  readonly delayMsMax?: number
}

/** Faults at random, the same ones for the same seed and calls. */
export function randomFaults (random: SeededRandom, rates: FaultRates): FaultPlan {
  return () => {
    let draw = random.fraction()
    const falls = (rate: number | undefined): boolean => (draw -= rate ?? 0) < 0
    if (falls(rates.failBefore)) return { kind: 'failBefore' }
    if (falls(rates.failAfter)) return { kind: 'failAfter' }
    if (falls(rates.delay)) return { kind: 'delay', delayMs: random.fraction() * (rates.delayMsMax ?? 1000) }
    if (falls(rates.hang)) return { kind: 'hang', takesEffect: random.fraction() < 0.5 }
    return none
  }
}

/** Applies a plan to the calls of one component; the wrappers of the contracts share it. */
export class FaultInjector {
  readonly #options: FaultOptions
  readonly #closing = new AbortController()
  #callCount = 0

  constructor (options: FaultOptions) { this.#options = options }

  /** Asks the plan; called when the call is made, so that calls are counted in their order. */
  decide (method: string, key?: string): Fault {
    return this.#options.plan({ method, index: this.#callCount++, ...(key === undefined ? {} : { key }) })
  }

  /** Runs `effect` under `fault`. */
  async apply<T> (fault: Fault, call: { readonly method: string, readonly changes: boolean, readonly signal?: AbortSignal | undefined }, effect: () => Promise<T>): Promise<T> {
    switch (fault.kind) {
      case 'none': return await effect()
      case 'failBefore': throw injected(fault.code ?? 'UNAVAILABLE', call.method, 'before its effect')
      case 'failAfter':
        await effect()
        throw injected(fault.code ?? (call.changes ? 'OUTCOME_UNKNOWN' : 'UNAVAILABLE'), call.method, 'after its effect')
      case 'delay':
        await this.#untilClosed(signal => sleep(this.#options.clock, fault.delayMs, { signal }), call.signal)
        return await effect()
      case 'hang':
        if (fault.takesEffect === true) await effect()
        return await this.#untilClosed(forever, call.signal)
      default: return fault satisfies never
    }
  }

  /** Ends hanging and delayed calls with CLOSED. */
  close (): void { this.#closing.abort() }

  async #untilClosed<T> (wait: (signal: AbortSignal) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const closing = this.#closing.signal
    try {
      return await wait(signal === undefined ? closing : AbortSignal.any([closing, signal]))
    } catch (error) {
      if (closing.aborted) throw new StreambedError('CLOSED', 'closed while a call waited', { cause: error })
      throw error
    }
  }
}

function forever (signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => { reject(abortedError(signal)) }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

function injected (code: ErrorCode, method: string, when: string): StreambedError {
  return new StreambedError(code, `injected fault. method=${method} when=${when}`)
}
