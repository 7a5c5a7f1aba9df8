import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string, uuid } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Creates topics. v5 answers with the resulting configuration, v7 with topic ids. */
export const createTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  versions: '2-7',
  flexible: '5+',
  request: {
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      numPartitions: int32('0+'),
      replicationFactor: int16('0+'),
      assignments: array('0+', {
        partitionIndex: int32('0+'),
        brokerIds: array('0+', 'int32', { entity: 'brokerId' })
      }),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' })
      })
    }),
    timeoutMs: int32('0+', { default: 60000 }),
    validateOnly: bool('1+', { default: false })
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('1+', { nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16('5+', { ignorable: true, tag: 0 }),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: array('5+', {
        name: string('5+'),
        value: string('5+', { nullable: '5+' }),
        readOnly: bool('5+'),
        configSource: int8('5+', { default: -1, ignorable: true }),
        isSensitive: bool('5+')
      }, { nullable: '5+', ignorable: true })
    })
  }
})

export type CreateTopicsRequest = DecodedMessage<typeof createTopics.request>
export type CreateTopicsRequestInput = EncodableMessage<typeof createTopics.request>
export type CreateTopicsResponse = DecodedMessage<typeof createTopics.response>
export type CreateTopicsResponseInput = EncodableMessage<typeof createTopics.response>
