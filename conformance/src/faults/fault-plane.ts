import type { Clock, Random } from '@streambed/sdk'
import { Gate, Rules, type Befalling, type Fault, type Passage, type Rule } from './fault.ts'

/** Where faults can enter a configuration. */
export type PlaneKind = 'endpoint' | 'files' | 'store'

/** A kind of fault, where need be with what it says: `cut`, `refuse conflict`. */
export type FaultName = 'delay' | 'refuse' | 'refuse tooManyRequests' | 'refuse conflict' | 'refuse expired' | 'refuse skewed' | 'loseAnswer' | 'cut' | 'hold'
  | 'corrupt' | 'bandwidth' | 'duplicate' | 'loseUnsynced' | 'failOneKey'

const everywhere: readonly FaultName[] = ['delay', 'refuse', 'loseAnswer', 'hold', 'duplicate', 'failOneKey']
const byKind: Readonly<Record<PlaneKind, readonly FaultName[]>> = {
  endpoint: [...everywhere, 'refuse tooManyRequests', 'refuse conflict', 'refuse expired', 'refuse skewed', 'cut', 'corrupt', 'bandwidth'],
  files: [...everywhere, 'cut', 'corrupt', 'loseUnsynced'],
  store: [...everywhere, 'corrupt']
}

const media: Readonly<Record<PlaneKind, string>> = { endpoint: 'an endpoint of HTTP', files: 'files', store: 'an object store under the plugin' }

/** Why a fault cannot befall a plugin there; undefined when it can. */
export function whyNot (kind: PlaneKind, fault: FaultName): string | undefined {
  return byKind[kind].includes(fault) ? undefined : `faults enter between the plugin and ${media[kind]}, where this one is not known: ${fault}`
}

export interface PlaneContext { readonly clock: Clock, readonly random: Random }

/** A place where faults enter, for one instance of a plugin, and what has crossed it. */
export abstract class FaultPlane {
  abstract readonly kind: PlaneKind
  readonly rules: Rules
  /** By kind of fault: how often each befell. */
  readonly befallen: Partial<Record<Fault['kind'], number>> = {}
  protected readonly clock: Clock
  readonly #gate = new Gate()
  #passages = 0
  #writes = 0

  constructor ({ clock, random }: PlaneContext) {
    this.clock = clock
    this.rules = new Rules(random)
  }

  /** Crossings so far. */
  get passages (): number { return this.#passages }
  /** Those that change something. */
  get writes (): number { return this.#writes }
  /** How many are held back now. */
  get held (): number { return this.#gate.count }

  /** Replaces the rules in force; without any, all goes well. What is held stays held. */
  set (...rules: readonly Rule[]): void { this.rules.set(...rules) }

  /** Lets all that is held go on. */
  release (): void { this.#gate.release() }

  /** No faults any more, and nothing held. */
  heal (): void {
    this.set()
    this.release()
  }

  protected choose (facts: Omit<Passage, 'index'>): Befalling | undefined {
    const index = this.#passages++
    if (facts.action === 'write') this.#writes++
    const fault = this.rules.choose({ ...facts, index })
    if (fault === undefined) return undefined
    this.befallen[fault.kind] = (this.befallen[fault.kind] ?? 0) + 1
    return fault.kind === 'hold' ? { kind: 'hold', wait: this.#gate.ticket() } : fault
  }
}
