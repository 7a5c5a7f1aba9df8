import type { Random } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { Metadata } from '../../metadata/metadata.ts'
import type { Configs } from '../config/configs.ts'
import { KafkaError } from '../kafka-error.ts'
import { offsetsTopic } from './internal-topics.ts'
import { createTopics } from './topic-changes.ts'
import { newTopicId } from './topic-id.ts'

export interface InternalTopicParts {
  readonly metadata: Metadata
  readonly configs: Configs
  readonly random: Random
  readonly nodeId: number
}

/** As Kafka creates it: compaction keeps the newest record of each group and partition. */
const offsetsTopicConfigs = [
  { name: 'cleanup.policy', value: 'compact' },
  { name: 'compression.type', value: 'producer' },
  { name: 'segment.bytes', value: '104857600' }
]

/**
 * Creates an internal topic unless it is there. The metadata decides between those that try at once: all resolve, one has
 * created it. Rejects with INVALID_TOPIC_EXCEPTION for a name that this release does not use, or as `Metadata.propose`.
 */
export async function ensureInternalTopic ({ configs, metadata, nodeId, random }: InternalTopicParts, name: string): Promise<void> {
  if (name !== offsetsTopic) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, `not an internal topic of this release. topic=${name}`)
  if (metadata.image.topicNamed(name) !== undefined) return
  const topicId = newTopicId(random)
  await metadata.propose(image => {
    if (image.topicNamed(name) !== undefined) return { records: [], result: undefined }
    const settings = configs.broker
    const { records, result } = createTopics(image, [{ name, topicId, numPartitions: settings.offsetsTopicPartitions, replicationFactor: 1, assignments: [], configs: offsetsTopicConfigs }], { ownerNodeId: nodeId, settings, allowsInternal: true })
    const [outcome] = result
    if (outcome?.kind === 'refused') throw outcome.error
    return { records, result: undefined }
  })
}
