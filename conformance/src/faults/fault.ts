import type { Random } from '@streambed/sdk'

/** One crossing between a plugin and its medium: a request, a call on a file, a call on the object store under it. */
export interface Passage {
  /** Of all through one plane, from 0. */
  readonly index: number
  readonly action: 'write' | 'read' | 'list' | 'delete' | 'other'
  /** As the medium calls it: `PUT`, `datasync`, `put`. */
  readonly call: string
  /** Path of the request, file or object; of a request with its query. */
  readonly name: string
}

/** What a medium says when it refuses. Each plane says it in its own words: a status and a code, a system error, a StreambedError. */
export type Refusal =
  | 'unavailable' | 'throttled' | 'denied' | 'full' | 'reset'
  | 'tooManyRequests' | 'conflict' | 'expired' | 'skewed'

export type Fault =
  /** Takes effect later. The caller may be gone by then; what it sent is not. */
  | { readonly kind: 'delay', readonly ms: number }
  /** Changes nothing. */
  | { readonly kind: 'refuse', readonly as: Refusal }
  /** Takes effect; the answer is lost, or tells of a failure. */
  | { readonly kind: 'loseAnswer', readonly as: Refusal }
  /** A part of the bytes goes across, up for a write and down for a read; then it breaks. */
  | { readonly kind: 'cut' }
  /** Waits, for ever or until `release`; then takes effect. */
  | { readonly kind: 'hold' }
  /** One bit of what goes up, or comes down, is another one. */
  | { readonly kind: 'corrupt', readonly way: 'up' | 'down' }
  | { readonly kind: 'bandwidth', readonly bytesPerSecond: number }
  /** Arrives twice; the first answer is given. */
  | { readonly kind: 'duplicate' }
  /** Fails, and what was written through this file since it was last synced is gone, as after a failed fsync. */
  | { readonly kind: 'loseUnsynced' }
  /** One key of a batch delete is told to have failed. */
  | { readonly kind: 'failOneKey' }

export interface Rule {
  readonly fault: Fault
  /** Which crossings it is about. Default: all. */
  readonly on?: (passage: Passage) => boolean
  /** The share of those that it befalls, as chance has it. Default: 1. */
  readonly share?: number
  /** How many it befalls at most. Default: no end. */
  readonly times?: number
}

/** Rules in force, which may be changed at any time: the first that chooses a crossing befalls it. The same seed gives the same choices. */
export class Rules {
  readonly #random: Random
  #rules: { readonly rule: Rule, left: number }[] = []

  constructor (random: Random) { this.#random = random }

  set (...rules: readonly Rule[]): void { this.#rules = rules.map(rule => ({ rule, left: rule.times ?? Infinity })) }

  choose (passage: Passage): Fault | undefined {
    for (const entry of this.#rules) {
      const { fault, on, share = 1 } = entry.rule
      if (entry.left === 0 || on?.(passage) === false || (share < 1 && this.#random.fraction() >= share)) continue
      entry.left--
      return fault
    }
    return undefined
  }
}

/** A fault as it befalls one crossing. */
export type Befalling = Exclude<Fault, { readonly kind: 'hold' }> | { readonly kind: 'hold', readonly wait: () => Promise<void> }

/** What is held back. A ticket belongs to the release that follows it, however late it starts to wait. */
export class Gate {
  #next = Promise.withResolvers<void>()
  #count = 0

  /** How many wait now. */
  get count (): number { return this.#count }

  ticket (): () => Promise<void> {
    const { promise } = this.#next
    return async () => {
      this.#count++
      await promise
      this.#count--
    }
  }

  release (): void {
    this.#next.resolve()
    this.#next = Promise.withResolvers()
  }
}
