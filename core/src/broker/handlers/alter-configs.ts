import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { ConfigResource } from '../../metadata/records.ts'
import { alterConfigs, type AlteredResource } from '../config/config-changes.ts'
import type { Configs } from '../config/configs.ts'
import { kafkaCodeOf, messageOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'

type Services = Pick<BrokerServices, 'metadata' | 'configs' | 'nodeId' | 'logger'>
interface Response { readonly errorCode: KafkaErrorCode, readonly errorMessage: string | null, readonly resourceType: number, readonly resourceName: string }

/** What AlterConfigs and IncrementalAlterConfigs share: one change of the metadata for all that may be altered. */
export async function alterResources ({ configs, logger, metadata, nodeId }: Services, resources: readonly AlteredResource[], validateOnly: boolean): Promise<Response[]> {
  const rules = { nodeId, valueOf: (resource: ConfigResource, name: string) => valueOf(configs, resource, name) }
  try {
    const outcomes = validateOnly ? alterConfigs(metadata.image, resources, rules).result : await metadata.propose(image => alterConfigs(image, resources, rules))
    return outcomes.map((outcome, index) => {
      if (outcome.kind === 'refused') return answer(resources[index]!, outcome.error)
      if (!validateOnly) logger.info('settings altered', { kind: outcome.value.kind, name: resources[index]!.resourceName })
      return answer(resources[index]!)
    })
  } catch (error) {
    return resources.map(resource => answer(resource, error))
  }
}

function valueOf (configs: Configs, resource: ConfigResource, name: string): string | null {
  const described = resource.kind === 'topic' ? configs.describeTopic({}) : configs.describeBroker()
  return described.find(({ definition }) => definition.name === name)?.value ?? null
}

function answer ({ resourceName, resourceType }: AlteredResource, error?: unknown): Response {
  const errorCode = error === undefined ? KafkaErrorCode.NONE : kafkaCodeOf(error)
  return { errorCode, errorMessage: error === undefined ? null : messageOf(error), resourceType, resourceName }
}
