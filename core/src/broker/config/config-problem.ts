import { configProblem, isSameConfig, readConfig, type ConfigDefinition } from './config-definition.ts'

/** Kafka's own limit: longer values cannot be sent in old versions of the protocol. */
const valueCharactersMax = 32_767

export interface ConfigProblem {
  readonly kind: 'unknown' | 'invalid'
  readonly name: string
  /** Begins with `expected`. */
  readonly expected: string
}

/** What is wrong with a value, support by this broker included; undefined when nothing is. */
export function valueProblem (definition: ConfigDefinition, text: string): string | undefined {
  if (text.length > valueCharactersMax) return `expected at most ${valueCharactersMax} characters`
  if (definition.support === 'elsewhere') return `expected to be set by ${definition.instead} of the configuration file`
  if (definition.support === 'refused') {
    if (readConfig(definition.type, text) === undefined) return `expected a value of type ${definition.type}`
    return isSameConfig(definition.type, text, definition.default) ? undefined : `expected ${definition.default ?? 'no value'}, because ${definition.instead}`
  }
  return configProblem(definition, text)
}
