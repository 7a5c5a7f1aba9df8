import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import { kafkaCodeOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { checkLeaderEpoch } from './leader-epoch.ts'
import { openPartition } from './open-partition.ts'

/** OffsetForLeaderEpoch, versions 2 to 4 (KIP-320). */
export function offsetForLeaderEpochHandler (services: Pick<BrokerServices, 'topics'>): ApiHandler<typeof ApiKey.OffsetForLeaderEpoch> {
  return {
    apiKey: ApiKey.OffsetForLeaderEpoch,
    handle: async request => ({
      throttleTimeMs: 0,
      topics: await Promise.all(request.topics.map(async ({ partitions, topic }) => ({
        topic,
        partitions: await Promise.all(partitions.map(async ({ currentLeaderEpoch, leaderEpoch, partition: index }) => {
          try {
            const partition = await openPartition(services.topics, topic, index)
            checkLeaderEpoch(currentLeaderEpoch, partition.leaderEpoch)
            return { partition: index, errorCode: KafkaErrorCode.NONE, ...partition.endOfEpoch(leaderEpoch) }
          } catch (error) {
            return { partition: index, errorCode: kafkaCodeOf(error), leaderEpoch: -1, endOffset: -1 }
          }
        }))
      })))
    })
  }
}
