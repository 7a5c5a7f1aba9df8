import assert from 'node:assert/strict'
import type { ViolationName } from './checker.ts'
import { quietLives, type LivesProfile, type Profile } from './profile.ts'
import { simulate } from './simulation.ts'
import type { Sabotage } from './world.ts'

/** A system that is broken on purpose. */
export interface Mutant {
  /** What is broken. */
  readonly name: string
  /** The checkers, one of which must see it. */
  readonly caughtAs: readonly ViolationName[]
  readonly sabotage?: Sabotage
  /** Breaks what no plugin can; gives what mends it. */
  readonly break?: () => () => void
  readonly profile?: Partial<Omit<Profile, 'lives'>>
  /** What befalls the node beside what the profile says; nothing where it is left out. */
  readonly lives?: Partial<LivesProfile>
}

const seedsMax = 150
/** Less than usual, for those that are caught because nobody gets further; a sound system needs a few seconds here. */
const calmMsMax = 60_000
/** So many seeds are run through, and those that catch the mutant are counted; 0: up to the first. */
const seedsToCount = Number(process.env.STREAMBED_MUTANT_SEEDS ?? 0)

/** One test a mutant: it is caught within a few seeds, as what it is. */
export function findsAll (title: string, mutants: readonly Mutant[]): void {
  describe(title, () => {
    for (const mutant of mutants) {
      it(mutant.name, async () => {
        const mend = mutant.break?.()
        try {
          const seeds = await catchingSeeds(mutant)
          assert.ok(seeds.length > 0, `not caught within ${seedsMax} seeds`)
          if (seedsToCount > 0) console.log(`| ${mutant.name} | ${seeds[0]} | ${seeds.length} |`)
        } finally {
          mend?.()
        }
      })
    }
  })
}

async function catchingSeeds ({ caughtAs, lives, profile, sabotage }: Mutant): Promise<readonly number[]> {
  const seeds: number[] = []
  for (let seed = 1; seed <= Math.max(seedsMax, seedsToCount) && (seeds.length === 0 || seed <= seedsToCount); seed++) {
    const { violation } = await simulate({ seed, calmMsMax, ...sabotage === undefined ? {} : { sabotage }, profile: { ...profile, lives: { ...quietLives, ...lives } } })
    if (violation === undefined) continue
    assert.ok(caughtAs.includes(violation.violation), `seed ${seed}: caught as ${violation.message}`)
    seeds.push(seed)
  }
  return seeds
}

/** The object with some methods replaced. */
export function overriding<T extends object> (inner: T, overrides: Partial<T>): T {
  return new Proxy(inner, {
    get: (target, name) => {
      const owner = name in overrides ? overrides : target
      const value: unknown = Reflect.get(owner, name)
      // A closure: the engine's disposable stacks refuse bound functions.
      return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, owner, args) : value
    }
  })
}

export function patched<T extends object, K extends keyof T> (prototype: T, method: K, make: (original: T[K]) => T[K]): () => void {
  const original = prototype[method]
  prototype[method] = make(original)
  return () => { prototype[method] = original }
}

export function patchedGetter<T extends object> (prototype: T, name: keyof T & string, value: unknown): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name)!
  Object.defineProperty(prototype, name, { ...original, get: () => value })
  return () => { Object.defineProperty(prototype, name, original) }
}
