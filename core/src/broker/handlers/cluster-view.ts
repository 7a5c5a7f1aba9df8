import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { ClusterImage } from '../../metadata/image.ts'
import type { PartitionFacts } from '../../metadata/records.ts'

/** A broker as clients on one listener see it. */
export interface BrokerView { readonly nodeId: number, readonly host: string, readonly port: number, readonly rack: string | null }

/** Every node that can be reached on the listener that the request came in by. */
export function brokersOf (image: ClusterImage, listener: string): readonly BrokerView[] {
  return image.brokers().flatMap(({ endpoints, nodeId, rack }) => {
    const endpoint = endpoints.find(({ name }) => name === listener)
    return endpoint === undefined ? [] : [{ nodeId, host: endpoint.host, port: endpoint.port, rack }]
  }).sort((left, right) => left.nodeId - right.nodeId)
}

export interface PartitionView {
  readonly errorCode: KafkaErrorCode
  readonly partitionIndex: number
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
  readonly offlineReplicas: readonly number[]
}

/**
 * A partition as clients on one listener see it. The owner of its stream leads it and is its only replica; the stream's epoch
 * is the leader epoch, so that Metadata, Fetch and Produce agree.
 */
export function viewPartition (image: ClusterImage, listener: string, facts: PartitionFacts, partitionIndex: number): PartitionView {
  const stream = image.stream(facts.dataStreamId)
  const leader = stream === undefined ? undefined : image.node(stream.ownerNodeId)
  if (stream === undefined || leader === undefined) {
    return { errorCode: KafkaErrorCode.LEADER_NOT_AVAILABLE, partitionIndex, leaderId: -1, leaderEpoch: stream?.epoch ?? -1, replicaNodes: [], isrNodes: [], offlineReplicas: [] }
  }
  const replicas = [leader.nodeId]
  const isReachable = leader.endpoints.some(({ name }) => name === listener)
  return {
    errorCode: isReachable ? KafkaErrorCode.NONE : KafkaErrorCode.LISTENER_NOT_FOUND,
    partitionIndex,
    leaderId: isReachable ? leader.nodeId : -1,
    leaderEpoch: stream.epoch,
    replicaNodes: replicas,
    isrNodes: replicas,
    offlineReplicas: []
  }
}
