import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { DeleteTopicsResponseInput } from '../../protocol/messages/20-delete-topics.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import { ZERO_UUID } from '../../protocol/primitives/uuid.ts'
import type { ApiHandler } from '../handler.ts'
import { KafkaError, kafkaCodeOf, messageOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { deleteTopics, type TopicReference } from '../topics/topic-changes.ts'

type Services = Pick<BrokerServices, 'metadata' | 'configs' | 'clock' | 'logger'>
type Deleted = DeleteTopicsResponseInput['responses'][number]

const referencesFrom = 6
const deletionDisabledFrom = 3

/**
 * DeleteTopics, versions 1 to 6. Topics are gone for clients at once; the engine deletes their objects later. Internal topics
 * stay (Kafka would delete them).
 */
export function deleteTopicsHandler (services: Services): ApiHandler<typeof ApiKey.DeleteTopics> {
  return {
    apiKey: ApiKey.DeleteTopics,
    handle: async (request, { apiVersion }) => ({ throttleTimeMs: 0, responses: await remove(services, referencesOf(request, apiVersion), apiVersion) })
  }
}

function referencesOf ({ topicNames, topics }: RequestOf<typeof ApiKey.DeleteTopics>, apiVersion: number): readonly TopicReference[] {
  return apiVersion >= referencesFrom ? topics : topicNames.map(name => ({ name, topicId: ZERO_UUID }))
}

async function remove ({ clock, configs, logger, metadata }: Services, references: readonly TopicReference[], apiVersion: number): Promise<Deleted[]> {
  try {
    if (!configs.broker.deleteTopicEnabled) {
      throw new KafkaError(apiVersion < deletionDisabledFrom ? KafkaErrorCode.INVALID_REQUEST : KafkaErrorCode.TOPIC_DELETION_DISABLED, 'topic deletion is disabled by delete.topic.enable')
    }
    const atMs = clock.wallMs()
    const outcomes = await metadata.propose(image => deleteTopics(image, references, atMs))
    return outcomes.map((outcome, index) => {
      if (outcome.kind === 'refused') return refusal(references[index]!, outcome.error)
      const { name, topicId } = outcome.value
      logger.info('topic deleted', { topic: name, topicId })
      return { name, topicId, errorCode: KafkaErrorCode.NONE, errorMessage: null }
    })
  } catch (error) {
    return references.map(reference => refusal(reference, error))
  }
}

function refusal ({ name, topicId }: TopicReference, error: unknown): Deleted {
  return { name, topicId, errorCode: kafkaCodeOf(error), errorMessage: messageOf(error) }
}
