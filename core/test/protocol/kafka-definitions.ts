import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A field of one of Kafka's own message definitions, as far as the tests read it. */
export interface KafkaField {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean
  readonly ignorable?: boolean
  readonly entityType?: string
  readonly fields?: readonly KafkaField[]
}

export interface KafkaDefinition {
  readonly apiKey?: number
  readonly name: string
  readonly type: string
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly latestVersionUnstable?: boolean
  readonly fields: readonly KafkaField[]
  readonly commonStructs?: ReadonlyArray<{ readonly name: string, readonly fields: readonly KafkaField[] }>
}

/** Reads a definition from a folder of Kafka's message files: JSON with lines of comment. */
export function readDefinition (folder: string, name: string): KafkaDefinition {
  const text = readFileSync(join(folder, `${name}.json`), 'utf8')
  return JSON.parse(text.split('\n').filter(line => !line.trimStart().startsWith('//')).join('\n')) as KafkaDefinition
}
