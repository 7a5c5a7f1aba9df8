import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { DescribeTopicPartitionsResponseInput } from '../../protocol/messages/75-describe-topic-partitions.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import { topicOperations } from '../authorized-operations.ts'
import type { ApiHandler, Answer } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { isInternalTopic } from '../topics/internal-topics.ts'
import { topicNameProblem } from '../topics/topic-name.ts'
import { viewPartition } from './cluster-view.ts'

type Services = Pick<BrokerServices, 'metadata' | 'configs'>
type Request = RequestOf<typeof ApiKey.DescribeTopicPartitions>
type TopicResponse = DescribeTopicPartitionsResponseInput['topics'][number]

/**
 * DescribeTopicPartitions, version 0: topics sorted by name, in pages of at most `max.request.partition.size.limit`
 * partitions; an empty list asks for all. A topic that does not exist takes the place of one partition. Eligible leader
 * replicas are always empty: there are no replicas.
 */
export function describeTopicPartitionsHandler (services: Services): ApiHandler<typeof ApiKey.DescribeTopicPartitions> {
  return {
    apiKey: ApiKey.DescribeTopicPartitions,
    handle: (request, { listener }) => describe(services, request, listener)
  }
}

function describe ({ configs, metadata }: Services, { cursor, responsePartitionLimit, topics: asked }: Request, listener: string): Answer<typeof ApiKey.DescribeTopicPartitions> {
  const { image } = metadata
  const names = asked.length === 0 ? [...image.topics()].map(({ name }) => name) : [...new Set(asked.map(({ name }) => name))]
  const isMisplaced = cursor !== null && (cursor.partitionIndex < 0 || (asked.length > 0 && !names.includes(cursor.topicName)))
  if (isMisplaced) return { throttleTimeMs: 0, topics: names.map(name => failed(name, KafkaErrorCode.INVALID_REQUEST)) }
  const remaining = names.sort().filter(name => cursor === null || name >= cursor.topicName)
  const topics: TopicResponse[] = []
  let left = Math.max(1, Math.min(responsePartitionLimit, configs.broker.describePartitionsMax))
  for (const name of remaining) {
    const first = name === cursor?.topicName ? cursor.partitionIndex : 0
    if (left === 0) return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: first } }
    const facts = image.topicNamed(name)
    if (facts === undefined) {
      topics.push(failed(name, topicNameProblem(name) === undefined ? KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION : KafkaErrorCode.INVALID_TOPIC_EXCEPTION))
      left--
      continue
    }
    const end = Math.min(facts.partitions.length, first + left)
    topics.push({
      errorCode: KafkaErrorCode.NONE,
      name,
      topicId: facts.topicId,
      isInternal: isInternalTopic(name),
      partitions: facts.partitions.slice(first, end).map((partition, index) => ({ ...viewPartition(image, listener, partition, first + index), eligibleLeaderReplicas: [], lastKnownElr: [] })),
      topicAuthorizedOperations: topicOperations
    })
    if (end < facts.partitions.length) return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: end } }
    left -= Math.max(0, end - first)
  }
  return { throttleTimeMs: 0, topics, nextCursor: null }
}

function failed (name: string, errorCode: KafkaErrorCode): TopicResponse {
  return { errorCode, name, isInternal: isInternalTopic(name), partitions: [] }
}
