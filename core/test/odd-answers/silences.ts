import type { Clock } from '@streambed/sdk'
import type { Outcome } from '../../../conformance/test/odd-answers/odd-answers.ts'
import type { Kind } from './spell.ts'

type Calls = 'reads' | 'listings' | 'writes' | 'deletes'
/** A second must be told; and some time more, as what fails at its end is told when it is tried again. */
const toldMs = 2_000
/** Of what is stored, and no failure to answer. */
const answers: readonly Outcome[] = ['right', 'NOT_FOUND', 'CORRUPT']
/** Kinds of calls as the log names them. A put is settled by a look at the object, which is part of it: it fails while both do. */
const kindsOf: Readonly<Record<Calls, readonly Kind[]>> = {
  reads: ['whole', 'range', 'head', 'missing'], listings: ['list'], writes: ['put', 'head', 'missing'], deletes: ['delete']
}

/** For how long calls had no true answer, by the kinds that the log tells of. */
export class Silences {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #sinceMs = new Map<Calls, number>()
  readonly toBeTold = new Set<Calls>()
  #isHeadOdd = false

  constructor (clock: Pick<Clock, 'monotonicMs'>) { this.#clock = clock }

  answered (kind: Kind): void {
    for (const calls of callsOf(kind)) this.#sinceMs.delete(calls)
  }

  odd (kind: Kind, outcomes: readonly Outcome[]): void {
    if (kind === 'head' || kind === 'missing') this.#isHeadOdd = true
    if (outcomes.every(outcome => answers.includes(outcome))) return this.answered(kind)
    for (const calls of callsOf(kind)) {
      const isOfPuts = kind === 'head' || kind === 'missing'
      if (isOfPuts || (calls === 'writes' && !this.#isHeadOdd)) continue
      const nowMs = this.#clock.monotonicMs()
      const sinceMs = this.#sinceMs.get(calls) ?? nowMs
      this.#sinceMs.set(calls, sinceMs)
      if (nowMs - sinceMs >= toldMs) this.toBeTold.add(calls)
    }
  }
}

function callsOf (kind: Kind): Calls[] { return (Object.keys(kindsOf) as Calls[]).filter(calls => kindsOf[calls].includes(kind)) }
