import { brokerConfigs } from './broker-config-table.ts'
import type { ConfigDefinition, ConfigSupport, ConfigType } from './config-definition.ts'
import { topicConfigs } from './topic-config-table.ts'

/** One line of the reference of settings. */
export interface ConfigReferenceRow {
  readonly name: string
  readonly type: ConfigType
  /** As text; null: no value. */
  readonly default: string | null
  /** What holds for values beyond their type; empty when nothing does. */
  readonly valid: string
  readonly description: string
  readonly support: ConfigSupport
}

/** Every topic setting, sorted by name: what users set with CreateTopics and IncrementalAlterConfigs. */
export function * topicConfigReference (): Generator<ConfigReferenceRow> { yield * rows(topicConfigs.values()) }

/** Every broker setting, sorted by name: what `kafka` of the configuration file takes. */
export function * brokerConfigReference (): Generator<ConfigReferenceRow> { yield * rows(brokerConfigs.values()) }

function * rows (definitions: Iterable<ConfigDefinition>): Generator<ConfigReferenceRow> {
  for (const definition of [...definitions].sort((left, right) => left.name < right.name ? -1 : 1)) {
    const { doc, name, rule, support, type } = definition
    yield { name, type, default: definition.default, valid: rule?.text ?? '', description: doc, support }
  }
}
