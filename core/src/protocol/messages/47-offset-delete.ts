import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Deletes committed offsets of single partitions. Never flexible. */
export const offsetDelete = defineApi({
  key: 47,
  name: 'OffsetDelete',
  versions: '0',
  flexible: 'none',
  request: {
    groupId: string('0+', { entity: 'groupId' }),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+')
      })
    })
  },
  response: {
    errorCode: int16('0+'),
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+')
      })
    })
  }
})

export type OffsetDeleteRequest = DecodedMessage<typeof offsetDelete.request>
export type OffsetDeleteRequestInput = EncodableMessage<typeof offsetDelete.request>
export type OffsetDeleteResponse = DecodedMessage<typeof offsetDelete.response>
export type OffsetDeleteResponseInput = EncodableMessage<typeof offsetDelete.response>
