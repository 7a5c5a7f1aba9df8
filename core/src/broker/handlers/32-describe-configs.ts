import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { DescribeConfigsResponseInput } from '../../protocol/messages/32-describe-configs.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import { allBrokers, resolveResource, ResourceType } from '../config/config-resource.ts'
import type { ConfigType } from '../config/config-definition.ts'
import { toldOfTopic, type DescribedConfig } from '../config/config-sources.ts'
import type { ApiHandler } from '../handler.ts'
import { kafkaCodeOf, messageOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'

type Services = Pick<BrokerServices, 'metadata' | 'configs' | 'nodeId'>
type Request = RequestOf<typeof ApiKey.DescribeConfigs>
type Resource = Request['resources'][number]
type Result = DescribeConfigsResponseInput['results'][number]

/** Kafka's numbers for types. */
const typeNumbers: Readonly<Record<ConfigType, number>> = { boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7, class: 8, password: 9 }

/**
 * DescribeConfigs, versions 1 to 4, of topics, of this broker, and of all brokers (empty name: only what is set there).
 * Log levels of the broker are an empty list; other kinds of resources are refused with INVALID_REQUEST. Of a setting without
 * effect, the documentation says so.
 */
export function describeConfigsHandler (services: Services): ApiHandler<typeof ApiKey.DescribeConfigs> {
  return {
    apiKey: ApiKey.DescribeConfigs,
    handle: request => ({ throttleTimeMs: 0, results: request.resources.map(resource => describe(services, resource, request)) })
  }
}

function describe (services: Services, resource: Resource, request: Request): Result {
  const { configurationKeys, resourceName, resourceType } = resource
  try {
    const wanted = new Set(configurationKeys ?? [])
    const configs = configsOf(services, resource).filter(({ definition }) => wanted.size === 0 || wanted.has(definition.name))
    return {
      errorCode: KafkaErrorCode.NONE, errorMessage: null, resourceType, resourceName,
      configs: configs.map(config => view(config, request, resourceType !== ResourceType.Topic))
    }
  } catch (error) {
    return { errorCode: kafkaCodeOf(error), errorMessage: messageOf(error), resourceType, resourceName, configs: [] }
  }
}

function configsOf ({ configs, metadata, nodeId }: Services, { resourceName, resourceType }: Resource): readonly DescribedConfig[] {
  if (resourceType === ResourceType.BrokerLogger && resourceName === String(nodeId)) return []
  const resource = resolveResource(metadata.image, nodeId, resourceType, resourceName)
  if (resource.kind === 'topic') return configs.describeTopic(metadata.image.configs(resource)).map(config => ({ ...config, ...toldOfTopic(config) }))
  return resource.name === allBrokers ? configs.describeAllBrokers() : configs.describeBroker()
}

function view ({ definition, source, synonyms, value }: DescribedConfig, { includeDocumentation, includeSynonyms }: Request, isOfBroker: boolean): Result['configs'][number] {
  const isSensitive = definition.type === 'password'
  return {
    name: definition.name,
    value: isSensitive ? null : value,
    readOnly: isOfBroker && definition.isDynamic !== true,
    configSource: source,
    isSensitive,
    synonyms: includeSynonyms ? synonyms.map(synonym => ({ ...synonym, value: isSensitive ? null : synonym.value })) : [],
    configType: typeNumbers[definition.type],
    documentation: includeDocumentation ? definition.doc : null
  }
}
