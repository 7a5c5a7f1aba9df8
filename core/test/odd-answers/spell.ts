// What of the table of odd answers can befall the calls of a broker that runs.
import type { Answer, Call } from '../../../conformance/test/odd-answers/front.ts'
import { oddAnswers, type Asked, type OddAnswer, type Outcome } from '../../../conformance/test/odd-answers/odd-answers.ts'
import type { Cloud } from '../../../conformance/test/odd-answers/words.ts'

export type Round = 'regional-disk' | 'object'

/** Calls as they come by, told apart by what the true answer is. */
export type Kind = 'whole' | 'range' | 'head' | 'missing' | 'list' | 'put' | 'delete' | 'part' | 'complete'

const kindOfAsked: Readonly<Record<Asked, Kind>> = {
  whole: 'whole', range: 'range', head: 'head', missing: 'missing', list: 'list', page: 'list', put: 'put', create: 'put', delete: 'delete', part: 'part', complete: 'complete'
}

/** What no broker asks while it runs, and why. Tests hold it to be so. */
export const neverAsked: Readonly<Record<Round, Readonly<Partial<Record<Kind, string>>>>> = {
  'regional-disk': {
    part: 'objects are put whole', complete: 'objects are put whole'
  },
  object: {
    part: 'objects are put whole', complete: 'objects are put whole'
  }
}

/** Answers of the table that are left out, and why, by their names. */
export const unfit: Readonly<Record<Round, Readonly<Record<string, string>>>> = {
  'regional-disk': { 'names out of order': 'listings are of slices of the keys, which hold one object or none here' },
  object: {}
}

export function kindOf (call: Call, { status }: Answer): Kind | undefined {
  switch (call) {
    case 'get': return status === 206 ? 'range' : status === 200 ? 'whole' : undefined
    case 'head': return status === 404 ? 'missing' : 'head'
    case 'list': case 'put': case 'delete': case 'part': case 'complete': return call
    case 'start': case 'other': return undefined
    default: return call satisfies never
  }
}

/** An odd answer of one cloud, by the kinds of calls that it befalls there, each with what is made of it. */
export interface Oddity { readonly odd: OddAnswer, readonly outcomes: ReadonlyMap<Kind, readonly Outcome[]> }

export function odditiesOf (cloud: Cloud): readonly Oddity[] {
  return oddAnswers.flatMap(odd => {
    const outcomes = new Map<Kind, Outcome[]>()
    for (const [asked, told] of Object.entries(odd.outcomes) as [Asked, OddAnswer['outcomes'][Asked]][]) {
      const outcome = typeof told === 'object' ? told[cloud] : told
      const kind = kindOfAsked[asked]
      if (outcome !== undefined) outcomes.set(kind, [...outcomes.get(kind) ?? [], outcome])
    }
    return outcomes.size === 0 ? [] : [{ odd, outcomes }]
  })
}

export function isSame (one: Answer, other: Answer): boolean {
  return one.status === other.status && one.body.equals(other.body) && JSON.stringify(one.headers) === JSON.stringify(other.headers)
}
