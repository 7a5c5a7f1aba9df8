import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { decodeVersioned } from '../../protocol/internal-records/versioned.ts'
import { consumerProtocolSubscription } from '../../protocol/internal-records/consumer-protocol.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { Group } from '../group/group.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from './group-request.ts'

/** OffsetDelete, version 0: offsets of topics that no member of the group is subscribed to. */
export function offsetDeleteHandler (services: Pick<BrokerServices, 'groups' | 'topics'>): ApiHandler<typeof ApiKey.OffsetDelete> {
  return {
    apiKey: ApiKey.OffsetDelete,
    handle: async request => {
      const refuse = (errorCode: KafkaErrorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] })
      try {
        const found = await services.groups.find(request.groupId)
        if (found === undefined) return refuse(KafkaErrorCode.GROUP_ID_NOT_FOUND)
        const { group } = found.entry
        if (group.state !== 'Empty' && group.protocolType !== 'consumer') return refuse(KafkaErrorCode.NON_EMPTY_GROUP)
        const subscribed = subscriptions(group)
        const topics = request.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: verdict(services, name, partitionIndex, subscribed) }))
        }))
        const commits = topics.flatMap(({ name, partitions }) => partitions.filter(({ errorCode }) => errorCode === KafkaErrorCode.NONE).map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex, value: null })))
        const stored = commits.length === 0 ? KafkaErrorCode.NONE : await found.shard.commit(found.entry, commits)
        return stored === KafkaErrorCode.NONE ? { errorCode: KafkaErrorCode.NONE, throttleTimeMs: 0, topics } : refuse(stored)
      } catch (error) {
        return refuse(groupCodeOf(error))
      }
    }
  }
}

function verdict (services: Pick<BrokerServices, 'topics'>, topic: string, partition: number, subscribed: ReadonlySet<string> | 'all'): KafkaErrorCode {
  if (services.topics.byName(topic)?.slot(partition) === undefined) return KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return subscribed === 'all' || subscribed.has(topic) ? KafkaErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : KafkaErrorCode.NONE
}

/** What the members read; `all` when one of them says it in a way that cannot be read. */
function subscriptions (group: Group): ReadonlySet<string> | 'all' {
  const topics = new Set<string>()
  try {
    for (const member of group.members) {
      for (const { metadata } of member.protocols) for (const topic of decodeVersioned(consumerProtocolSubscription, metadata).topics) topics.add(topic)
    }
  } catch {
    return 'all'
  }
  return topics
}
