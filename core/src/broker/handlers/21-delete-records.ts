import type { Int64 } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import { KafkaError, kafkaCodeOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { isInternalTopic } from '../topics/internal-topics.ts'
import { openPartition } from './open-partition.ts'

const toHighWatermark = -1

/** DeleteRecords, versions 0 to 2: raises the log start offset, never lowers it. */
export function deleteRecordsHandler (services: Pick<BrokerServices, 'topics' | 'configs'>): ApiHandler<typeof ApiKey.DeleteRecords> {
  return {
    apiKey: ApiKey.DeleteRecords,
    handle: async request => ({
      throttleTimeMs: 0,
      topics: await Promise.all(request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(partitions.map(async ({ offset, partitionIndex }) => {
          try {
            return { partitionIndex, errorCode: KafkaErrorCode.NONE, lowWatermark: await deleteBefore(services, name, partitionIndex, offset) }
          } catch (error) {
            return { partitionIndex, errorCode: kafkaCodeOf(error), lowWatermark: -1 }
          }
        }))
      })))
    })
  }
}

async function deleteBefore (services: Pick<BrokerServices, 'topics' | 'configs'>, topic: string, index: number, offset: Int64): Promise<number> {
  if (isInternalTopic(topic)) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, `records of an internal topic are not deleted. topic=${topic}`)
  const partition = await openPartition(services.topics, topic, index)
  const { isCompacted, isDeleted } = services.configs.ofTopic(partition.topicId)
  if (isCompacted && !isDeleted) throw new KafkaError(KafkaErrorCode.POLICY_VIOLATION, `records of a compacted topic are not deleted. topic=${topic}`)
  const target = offset === toHighWatermark ? partition.highWatermark : offset
  if (target < 0 || target > partition.highWatermark) throw new KafkaError(KafkaErrorCode.OFFSET_OUT_OF_RANGE, `offset is outside the log. offset=${offset} highWatermark=${partition.highWatermark}`)
  return await partition.deleteBefore(Number(target))
}
