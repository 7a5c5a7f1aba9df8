import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { MetadataResponseInput } from '../../protocol/messages/03-metadata.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import { ZERO_UUID } from '../../protocol/primitives/uuid.ts'
import type { TopicFacts } from '../../metadata/image.ts'
import { clusterOperations, noOperations, topicOperations } from '../authorized-operations.ts'
import type { ApiHandler, RequestContext } from '../handler.ts'
import { kafkaCodeOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { isInternalTopic, offsetsTopic } from '../topics/internal-topics.ts'
import { proposeTopics } from '../topics/propose-topics.ts'
import { newTopicId } from '../topics/topic-id.ts'
import { topicNameProblem } from '../topics/topic-name.ts'
import { brokersOf, viewPartition } from './cluster-view.ts'

type Services = Pick<BrokerServices, 'metadata' | 'configs' | 'nodeId' | 'random' | 'logger' | 'ensureInternalTopic'>
type Request = RequestOf<typeof ApiKey.Metadata>
type TopicRequest = NonNullable<Request['topics']>[number]
type TopicResponse = MetadataResponseInput['topics'][number]

const autoCreationIsAskedFrom = 4
const idsFrom = 12
const byDefault = -1

/**
 * Metadata, versions 0 to 13. Topics that do not exist are created, complete in this very answer, if broker and request
 * allow. This node is named as controller: every node serves every admin request. Left out: nodes that are down are listed
 * too, since nothing watches nodes yet; rebootstrapping (v13) is never asked for.
 */
export function metadataHandler (services: Services): ApiHandler<typeof ApiKey.Metadata> {
  return {
    apiKey: ApiKey.Metadata,
    handle: async (request, context) => {
      const { metadata, nodeId } = services
      const wanted = wantedTopics(request, context.apiVersion)
      const failures = wanted === undefined ? new Map<string, KafkaErrorCode>() : await createMissing(services, request, wanted, context.apiVersion)
      const { image } = metadata
      const topics = wanted === undefined
        ? [...image.topics()].map(topic => viewTopic(services, topic, request, context))
        : wanted.map(topic => answerTopic(services, topic, failures, request, context))
      return {
        throttleTimeMs: 0,
        brokers: brokersOf(image, context.listener),
        clusterId: image.clusterId,
        controllerId: nodeId,
        topics,
        clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : noOperations,
        errorCode: KafkaErrorCode.NONE
      }
    }
  }
}

/** undefined: all. */
function wantedTopics ({ topics }: Request, apiVersion: number): readonly TopicRequest[] | undefined {
  if (topics === null || (apiVersion === 0 && topics.length === 0)) return undefined
  return [...new Map(topics.map(topic => [`${topic.topicId}:${topic.name}`, topic])).values()]
}

/** Creates what is missing; gives the reasons for what cannot be created. */
async function createMissing (services: Services, request: Request, wanted: readonly TopicRequest[], apiVersion: number): Promise<ReadonlyMap<string, KafkaErrorCode>> {
  const { configs, metadata, random } = services
  const failures = new Map<string, KafkaErrorCode>()
  const isAllowed = apiVersion < autoCreationIsAskedFrom || request.allowAutoTopicCreation
  if (!isAllowed || !configs.broker.autoCreateTopics) return failures
  const names = wanted.flatMap(({ name, topicId }) => name === null || topicId !== ZERO_UUID || metadata.image.topicNamed(name) !== undefined ? [] : [name])
  try {
    if (names.includes(offsetsTopic)) await services.ensureInternalTopic(offsetsTopic)
    const ordinary = names.filter(name => !isInternalTopic(name))
    if (ordinary.length === 0) return failures
    const outcomes = await proposeTopics(services, ordinary.map(name => ({
      name, topicId: newTopicId(random), numPartitions: byDefault, replicationFactor: byDefault, assignments: [], configs: []
    })), { validateOnly: false })
    outcomes.forEach((outcome, index) => { if (outcome.kind === 'refused') failures.set(ordinary[index]!, outcome.error.code) })
  } catch (error) {
    services.logger.warn('creating topics on demand failed', { error: String(error) })
    const code = kafkaCodeOf(error)
    for (const name of names) failures.set(name, code)
  }
  return failures
}

function answerTopic (services: Services, { name, topicId }: TopicRequest, failures: ReadonlyMap<string, KafkaErrorCode>, request: Request, context: RequestContext): TopicResponse {
  const { image } = services.metadata
  const usesId = topicId !== ZERO_UUID
  if (context.apiVersion < idsFrom && (usesId || name === null)) return { errorCode: KafkaErrorCode.INVALID_REQUEST, name: name ?? '', topicId, partitions: [] }
  const topic = usesId ? image.topic(topicId) : image.topicNamed(name ?? '')
  if (topic !== undefined) return viewTopic(services, topic, request, context)
  if (usesId) return { errorCode: KafkaErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] }
  return { errorCode: reasonFor(name ?? '', failures), name: name ?? '', isInternal: isInternalTopic(name ?? ''), partitions: [] }
}

function reasonFor (name: string, failures: ReadonlyMap<string, KafkaErrorCode>): KafkaErrorCode {
  if (topicNameProblem(name) !== undefined) return KafkaErrorCode.INVALID_TOPIC_EXCEPTION
  const code = failures.get(name)
  // Somebody else created it and it was deleted again, between this and that: clients ask again for this code.
  return code === undefined || code === KafkaErrorCode.TOPIC_ALREADY_EXISTS ? KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION : code
}

function viewTopic ({ metadata }: Services, topic: TopicFacts, request: Request, { listener }: RequestContext): TopicResponse {
  return {
    errorCode: KafkaErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((facts, index) => viewPartition(metadata.image, listener, facts, index)),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? topicOperations : noOperations
  }
}
