import { invariant } from '@streambed/sdk'
import type { Metadata } from '../../metadata/metadata.ts'
import type { PartitionConfig } from '../partition/partition-config.ts'
import { brokerConfigs } from './broker-config-table.ts'
import { validateBrokerConfigs } from './broker-configs.ts'
import { brokerSettings, type BrokerSettings } from './broker-settings.ts'
import { partitionConfig } from './partition-settings.ts'
import { ConfigSources, type ConfigOverrides, type DescribedConfig } from './config-sources.ts'
import { topicConfigs } from './topic-config-table.ts'

export interface ConfigsParts {
  readonly metadata: Metadata
  readonly nodeId: number
  /** Broker settings of the configuration file, by their Kafka names. */
  readonly kafka: Readonly<Record<string, string>>
  /** Values, by Kafka names, of what other places of the configuration file set: for DescribeConfigs alone. */
  readonly elsewhere?: Readonly<Record<string, string>>
}

/** The one place that data lives in, as far as Kafka's tools have a word for it. */
export const logDir = 'object-storage'

interface Cached { readonly overrides: ConfigOverrides, readonly config: PartitionConfig }

/**
 * The settings in force. A topic's value is its own override, else the broker's dynamic setting of the same meaning, else the
 * dynamic one of all brokers, else that of the configuration file, else the default.
 */
export class Configs {
  readonly #parts: ConfigsParts
  #sources: ConfigSources
  #settings: BrokerSettings
  readonly #ofTopics = new Map<string, Cached>()
  /** Where the metadata log ended when overrides were last looked at: reading the number costs nothing on the produce path. */
  #end: number

  /** Throws MISCONFIGURED for settings that `validateBrokerConfigs` refuses. */
  constructor (parts: ConfigsParts) {
    validateBrokerConfigs(parts.kafka)
    this.#parts = parts
    this.#end = parts.metadata.end
    this.#sources = this.#readSources()
    this.#settings = brokerSettings(name => this.#brokerText(name))
  }

  /** What the broker acts on now. */
  get broker (): BrokerSettings {
    this.#refresh()
    return this.#settings
  }

  /** What the partitions of a topic act on now. */
  ofTopic (topicId: string): PartitionConfig {
    this.#refresh()
    const cached = this.#ofTopics.get(topicId)
    if (cached !== undefined) return cached.config
    const overrides = this.#parts.metadata.image.configs({ kind: 'topic', name: topicId })
    const config = partitionConfig(name => this.#sources.ofTopic(topicConfigs.get(name)!, overrides).value!)
    this.#ofTopics.set(topicId, { overrides, config })
    return config
  }

  /** All settings of a topic with these overrides, sorted by name. */
  describeTopic (overrides: ConfigOverrides): readonly DescribedConfig[] {
    this.#refresh()
    return [...topicConfigs.values()].map(definition => this.#sources.ofTopic(definition, overrides)).sort(byName)
  }

  /** All settings of this broker, sorted by name; without value those that nothing here corresponds to. */
  describeBroker (): readonly DescribedConfig[] {
    this.#refresh()
    return [...brokerConfigs.values()].map(definition => this.#sources.ofBroker(definition)).sort(byName)
  }

  /** The dynamic settings of all brokers, sorted by name: those that are set, no others. */
  describeAllBrokers (): readonly DescribedConfig[] {
    this.#refresh()
    return Object.keys(this.#sources.parts.dynamicDefault).flatMap(name => {
      const definition = brokerConfigs.get(name)
      return definition === undefined ? [] : [this.#sources.ofAllBrokers(definition)]
    }).sort(byName)
  }

  /** What is set outside the Kafka settings, as Kafka would name it. */
  get #elsewhere (): Readonly<Record<string, string>> {
    const { elsewhere, metadata, nodeId } = this.#parts
    const node = metadata.image.node(nodeId)
    const listeners = (node?.endpoints ?? []).map(({ host, name, port }) => `${name}://${host}:${port}`).join(',')
    return {
      'broker.id': String(nodeId),
      'node.id': String(nodeId),
      'log.dirs': logDir,
      ...listeners === '' ? {} : { 'advertised.listeners': listeners },
      ...node?.rack === null || node?.rack === undefined ? {} : { 'broker.rack': node.rack },
      ...elsewhere
    }
  }

  #brokerText (name: string): string {
    const definition = brokerConfigs.get(name)
    invariant(definition !== undefined, `a setting without a definition. name=${name}`)
    const { value } = this.#sources.ofBroker(definition)
    invariant(value !== null, `a setting that the broker acts on has no value. name=${name}`)
    return value
  }

  /** Looks at the overrides again if the metadata has grown, and forgets what they changed. */
  #refresh (): void {
    const { metadata } = this.#parts
    if (metadata.end === this.#end) return
    this.#end = metadata.end
    const sources = this.#readSources()
    if (sources.isSameAs(this.#sources)) {
      for (const [topicId, { overrides }] of this.#ofTopics) {
        const current = metadata.image.configs({ kind: 'topic', name: topicId })
        if (metadata.image.topic(topicId) === undefined || !isSame(current, overrides)) this.#ofTopics.delete(topicId)
      }
      return
    }
    this.#sources = sources
    this.#settings = brokerSettings(name => this.#brokerText(name))
    this.#ofTopics.clear()
  }

  #readSources (): ConfigSources {
    const { kafka, metadata, nodeId } = this.#parts
    return new ConfigSources({
      static: { ...kafka, ...this.#elsewhere },
      dynamicDefault: metadata.image.configs({ kind: 'broker', name: '' }),
      dynamicBroker: metadata.image.configs({ kind: 'broker', name: String(nodeId) })
    })
  }
}

function isSame (left: ConfigOverrides, right: ConfigOverrides): boolean {
  if (left === right) return true
  const names = Object.keys(left)
  return names.length === Object.keys(right).length && names.every(name => left[name] === right[name])
}

function byName (left: DescribedConfig, right: DescribedConfig): number { return left.definition.name < right.definition.name ? -1 : 1 }
