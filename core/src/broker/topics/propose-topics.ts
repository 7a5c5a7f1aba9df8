import type { Outcome } from '../outcome.ts'
import type { BrokerServices } from '../services.ts'
import { createTopics, type TopicPlan, type WantedTopic } from './topic-changes.ts'

/**
 * Creates those of `wanted` that may be created, all in one change of the metadata; with `validateOnly` only tells what would
 * become of each. Rejects as `Metadata.propose`.
 */
export async function proposeTopics (services: Pick<BrokerServices, 'metadata' | 'configs' | 'nodeId' | 'logger'>, wanted: readonly WantedTopic[], options: { readonly validateOnly: boolean }): Promise<readonly Outcome<TopicPlan>[]> {
  const { configs, logger, metadata, nodeId } = services
  const rules = { ownerNodeId: nodeId, settings: configs.broker }
  if (options.validateOnly) return createTopics(metadata.image, wanted, rules).result
  const outcomes = await metadata.propose(image => createTopics(image, wanted, rules))
  outcomes.forEach((outcome, index) => {
    const topic = wanted[index]!.name
    if (outcome.kind !== 'done') return
    logger.info('topic created', { topic, topicId: outcome.value.topicId, partitions: outcome.value.partitionCount })
    if (outcome.value.configs['cleanup.policy']?.includes('compact') === true) {
      logger.warn('compaction does not run in this release: older records of a key stay in the topic', { topic })
    }
  })
  return outcomes
}
