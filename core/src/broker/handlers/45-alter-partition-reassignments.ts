import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { ApiHandler } from '../handler.ts'
import { KafkaError, kafkaCodeOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'

/**
 * AlterPartitionReassignments, versions 0 and 1. Left out: moving a partition to another broker. A list that names the
 * leader alone is what is already so, and succeeds; any other is refused with INVALID_REPLICA_ASSIGNMENT. Nothing is ever
 * under way that could be cancelled.
 */
export function alterPartitionReassignmentsHandler ({ metadata }: Pick<BrokerServices, 'metadata'>): ApiHandler<typeof ApiKey.AlterPartitionReassignments> {
  return {
    apiKey: ApiKey.AlterPartitionReassignments,
    handle: ({ allowReplicationFactorChange, topics }) => ({
      throttleTimeMs: 0,
      allowReplicationFactorChange,
      errorCode: KafkaErrorCode.NONE,
      errorMessage: null,
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, replicas }) => {
          try {
            check(metadata.image, name, partitionIndex, replicas)
            return { partitionIndex, errorCode: KafkaErrorCode.NONE, errorMessage: null }
          } catch (error) {
            if (!(error instanceof KafkaError)) throw error
            return { partitionIndex, errorCode: kafkaCodeOf(error), errorMessage: error.message }
          }
        })
      }))
    })
  }
}

function check (image: ClusterImage, name: string, partitionIndex: number, replicas: readonly number[] | null): void {
  const facts = image.topicNamed(name)?.partitions[partitionIndex]
  const stream = facts === undefined ? undefined : image.stream(facts.dataStreamId)
  if (stream === undefined) throw new KafkaError(KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `no such topic or partition. topic=${name} partition=${partitionIndex}`)
  if (replicas === null) throw new KafkaError(KafkaErrorCode.NO_REASSIGNMENT_IN_PROGRESS, 'no reassignment is in progress')
  if (replicas.length !== 1 || replicas[0] !== stream.ownerNodeId) {
    throw new KafkaError(KafkaErrorCode.INVALID_REPLICA_ASSIGNMENT, `partitions cannot be moved in this release, and have one replica. leader=${stream.ownerNodeId} got=${replicas.join(',')}`)
  }
}
