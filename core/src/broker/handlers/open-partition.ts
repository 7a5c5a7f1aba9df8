import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { KafkaError } from '../kafka-error.ts'
import type { Partition } from '../partition/partition.ts'
import type { TopicRegistry } from '../topics/topic-registry.ts'

/** The open partition; throws UNKNOWN_TOPIC_OR_PARTITION when there is none of that name and index. */
export async function openPartition (topics: TopicRegistry, topicName: string, index: number): Promise<Partition> {
  const slot = topics.byName(topicName)?.slot(index)
  if (slot === undefined) throw new KafkaError(KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `no such topic or partition. topic=${topicName} partition=${index}`)
  return slot.partition ?? await slot.whenOpen()
}
