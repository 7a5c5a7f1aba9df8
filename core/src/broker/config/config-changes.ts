import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { ConfigResource, MetadataRecord } from '../../metadata/records.ts'
import { KafkaError } from '../kafka-error.ts'
import { decide, repeatedIn, type Changes } from '../outcome.ts'
import { checkTopicConfigs } from '../topics/topic-changes.ts'
import { brokerConfigs } from './broker-config-table.ts'
import { brokerConfigProblem } from './broker-configs.ts'
import { readConfig, type ConfigDefinition } from './config-definition.ts'
import { ResourceType, resolveResource } from './config-resource.ts'
import type { ConfigOverrides } from './config-sources.ts'
import { topicConfigs } from './topic-config-table.ts'

/** Kafka's numbers for what to do with one setting. */
export const Operation = { Set: 0, Delete: 1, Append: 2, Subtract: 3 } as const

export interface ConfigOperation { readonly name: string, readonly configOperation: number, readonly value: string | null }

export interface AlteredResource {
  readonly resourceType: number
  readonly resourceName: string
  readonly operations: readonly ConfigOperation[]
  /** Settings that are not named return to their defaults. */
  readonly replacesAll: boolean
}

export interface ConfigRules {
  readonly nodeId: number
  /** The value in force of a setting of a resource: what lists are appended to. */
  readonly valueOf: (resource: ConfigResource, name: string) => string | null
}

/** The records that alter the resources' settings: each resource wholly, or not at all. */
export function alterConfigs (image: ClusterImage, resources: readonly AlteredResource[], rules: ConfigRules): Changes<ConfigResource> {
  const repeated = repeatedIn(resources.map(keyOf))
  const records: MetadataRecord[] = []
  const result = resources.map(altered => decide(() => {
    if (repeated.has(keyOf(altered))) throw invalid(`the request names the resource more than once. type=${altered.resourceType} name=${altered.resourceName}`)
    if (altered.resourceType === ResourceType.Topic && altered.resourceName === '') throw invalid('Default topic resources are not allowed.')
    const resource = resolveResource(image, rules.nodeId, altered.resourceType, altered.resourceName)
    const current = image.configs(resource)
    const configs = apply(altered, current, resource, rules)
    check(resource, configs, altered.operations)
    if (!isSame(configs, current)) records.push({ type: 'configsSet', resource, configs })
    return resource
  }))
  return { records, result }
}

function keyOf ({ resourceName, resourceType }: AlteredResource): string { return `${resourceType}:${resourceName}` }

function apply ({ operations, replacesAll }: AlteredResource, current: ConfigOverrides, resource: ConfigResource, rules: ConfigRules): ConfigOverrides {
  const [repeated] = repeatedIn(operations.map(({ name }) => name))
  if (repeated !== undefined) throw invalid(`the request names the setting more than once. name=${repeated}`)
  const definitions = resource.kind === 'topic' ? topicConfigs : brokerConfigs
  const overrides = new Map(replacesAll ? [] : Object.entries(current))
  for (const { configOperation, name, value } of operations) {
    if (configOperation === Operation.Delete) {
      overrides.delete(name)
      continue
    }
    if (value === null) throw invalid(`Null value not supported for : ${name}`)
    switch (configOperation) {
      case Operation.Set:
        overrides.set(name, value)
        break
      case Operation.Append: case Operation.Subtract: {
        const list = listOf(definitions.get(name), name, overrides.get(name) ?? rules.valueOf(resource, name))
        const elements = readConfig('list', value) as readonly string[]
        const changed = configOperation === Operation.Append ? [...list, ...elements.filter(element => !list.includes(element))] : list.filter(element => !elements.includes(element))
        overrides.set(name, changed.join(','))
        break
      }
      default: throw invalid(`no such operation. name=${name} operation=${configOperation}`)
    }
  }
  return Object.fromEntries(overrides)
}

function listOf (definition: ConfigDefinition | undefined, name: string, text: string | null): readonly string[] {
  if (definition !== undefined && definition.type !== 'list') throw new KafkaError(KafkaErrorCode.INVALID_CONFIG, `Config value append is not allowed for config key: ${name}`)
  return readConfig('list', text ?? '') as readonly string[]
}

function check (resource: ConfigResource, configs: ConfigOverrides, operations: readonly ConfigOperation[]): void {
  if (resource.kind === 'topic') {
    checkTopicConfigs(configs)
    return
  }
  for (const [name, text] of Object.entries(configs)) {
    const problem = brokerConfigProblem(name, text)
    if (problem?.kind === 'unknown') throw new KafkaError(KafkaErrorCode.INVALID_CONFIG, `Unknown broker config name: ${name}`)
    // Not INVALID_CONFIG, as of topics: so does Kafka (KAFKA-13609).
    if (problem !== undefined) throw invalid(`Invalid value for configuration ${name}: ${problem.expected}`)
  }
  const fixed = operations.filter(({ name }) => brokerConfigs.get(name)?.isDynamic !== true)
  if (fixed.length > 0) throw invalid(`Cannot update these configs dynamically: ${fixed.map(({ name }) => name).join(',')}`)
}

function isSame (left: ConfigOverrides, right: ConfigOverrides): boolean {
  const names = Object.keys(left)
  return names.length === Object.keys(right).length && names.every(name => left[name] === right[name])
}

function invalid (message: string): KafkaError { return new KafkaError(KafkaErrorCode.INVALID_REQUEST, message) }
