import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string, uuid } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Deletes topics; v6 by name or id. */
export const deleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  versions: '1-6',
  flexible: '4+',
  request: {
    topics: array('6+', {
      name: string('6+', { nullable: '6+', default: null, entity: 'topicName' }),
      topicId: uuid('6+')
    }),
    topicNames: array('0-5', 'string', { ignorable: true, entity: 'topicName' }),
    timeoutMs: int32('0+')
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: array('0+', {
      name: string('0+', { nullable: '6+', entity: 'topicName' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true })
    })
  }
})

export type DeleteTopicsRequest = DecodedMessage<typeof deleteTopics.request>
export type DeleteTopicsRequestInput = EncodableMessage<typeof deleteTopics.request>
export type DeleteTopicsResponse = DecodedMessage<typeof deleteTopics.response>
export type DeleteTopicsResponseInput = EncodableMessage<typeof deleteTopics.response>
