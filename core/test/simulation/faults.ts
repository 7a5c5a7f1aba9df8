import { StreambedError, type ObjectStore } from '@streambed/sdk'
import type { Fault, FaultPlan, SeededRandom } from '@streambed/sdk/testing'

/*
 * What goes wrong, as functions of chance and of the operation alone: none of them knows how the world around it is, who lives, or what
 * was acknowledged. `profile.ts` says how often.
 */

const none: Fault = Object.freeze({ kind: 'none' })
const delayMsMax = 100
/** Of so many calls at most a spell is made. */
const spellCallsMax = 30

/**
 * Slow, failing and ambiguous calls, each as often as the others. A spell (`spellRate`) begins with an answer that is lost, and then lets
 * all fail for some calls: what became of the first cannot be read back for long.
 */
export function callFaults (random: SeededRandom, { rate, spellRate }: { readonly rate: number, readonly spellRate: number }): FaultPlan {
  let spellCalls = 0
  return () => {
    if (spellCalls > 0) {
      spellCalls--
      return { kind: 'failBefore' }
    }
    if (random.fraction() >= rate) return none
    if (random.fraction() < spellRate) {
      spellCalls = random.below(spellCallsMax)
      return { kind: 'failAfter' }
    }
    const kind = (['failBefore', 'failAfter', 'delay'] as const)[random.below(3)]!
    return kind === 'delay' ? { kind, delayMs: random.fraction() * delayMsMax } : { kind }
  }
}

/** Appends of a WAL that are slow, are not there, or are there and said to have failed. */
export function appendFaults (random: SeededRandom, rate: number): FaultPlan {
  const plan = callFaults(random, { rate, spellRate: 0 })
  return call => call.method === 'append' ? plan(call) : none
}

/** What a store says of an object that is there and whole. `missing`: 404; `outOfRange`: 416. */
export type Lie = 'missing' | 'outOfRange' | 'short' | 'flipped'
export type LiePlan = (key: string) => Lie | undefined

/** Lies told once, or about one object for some looks at it. */
export function lies (random: SeededRandom, rate: number): LiePlan {
  const lasting = new Map<string, { readonly lie: Lie, left: number }>()
  return key => {
    const known = lasting.get(key)
    if (known !== undefined) {
      if (--known.left <= 0) lasting.delete(key)
      return known.lie
    }
    if (random.fraction() >= rate) return undefined
    const lie = (['missing', 'outOfRange', 'short', 'flipped'] as const)[random.below(4)]!
    if (random.fraction() < 0.3) lasting.set(key, { lie, left: 1 + random.below(12) })
    return lie
  }
}

/** `inner`, which answers reads as `plan` says; what is stored stays as it is. `random` chooses the bit. */
export function lyingStore (inner: ObjectStore, plan: LiePlan, random: SeededRandom): ObjectStore {
  const told: Pick<ObjectStore, 'get' | 'head'> = {
    get: async (key, options) => {
      const lie = plan(key)
      if (lie === 'missing') throw new StreambedError('NOT_FOUND', `no such object, it says. key=${key}`)
      if (lie === 'outOfRange') throw new StreambedError('OUT_OF_RANGE', `the object is shorter, it says. key=${key}`)
      const bytes = await inner.get(key, options)
      if (lie === 'short') return bytes.slice(0, bytes.length >>> 1)
      if (lie === undefined) return bytes
      const flipped = bytes.slice()
      const at = random.below(bytes.length)
      flipped[at] = flipped[at]! ^ 1 << random.below(8)
      return flipped
    },
    head: async (key, options) => {
      if (plan(key) !== undefined) throw new StreambedError('NOT_FOUND', `no such object, it says. key=${key}`)
      return await inner.head(key, options)
    }
  }
  return new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in told ? told : target, name)
      return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value
    }
  })
}
