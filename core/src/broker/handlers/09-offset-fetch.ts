import type { Int64 } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { OffsetFetchResponseInput } from '../../protocol/messages/09-offset-fetch.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import { ZERO_UUID } from '../../protocol/primitives/uuid.ts'
import { groupCodeOf } from '../group/group-code.ts'
import type { FoundOffset } from '../group/group-handle.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'

type Services = Pick<BrokerServices, 'groups' | 'topics'>
type GroupResponse = NonNullable<OffsetFetchResponseInput['groups']>[number]

interface Committed { readonly committedOffset: Int64, readonly committedLeaderEpoch: number, readonly metadata: string }

/** A topic asked for, by name or by id, and all or some of its partitions. */
interface Asked { readonly name: string, readonly topicId: string, readonly errorCode: KafkaErrorCode, readonly partitions: readonly number[] }

const severalGroupsSince = 8
const topicIdsSince = 10

/**
 * OffsetFetch, versions 1 to 10. A partition without a commit is no error: offset -1. Without transactions every commit is
 * stable, so `requireStable` changes nothing.
 */
export function offsetFetchHandler (services: Services): ApiHandler<typeof ApiKey.OffsetFetch> {
  return {
    apiKey: ApiKey.OffsetFetch,
    handle: async (request, { apiVersion }) => {
      if (apiVersion >= severalGroupsSince) {
        const groups = await Promise.all(request.groups.map(({ groupId, topics }) => fetchGroup(services, groupId, topics, apiVersion)))
        return { throttleTimeMs: 0, groups }
      }
      const { errorCode = KafkaErrorCode.NONE, topics } = await fetchGroup(services, request.groupId, request.topics, apiVersion)
      const named = (topics ?? []).map(({ name, partitions }) => ({ name: name!, partitions }))
      // Version 1 has no place for an error of the whole group.
      if (apiVersion >= 2 || errorCode === KafkaErrorCode.NONE) return { throttleTimeMs: 0, errorCode, topics: named }
      const refused = (request.topics ?? []).map(({ name, partitionIndexes }) => {
        return { name, partitions: partitionIndexes.map(partitionIndex => ({ ...noCommit, partitionIndex, errorCode })) }
      })
      return { throttleTimeMs: 0, topics: refused }
    }
  }
}

type TopicsAsked = readonly { readonly name: string, readonly topicId?: string, readonly partitionIndexes: readonly number[] }[] | null

async function fetchGroup (services: Services, groupId: string, topics: TopicsAsked, version: number): Promise<GroupResponse> {
  try {
    const group = await services.groups.handle(groupId)
    if (topics === null) return { groupId, errorCode: KafkaErrorCode.NONE, topics: byTopic(services, await group.fetch(null)) }
    const asked = topics.map(topic => resolve(services, topic, version))
    const wanted = asked.flatMap(({ name, partitions }) => partitions.map(partition => ({ topic: name, partition })))
    const found = (await group.fetch(wanted)).values()
    return {
      groupId,
      errorCode: KafkaErrorCode.NONE,
      topics: asked.map(({ errorCode, name, partitions, topicId }) => {
        return { name, topicId, partitions: partitions.map(() => ({ ...respond(found.next().value!), errorCode })) }
      })
    }
  } catch (error) {
    return { groupId, errorCode: groupCodeOf(error), topics: [] }
  }
}

function resolve (services: Services, asked: NonNullable<TopicsAsked>[number], version: number): Asked {
  const { name, partitionIndexes: partitions, topicId = ZERO_UUID } = asked
  if (version < topicIdsSince) return { name, topicId: ZERO_UUID, errorCode: KafkaErrorCode.NONE, partitions }
  const topic = services.topics.byId(topicId)
  if (topic === undefined) return { name: '', topicId, errorCode: KafkaErrorCode.UNKNOWN_TOPIC_ID, partitions }
  return { name: topic.name, topicId, errorCode: KafkaErrorCode.NONE, partitions }
}

/** All that a group has, topic by topic, as it comes. */
function byTopic (services: Services, found: readonly FoundOffset[]): NonNullable<GroupResponse['topics']> {
  return [...Map.groupBy(found, ({ topic }) => topic)].map(([name, offsets]) => ({
    name,
    topicId: services.topics.byName(name)?.topicId ?? ZERO_UUID,
    partitions: offsets.map(offset => ({ ...respond(offset), errorCode: KafkaErrorCode.NONE }))
  }))
}

const noCommit: Committed = Object.freeze({ committedOffset: -1, committedLeaderEpoch: -1, metadata: '' })

function respond ({ partition, value }: FoundOffset): Committed & { readonly partitionIndex: number } {
  if (value === undefined) return { partitionIndex: partition, ...noCommit }
  return { partitionIndex: partition, committedOffset: value.offset, committedLeaderEpoch: value.leaderEpoch, metadata: value.metadata }
}
