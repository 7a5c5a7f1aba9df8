import type { ConfigDefinition, ConfigSynonym } from './config-definition.ts'

export type ConfigOverrides = Readonly<Record<string, string>>

/** Kafka's numbers for where a value comes from. */
export const ConfigSource = { Topic: 1, DynamicBroker: 2, DynamicDefault: 3, Static: 4, Default: 5 } as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

/** One place that gives a value to a setting, under the name it has there. */
export interface ConfigEntry { readonly name: string, readonly value: string, readonly source: ConfigSource }

/** A setting's value in force, and all that would give it one, by precedence. */
export interface DescribedConfig {
  readonly definition: ConfigDefinition
  /** null: no value. */
  readonly value: string | null
  readonly source: ConfigSource
  readonly synonyms: readonly ConfigEntry[]
}

export interface ConfigSourcesParts {
  readonly static: ConfigOverrides
  readonly dynamicDefault: ConfigOverrides
  readonly dynamicBroker: ConfigOverrides
}

/** The broker-wide places that values come from, and the order of precedence among them. */
export class ConfigSources {
  readonly parts: ConfigSourcesParts
  constructor (parts: ConfigSourcesParts) { this.parts = parts }

  ofTopic (definition: ConfigDefinition, overrides: ConfigOverrides): DescribedConfig {
    const names = definition.synonyms ?? []
    const own = overrides[definition.name]
    const entries: ConfigEntry[] = own === undefined ? [] : [{ name: definition.name, value: own, source: ConfigSource.Topic }]
    const broker = this.#brokerEntries(names.map(({ name }) => name))
    entries.push(...broker)
    if (definition.default !== null) entries.push(defaultEntry(definition.name, definition.default, names.at(-1)))
    const [first] = entries
    if (first === undefined) return { definition, value: null, source: ConfigSource.Default, synonyms: [] }
    const factor = names.find(({ name }) => first.source !== ConfigSource.Topic && name === first.name)?.factor ?? 1n
    return { definition, value: factor === 1n ? first.value : inTopicUnit(first.value, factor), source: first.source, synonyms: entries }
  }

  ofBroker (definition: ConfigDefinition): DescribedConfig {
    const entries = this.#brokerEntries([definition.name])
    if (definition.default !== null) entries.push({ name: definition.name, value: definition.default, source: ConfigSource.Default })
    return { definition, value: entries[0]?.value ?? null, source: entries[0]?.source ?? ConfigSource.Default, synonyms: entries }
  }

  /** As `ofBroker`, of the setting for all brokers. */
  ofAllBrokers (definition: ConfigDefinition): DescribedConfig {
    const value = this.parts.dynamicDefault[definition.name] ?? null
    const synonyms = value === null ? [] : [{ name: definition.name, value, source: ConfigSource.DynamicDefault }]
    return { definition, value, source: ConfigSource.DynamicDefault, synonyms }
  }

  isSameAs (other: ConfigSources): boolean {
    return JSON.stringify(this.parts) === JSON.stringify(other.parts)
  }

  /** By source first, by name second, as Kafka does. */
  #brokerEntries (names: readonly string[]): ConfigEntry[] {
    const { dynamicBroker, dynamicDefault, static: fromFile } = this.parts
    const places = [[dynamicBroker, ConfigSource.DynamicBroker], [dynamicDefault, ConfigSource.DynamicDefault], [fromFile, ConfigSource.Static]] as const
    return places.flatMap(([values, source]) => names.flatMap(name => {
      const value = values[name]
      return value === undefined ? [] : [{ name, value, source }]
    }))
  }
}

/** A default goes by the name, and in the unit, of the broker setting that holds it, as in Kafka. */
function defaultEntry (name: string, value: string, synonym: ConfigSynonym | undefined): ConfigEntry {
  if (synonym === undefined) return { name, value, source: ConfigSource.Default }
  return { name: synonym.name, value: synonym.factor === 1n ? value : String(BigInt(value) / synonym.factor), source: ConfigSource.Default }
}

/**
 * What DescribeConfigs tells of a topic's setting. Kafka names a broker's settings from the first synonym on alone: where that is not
 * set, none, and the value counts as a default. So `retention.ms` by `log.retention.hours` has no synonyms.
 */
export function toldOfTopic ({ definition, synonyms }: DescribedConfig): Pick<DescribedConfig, 'source' | 'synonyms'> {
  const own = synonyms.filter(({ source }) => source === ConfigSource.Topic)
  const ofBroker = synonyms.slice(own.length)
  const first = ofBroker.findIndex(({ name }) => name === definition.synonyms?.[0]?.name)
  const told = first < 0 ? own : [...own, ...ofBroker.slice(first)]
  return { source: told[0]?.source ?? ConfigSource.Default, synonyms: told }
}

/** Hours and minutes become milliseconds; -1, no limit, stays so. */
function inTopicUnit (text: string, factor: bigint): string {
  const value = BigInt(text.trim())
  return value < 0n ? text.trim() : String(value * factor)
}
