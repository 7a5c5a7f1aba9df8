import type { Int64 } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { ListOffsetsResponseInput } from '../../protocol/messages/02-list-offsets.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import { KafkaError, kafkaCodeOf } from '../kafka-error.ts'
import { repeatedIn } from '../outcome.ts'
import type { Partition } from '../partition/partition.ts'
import type { BrokerServices } from '../services.ts'
import { checkLeaderEpoch } from './leader-epoch.ts'
import { openPartition } from './open-partition.ts'

type PartitionRequest = RequestOf<typeof ApiKey.ListOffsets>['topics'][number]['partitions'][number]
type PartitionResponse = ListOffsetsResponseInput['topics'][number]['partitions'][number]
interface Found { readonly offset: number, readonly timestamp: Int64, readonly leaderEpoch: number }

/** The timestamps that are not times, and the version that brought each. */
const Sentinel = { latest: -1, earliest: -2, largestTimestamp: -3, earliestLocal: -4, latestTiered: -5, earliestPendingUpload: -6 } as const
const sentinelVersions: Readonly<Record<string, number>> = { '-1': 1, '-2': 1, '-3': 7, '-4': 8, '-5': 9, '-6': 11 }
const leaderEpochFrom = 4
const notFound: Found = { offset: -1, timestamp: -1, leaderEpoch: -1 }

/**
 * ListOffsets, versions 1 to 11. A time is answered exactly: the first record, in offset order, that is not older. Nothing is
 * tiered in Kafka's sense: `earliest local` is the log start, `latest tiered` and `earliest pending upload` are never found.
 */
export function listOffsetsHandler (services: Pick<BrokerServices, 'topics'>): ApiHandler<typeof ApiKey.ListOffsets> {
  return {
    apiKey: ApiKey.ListOffsets,
    handle: async (request, { apiVersion }) => {
      const keyOf = (topic: string, { partitionIndex }: PartitionRequest): string => `${partitionIndex}:${topic}`
      const repeated = repeatedIn(request.topics.flatMap(({ name, partitions }) => partitions.map(partition => keyOf(name, partition))))
      return {
        throttleTimeMs: 0,
        topics: await Promise.all(request.topics.map(async ({ name, partitions }) => ({
          name,
          partitions: await Promise.all(partitions.map(partition => answer(services, name, partition, apiVersion, repeated.has(keyOf(name, partition)))))
        })))
      }
    }
  }
}

async function answer (services: Pick<BrokerServices, 'topics'>, topic: string, request: PartitionRequest, version: number, isRepeated: boolean): Promise<PartitionResponse> {
  const partitionIndex = request.partitionIndex
  try {
    if (isRepeated) throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, `partition is asked for twice. topic=${topic} partition=${partitionIndex}`)
    const partition = await openPartition(services.topics, topic, partitionIndex)
    checkLeaderEpoch(request.currentLeaderEpoch, partition.leaderEpoch)
    const { leaderEpoch, offset, timestamp } = await find(partition, request.timestamp, version)
    return { partitionIndex, errorCode: KafkaErrorCode.NONE, offset, timestamp, ...version >= leaderEpochFrom ? { leaderEpoch } : {} }
  } catch (error) {
    return { partitionIndex, errorCode: kafkaCodeOf(error), ...notFound }
  }
}

async function find (partition: Partition, timestamp: Int64, version: number): Promise<Found> {
  if (timestamp < 0 && version < (sentinelVersions[String(timestamp)] ?? Infinity)) throw new KafkaError(KafkaErrorCode.UNSUPPORTED_VERSION, `timestamp has no meaning in this version. timestamp=${timestamp} version=${version}`)
  switch (timestamp) {
    case Sentinel.latest: return { offset: partition.lastStableOffset, timestamp: -1, leaderEpoch: partition.leaderEpoch }
    case Sentinel.earliest:
    case Sentinel.earliestLocal: return { offset: partition.logStartOffset, timestamp: -1, leaderEpoch: partition.epochAt(partition.logStartOffset) }
    case Sentinel.latestTiered:
    case Sentinel.earliestPendingUpload: return notFound
    default: {
      const found = timestamp === Sentinel.largestTimestamp ? await partition.largestTimestamp() : await partition.findTimestamp(timestamp)
      return found === undefined ? notFound : { ...found, leaderEpoch: partition.epochAt(found.offset) }
    }
  }
}
