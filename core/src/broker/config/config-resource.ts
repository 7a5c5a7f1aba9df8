import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { ConfigResource } from '../../metadata/records.ts'
import { KafkaError } from '../kafka-error.ts'
import { topicNameProblem } from '../topics/topic-name.ts'

/** Kafka's numbers for what has settings. */
export const ResourceType = { Topic: 2, Broker: 4, BrokerLogger: 8, ClientMetrics: 16, Group: 32 } as const

/** All brokers at once, as a broker's name. */
export const allBrokers = ''

const refusals: Readonly<Record<number, string>> = {
  [ResourceType.BrokerLogger]: 'log levels are set by the configuration file',
  [ResourceType.ClientMetrics]: 'metrics of clients are not part of this release',
  [ResourceType.Group]: 'groups have no settings: those of Kafka are for group protocols that are not part of this release'
}

/** What a request names; throws a KafkaError for what does not exist, or has no settings here. */
export function resolveResource (image: ClusterImage, nodeId: number, type: number, name: string): ConfigResource {
  switch (type) {
    case ResourceType.Topic: {
      const problem = topicNameProblem(name)
      if (problem !== undefined) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, problem)
      const topic = image.topicNamed(name)
      if (topic === undefined) throw new KafkaError(KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `no such topic. topic=${name}`)
      return { kind: 'topic', name: topic.topicId }
    }
    case ResourceType.Broker:
      if (name !== allBrokers && name !== String(nodeId)) throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, `Unexpected broker id, expected ${nodeId} or empty string, but received ${name}`)
      return { kind: 'broker', name }
    default:
      throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, refusals[type] ?? `no such type of resource. type=${type}`)
  }
}
