import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { OffsetFetchResponseInput } from '../../protocol/messages/09-offset-fetch.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import { ZERO_UUID } from '../../protocol/primitives/uuid.ts'
import { OffsetStore } from '../group/offset-store.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from './group-request.ts'

type Services = Pick<BrokerServices, 'groups' | 'topics'>
type GroupResponse = NonNullable<OffsetFetchResponseInput['groups']>[number]

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
        return { throttleTimeMs: 0, groups: await Promise.all(request.groups.map(({ groupId, topics }) => fetchGroup(services, groupId, topics, apiVersion))) }
      }
      const { errorCode, topics } = await fetchGroup(services, request.groupId, request.topics, apiVersion)
      const named = (topics ?? []).map(({ name, partitions }) => ({ name: name!, partitions }))
      // Version 1 has no place for an error of the whole group.
      if (apiVersion >= 2 || errorCode === undefined || errorCode === KafkaErrorCode.NONE) return { throttleTimeMs: 0, errorCode: errorCode ?? KafkaErrorCode.NONE, topics: named }
      return { throttleTimeMs: 0, topics: (request.topics ?? []).map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(index => ({ ...respond(new OffsetStore(), name, index), errorCode })) })) }
    }
  }
}

type TopicsAsked = readonly { readonly name: string, readonly topicId?: string, readonly partitionIndexes: readonly number[] }[] | null

async function fetchGroup (services: Services, groupId: string, topics: TopicsAsked, version: number): Promise<GroupResponse> {
  try {
    const offsets = (await services.groups.find(groupId))?.entry.offsets ?? new OffsetStore()
    const asked = topics === null ? allOf(services, offsets) : topics.map(topic => resolve(services, topic, version))
    return {
      groupId,
      errorCode: KafkaErrorCode.NONE,
      topics: asked.map(({ errorCode, name, partitions, topicId }) => ({
        name,
        topicId,
        partitions: partitions.map(index => ({ ...respond(offsets, name, index), errorCode }))
      }))
    }
  } catch (error) {
    return { groupId, errorCode: groupCodeOf(error), topics: [] }
  }
}

function resolve (services: Services, { name, partitionIndexes, topicId = ZERO_UUID }: NonNullable<TopicsAsked>[number], version: number): Asked {
  if (version < topicIdsSince) return { name, topicId: ZERO_UUID, errorCode: KafkaErrorCode.NONE, partitions: partitionIndexes }
  const topic = services.topics.byId(topicId)
  return { name: topic?.name ?? '', topicId, errorCode: topic === undefined ? KafkaErrorCode.UNKNOWN_TOPIC_ID : KafkaErrorCode.NONE, partitions: partitionIndexes }
}

function allOf (services: Services, offsets: OffsetStore): Asked[] {
  return [...offsets.topics()].map(name => ({ name, topicId: services.topics.byName(name)?.topicId ?? ZERO_UUID, errorCode: KafkaErrorCode.NONE, partitions: [...offsets.partitions(name)] }))
}

function respond (offsets: OffsetStore, topic: string, partitionIndex: number): { readonly partitionIndex: number, readonly committedOffset: number, readonly committedLeaderEpoch: number, readonly metadata: string } {
  const committed = offsets.get(topic, partitionIndex)
  return { partitionIndex, committedOffset: committed?.offset ?? -1, committedLeaderEpoch: committed?.leaderEpoch ?? -1, metadata: committed?.metadata ?? '' }
}
