import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, string, uuid } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/**
 * Brokers, topics, partitions and their leaders. v0 asks for all topics with an empty list, later versions with null;
 * v10 brings topic ids, v12 lookups by id, v13 an error for the whole answer.
 */
export const metadata = defineApi({
  key: 3,
  name: 'Metadata',
  versions: '0-13',
  flexible: '9+',
  request: {
    topics: array('0+', {
      topicId: uuid('10+', { ignorable: true }),
      name: string('0+', { nullable: '10+', entity: 'topicName' })
    }, { nullable: '1+' }),
    allowAutoTopicCreation: bool('4+', { default: true }),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+')
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    brokers: array('0+', {
      nodeId: int32('0+', { entity: 'brokerId' }),
      host: string('0+'),
      port: int32('0+'),
      rack: string('1+', { nullable: '1+', default: null, ignorable: true })
    }),
    clusterId: string('2+', { nullable: '2+', default: null, ignorable: true }),
    controllerId: int32('1+', { default: -1, ignorable: true, entity: 'brokerId' }),
    topics: array('0+', {
      errorCode: int16('0+'),
      name: string('0+', { nullable: '12+', entity: 'topicName' }),
      topicId: uuid('10+', { ignorable: true }),
      isInternal: bool('1+', { default: false, ignorable: true }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+', { entity: 'brokerId' }),
        leaderEpoch: int32('7+', { default: -1, ignorable: true }),
        replicaNodes: array('0+', 'int32', { entity: 'brokerId' }),
        isrNodes: array('0+', 'int32', { entity: 'brokerId' }),
        offlineReplicas: array('5+', 'int32', { ignorable: true, entity: 'brokerId' })
      }),
      topicAuthorizedOperations: int32('8+', { default: -0x8000_0000 })
    }),
    clusterAuthorizedOperations: int32('8-10', { default: -0x8000_0000 }),
    errorCode: int16('13+', { ignorable: true })
  }
})

export type MetadataRequest = DecodedMessage<typeof metadata.request>
export type MetadataRequestInput = EncodableMessage<typeof metadata.request>
export type MetadataResponse = DecodedMessage<typeof metadata.response>
export type MetadataResponseInput = EncodableMessage<typeof metadata.response>
