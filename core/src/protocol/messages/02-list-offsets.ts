import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, int8, string, wideInt64 } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/**
 * Offsets by timestamp, or by the sentinels −1 latest, −2 earliest, −3 of the largest timestamp (v7), −4 earliest local (v8),
 * −5 tiered (v9), −6 earliest pending upload (v11).
 */
export const listOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  versions: '1-11',
  flexible: '6+',
  request: {
    replicaId: int32('0+', { entity: 'brokerId' }),
    isolationLevel: int8('2+'),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: wideInt64('0+')
      })
    }),
    timeoutMs: int32('10+', { ignorable: true })
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        timestamp: wideInt64('1+', { default: -1 }),
        offset: int64('1+', { default: -1 }),
        leaderEpoch: int32('4+', { default: -1 })
      })
    })
  }
})

export type ListOffsetsRequest = DecodedMessage<typeof listOffsets.request>
export type ListOffsetsRequestInput = EncodableMessage<typeof listOffsets.request>
export type ListOffsetsResponse = DecodedMessage<typeof listOffsets.response>
export type ListOffsetsResponseInput = EncodableMessage<typeof listOffsets.response>
