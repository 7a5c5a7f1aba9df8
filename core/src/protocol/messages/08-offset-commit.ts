import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string, uuid, wideInt64 } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Offsets that a group has consumed. v7 brings static members, v9 member epochs of the new group protocol, v10 topic ids. */
export const offsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  versions: '2-10',
  flexible: '8+',
  request: {
    groupId: string('0+', { entity: 'groupId' }),
    generationIdOrMemberEpoch: int32('1+', { default: -1, ignorable: true }),
    memberId: string('1+', { ignorable: true }),
    groupInstanceId: string('7+', { nullable: '7+', default: null }),
    retentionTimeMs: wideInt64('2-4', { default: -1, ignorable: true }),
    topics: array('0+', {
      name: string('0-9', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        committedOffset: wideInt64('0+'),
        committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
        committedMetadata: string('0+', { nullable: '0+' })
      })
    })
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array('0+', {
      name: string('0-9', { ignorable: true, entity: 'topicName' }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+')
      })
    })
  }
})

export type OffsetCommitRequest = DecodedMessage<typeof offsetCommit.request>
export type OffsetCommitRequestInput = EncodableMessage<typeof offsetCommit.request>
export type OffsetCommitResponse = DecodedMessage<typeof offsetCommit.response>
export type OffsetCommitResponseInput = EncodableMessage<typeof offsetCommit.response>
