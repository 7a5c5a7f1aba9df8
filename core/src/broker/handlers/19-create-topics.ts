import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { CreateTopicsResponseInput } from '../../protocol/messages/19-create-topics.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import { kafkaCodeOf, messageOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { proposeTopics } from '../topics/propose-topics.ts'
import type { TopicPlan } from '../topics/topic-changes.ts'
import { newTopicId } from '../topics/topic-id.ts'

type Services = Pick<BrokerServices, 'metadata' | 'configs' | 'nodeId' | 'random' | 'logger'>
type TopicResponse = CreateTopicsResponseInput['topics'][number]

/** One node serves a partition; the storage service replicates. Metadata says the same. */
const replicas = 1

/**
 * CreateTopics, versions 2 to 7. This node leads the new partitions; a replication factor is checked against the number of
 * brokers and not kept. The timeout is not acted on: the answer comes once the topics exist.
 */
export function createTopicsHandler (services: Services): ApiHandler<typeof ApiKey.CreateTopics> {
  return {
    apiKey: ApiKey.CreateTopics,
    handle: async request => ({ throttleTimeMs: 0, topics: await create(services, request) })
  }
}

async function create (services: Services, { topics, validateOnly }: RequestOf<typeof ApiKey.CreateTopics>): Promise<TopicResponse[]> {
  try {
    const outcomes = await proposeTopics(services, topics.map(topic => ({ ...topic, topicId: newTopicId(services.random) })), { validateOnly })
    return outcomes.map((outcome, index) => {
      const { name } = topics[index]!
      if (outcome.kind === 'refused') return refusal(name, outcome.error)
      return created(services, name, outcome.value, validateOnly)
    })
  } catch (error) {
    return topics.map(({ name }) => refusal(name, error))
  }
}

function created ({ configs }: Services, name: string, plan: TopicPlan, validateOnly: boolean): TopicResponse {
  return {
    name,
    // A topic that is not created has no id.
    ...validateOnly ? {} : { topicId: plan.topicId },
    errorCode: KafkaErrorCode.NONE,
    errorMessage: null,
    numPartitions: plan.partitionCount,
    replicationFactor: replicas,
    configs: configs.describeTopic(plan.configs).map(({ definition, source, value }) => ({
      name: definition.name, value, readOnly: false, configSource: source, isSensitive: false
    }))
  }
}

function refusal (name: string, error: unknown): TopicResponse {
  return { name, errorCode: kafkaCodeOf(error), errorMessage: messageOf(error), configs: [] }
}
