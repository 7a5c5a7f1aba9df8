import type { MetadataRecord } from '../metadata/records.ts'
import { KafkaError } from './kafka-error.ts'

/** What becomes of one thing that a request asks for among others. */
export type Outcome<T> = { readonly kind: 'done', readonly value: T } | { readonly kind: 'refused', readonly error: KafkaError }

/** The records that make what may happen, and for each thing asked for, in order, its outcome. */
export interface Changes<T> { readonly records: readonly MetadataRecord[], readonly result: readonly Outcome<T>[] }

/** The outcome of `plan`: a KafkaError refuses. */
export function decide<T> (plan: () => T): Outcome<T> {
  try {
    return { kind: 'done', value: plan() }
  } catch (error) {
    if (error instanceof KafkaError) return { kind: 'refused', error }
    throw error
  }
}

/** The values that occur more than once. */
export function repeatedIn (values: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const value of values) (seen.has(value) ? repeated : seen).add(value)
  return repeated
}
