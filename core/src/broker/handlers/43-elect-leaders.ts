import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'

/** Preferred and unclean; version 0 knows the first alone. */
const electionTypes: readonly number[] = [0, 1]

/**
 * ElectLeaders, versions 0 to 2. A partition has one replica, which leads it: no election is ever needed, and all existing
 * partitions are told so. Asked for all, none is named, as Kafka does.
 */
export function electLeadersHandler ({ metadata }: Pick<BrokerServices, 'metadata'>): ApiHandler<typeof ApiKey.ElectLeaders> {
  return {
    apiKey: ApiKey.ElectLeaders,
    handle: ({ electionType, topicPartitions }) => {
      if (!electionTypes.includes(electionType)) return { throttleTimeMs: 0, errorCode: KafkaErrorCode.INVALID_REQUEST, replicaElectionResults: [] }
      const replicaElectionResults = (topicPartitions ?? []).map(({ partitions, topic }) => ({
        topic,
        partitionResult: partitions.map(partitionId => {
          const exists = metadata.image.topicNamed(topic)?.partitions[partitionId] !== undefined
          return exists
            ? { partitionId, errorCode: KafkaErrorCode.ELECTION_NOT_NEEDED, errorMessage: 'Leader election not needed for topic partition.' }
            : { partitionId, errorCode: KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `no such topic or partition. topic=${topic} partition=${partitionId}` }
        })
      }))
      return { throttleTimeMs: 0, errorCode: KafkaErrorCode.NONE, replicaElectionResults }
    }
  }
}
