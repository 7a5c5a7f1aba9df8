import type { Fields } from './fields.ts'
import { Message } from './message.ts'
import type { Versions } from './versions.ts'

/** Request and response of one API key. Both always travel in the same version. */
export interface Api<K extends number = number, Q extends Fields = Fields, S extends Fields = Fields> {
  readonly key: K
  readonly name: string
  readonly versionMin: number
  readonly versionMax: number
  /** The first version with compact types and tag sections; Infinity when there is none. */
  readonly flexibleFrom: number
  /** The lowest version to list in ApiVersions, where it must be lower than what is served. See 00-produce.ts. */
  readonly advertisedMin: number
  readonly request: Message<Q>
  readonly response: Message<S>
}

export interface ApiTable<K extends number, Q extends Fields, S extends Fields> {
  readonly key: K
  readonly name: string
  readonly versions: Versions
  readonly flexible: Versions
  readonly advertisedMin?: number
  readonly request: Q
  readonly response: S
}

export function defineApi<const K extends number, Q extends Fields, S extends Fields> (table: ApiTable<K, Q, S>): Api<K, Q, S> {
  const request = new Message(`${table.name}Request`, table.versions, table.flexible, table.request)
  const response = new Message(`${table.name}Response`, table.versions, table.flexible, table.response)
  return Object.freeze({
    key: table.key,
    name: table.name,
    versionMin: request.versions.min,
    versionMax: request.versions.max,
    flexibleFrom: table.flexible === 'none' ? Number.POSITIVE_INFINITY : request.flexible.min,
    advertisedMin: table.advertisedMin ?? request.versions.min,
    request,
    response
  })
}
