import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Adds partitions to topics. */
export const createPartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  request: {
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      count: int32('0+'),
      assignments: array('0+', {
        brokerIds: array('0+', 'int32', { entity: 'brokerId' })
      }, { nullable: '0+' })
    }),
    timeoutMs: int32('0+'),
    validateOnly: bool('0+')
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null })
    })
  }
})

export type CreatePartitionsRequest = DecodedMessage<typeof createPartitions.request>
export type CreatePartitionsRequestInput = EncodableMessage<typeof createPartitions.request>
export type CreatePartitionsResponse = DecodedMessage<typeof createPartitions.response>
export type CreatePartitionsResponseInput = EncodableMessage<typeof createPartitions.response>
