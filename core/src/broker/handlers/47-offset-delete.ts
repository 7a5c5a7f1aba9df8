import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from '../group/group-code.ts'

/** OffsetDelete, version 0: offsets of topics that no member of the group is subscribed to. */
export function offsetDeleteHandler (services: Pick<BrokerServices, 'groups' | 'topics'>): ApiHandler<typeof ApiKey.OffsetDelete> {
  return {
    apiKey: ApiKey.OffsetDelete,
    handle: async request => {
      const refuse = (errorCode: KafkaErrorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] })
      try {
        const group = await services.groups.handle(request.groupId)
        const known = (topic: string, partition: number): boolean => services.topics.byName(topic)?.slot(partition) !== undefined
        const wanted = request.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex, isKnown: known(name, partitionIndex) })))
        const deleted = (await group.deleteOffsets(wanted.filter(({ isKnown }) => isKnown))).values()
        const codes = wanted.map(({ isKnown }) => isKnown ? deleted.next().value! : KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION).values()
        return {
          errorCode: KafkaErrorCode.NONE,
          throttleTimeMs: 0,
          topics: request.topics.map(({ name, partitions }) => {
            return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: codes.next().value! })) }
          })
        }
      } catch (error) {
        return refuse(groupCodeOf(error))
      }
    }
  }
}
