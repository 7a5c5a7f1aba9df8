import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** The end offset of a leader epoch, by which consumers notice a truncated log. */
export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '2-4',
  flexible: '4+',
  request: {
    replicaId: int32('3+', { default: -2, ignorable: true, entity: 'brokerId' }),
    topics: array('0+', {
      topic: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        leaderEpoch: int32('0+')
      })
    })
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      topic: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partition: int32('0+'),
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        endOffset: int64('0+', { default: -1 })
      })
    })
  }
})

export type OffsetForLeaderEpochRequest = DecodedMessage<typeof offsetForLeaderEpoch.request>
export type OffsetForLeaderEpochRequestInput = EncodableMessage<typeof offsetForLeaderEpoch.request>
export type OffsetForLeaderEpochResponse = DecodedMessage<typeof offsetForLeaderEpoch.response>
export type OffsetForLeaderEpochResponseInput = EncodableMessage<typeof offsetForLeaderEpoch.response>
