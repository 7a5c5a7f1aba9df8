import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey, type RequestOf } from '../../protocol/messages/apis.ts'
import { groupCodeOf } from '../group/group-code.ts'
import type { Commit } from '../group/group-handle.ts'
import type { MemberClaim } from '../group/member.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import type { Topic } from '../topics/topic-registry.ts'

type Services = Pick<BrokerServices, 'groups' | 'topics' | 'clock' | 'configs'>
type Request = RequestOf<typeof ApiKey.OffsetCommit>

const topicIdsSince = 10
const groupNotFoundSince = 9

/** OffsetCommit, versions 2 to 10. The retention time of old versions is not acted on: expiry is the group's (KIP-211). */
export function offsetCommitHandler (services: Services): ApiHandler<typeof ApiKey.OffsetCommit> {
  return {
    apiKey: ApiKey.OffsetCommit,
    handle: async (request, { apiVersion }) => {
      try {
        const group = await services.groups.handle(request.groupId)
        // From here to the append is one turn: what a topic is called now is what the commit belongs to.
        const topics = request.topics.map(asked => resolve(services, asked, apiVersion))
        const nowMs = services.clock.wallMs()
        const commits = topics.flatMap(({ partitions, topic }) => partitions
          .filter(({ errorCode }) => errorCode === KafkaErrorCode.NONE)
          .map(({ partition }) => toCommit(partition, topic!, nowMs)))
        const { stored, verdict } = await group.commit(claimOf(request), commits)
        if (verdict !== KafkaErrorCode.NONE) return refuse(request, verdictOf(verdict, apiVersion))
        return {
          throttleTimeMs: 0,
          topics: topics.map(({ asked, partitions }) => ({
            name: asked.name,
            topicId: asked.topicId,
            partitions: partitions.map(({ errorCode, partition: { partitionIndex } }) => {
              return { partitionIndex, errorCode: errorCode === KafkaErrorCode.NONE ? stored : errorCode }
            })
          }))
        }
      } catch (error) {
        return refuse(request, groupCodeOf(error))
      }
    }
  }
}

function claimOf ({ generationIdOrMemberEpoch, groupInstanceId, memberId }: Request): MemberClaim {
  return { memberId, groupInstanceId, generationId: generationIdOrMemberEpoch }
}

/** Old clients do not know that a group can be unknown to a commit. */
function verdictOf (verdict: KafkaErrorCode, version: number): KafkaErrorCode {
  return verdict === KafkaErrorCode.GROUP_ID_NOT_FOUND && version < groupNotFoundSince ? KafkaErrorCode.ILLEGAL_GENERATION : verdict
}

function refuse ({ topics }: Request, errorCode: KafkaErrorCode) {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions, topicId }) => {
      return { name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
    })
  }
}

function resolve (services: Services, asked: TopicRequest, version: number) {
  const topic = version >= topicIdsSince ? services.topics.byId(asked.topicId) : services.topics.byName(asked.name)
  const partitions = asked.partitions.map(partition => ({ partition, errorCode: check(services, topic, partition, version) }))
  return { asked, topic, partitions }
}

type TopicRequest = Request['topics'][number]
type PartitionRequest = TopicRequest['partitions'][number]

function check (services: Services, topic: Topic | undefined, partition: PartitionRequest, version: number): KafkaErrorCode {
  if (topic === undefined && version >= topicIdsSince) return KafkaErrorCode.UNKNOWN_TOPIC_ID
  if (topic?.slot(partition.partitionIndex) === undefined) return KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  const isTooLarge = Buffer.byteLength(partition.committedMetadata ?? '') > services.configs.broker.offsetMetadataMaxBytes
  return isTooLarge ? KafkaErrorCode.OFFSET_METADATA_TOO_LARGE : KafkaErrorCode.NONE
}

function toCommit (partition: PartitionRequest, { name, topicId }: Topic, committedMs: number): Commit {
  const { committedLeaderEpoch, committedMetadata, committedOffset, partitionIndex } = partition
  const value = { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: committedMetadata ?? '', committedMs, topicId }
  return { topic: name, partition: partitionIndex, value }
}
