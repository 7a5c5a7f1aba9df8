import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import { ZERO_UUID } from '../../protocol/primitives/uuid.ts'
import type { CommittedOffset } from '../group/group-records.ts'
import type { FoundGroup } from '../group/group-coordinator.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import type { Topic } from '../topics/topic-registry.ts'
import { groupCodeOf } from './group-request.ts'

type Services = Pick<BrokerServices, 'groups' | 'topics' | 'clock' | 'configs'>
type Request = RequestOf<typeof ApiKey.OffsetCommit>

const topicIdsSince = 10
const groupNotFoundSince = 9

/** OffsetCommit, versions 2 to 10. The retention time of old versions is not acted on: expiry is the group's (KIP-211). */
export function offsetCommitHandler (services: Services): ApiHandler<typeof ApiKey.OffsetCommit> {
  return {
    apiKey: ApiKey.OffsetCommit,
    handle: async (request, { apiVersion }) => {
      const verdict = await groupVerdict(services, request, apiVersion)
      const topics = request.topics.map(asked => {
        const topic = apiVersion >= topicIdsSince ? services.topics.byId(asked.topicId) : services.topics.byName(asked.name)
        const partitions = asked.partitions.map(partition => ({ partition, errorCode: verdict.errorCode !== KafkaErrorCode.NONE ? verdict.errorCode : check(services, topic, partition, apiVersion) }))
        return { asked, topic, partitions }
      })
      const commits = topics.flatMap(({ partitions, topic }) => partitions.flatMap(({ errorCode, partition }) => errorCode === KafkaErrorCode.NONE
        ? [{ topic: topic!.name, partition: partition.partitionIndex, value: toCommit(partition, topic!.topicId ?? ZERO_UUID, services.clock.wallMs()) }]
        : []))
      const stored = verdict.found === undefined || commits.length === 0 ? KafkaErrorCode.NONE : await verdict.found.shard.commit(verdict.found.entry, commits)
      return {
        throttleTimeMs: 0,
        topics: topics.map(({ asked, partitions }) => ({
          name: asked.name,
          topicId: asked.topicId,
          partitions: partitions.map(({ errorCode, partition }) => ({ partitionIndex: partition.partitionIndex, errorCode: errorCode === KafkaErrorCode.NONE ? stored : errorCode }))
        }))
      }
    }
  }
}

async function groupVerdict (services: Services, request: Request, version: number): Promise<{ readonly errorCode: KafkaErrorCode, readonly found?: FoundGroup }> {
  const member = { memberId: request.memberId, groupInstanceId: request.groupInstanceId, generationId: request.generationIdOrMemberEpoch }
  try {
    const known = await services.groups.find(request.groupId)
    if (known === undefined && member.generationId >= 0) return { errorCode: version >= groupNotFoundSince ? KafkaErrorCode.GROUP_ID_NOT_FOUND : KafkaErrorCode.ILLEGAL_GENERATION }
    const found = known ?? await services.groups.ensure(request.groupId)
    return { found, errorCode: found.shard.act(found.entry, (group, nowMs) => group.validateCommit(member, nowMs)) }
  } catch (error) {
    return { errorCode: groupCodeOf(error) }
  }
}

type PartitionRequest = Request['topics'][number]['partitions'][number]

function check (services: Services, topic: Topic | undefined, partition: PartitionRequest, version: number): KafkaErrorCode {
  if (topic === undefined && version >= topicIdsSince) return KafkaErrorCode.UNKNOWN_TOPIC_ID
  if (topic?.slot(partition.partitionIndex) === undefined) return KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return Buffer.byteLength(partition.committedMetadata ?? '') > services.configs.broker.offsetMetadataMaxBytes ? KafkaErrorCode.OFFSET_METADATA_TOO_LARGE : KafkaErrorCode.NONE
}

function toCommit ({ committedLeaderEpoch, committedMetadata, committedOffset }: PartitionRequest, topicId: string, committedMs: number): CommittedOffset {
  return { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: committedMetadata ?? '', committedMs, topicId }
}
