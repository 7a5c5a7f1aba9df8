import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, string, struct, uuid } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Topics and their partitions in pages, for admin clients. */
export const describeTopicPartitions = defineApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0',
  flexible: '0+',
  request: {
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' })
    }),
    responsePartitionLimit: int32('0+', { default: 2000 }),
    cursor: struct('0+', {
      topicName: string('0+', { entity: 'topicName' }),
      partitionIndex: int32('0+')
    }, { nullable: '0+', default: null })
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array('0+', {
      errorCode: int16('0+'),
      name: string('0+', { nullable: '0+', entity: 'topicName' }),
      topicId: uuid('0+', { ignorable: true }),
      isInternal: bool('0+', { default: false, ignorable: true }),
      partitions: array('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+', { entity: 'brokerId' }),
        leaderEpoch: int32('0+', { default: -1, ignorable: true }),
        replicaNodes: array('0+', 'int32', { entity: 'brokerId' }),
        isrNodes: array('0+', 'int32', { entity: 'brokerId' }),
        eligibleLeaderReplicas: array('0+', 'int32', { nullable: '0+', default: null, entity: 'brokerId' }),
        lastKnownElr: array('0+', 'int32', { nullable: '0+', default: null, entity: 'brokerId' }),
        offlineReplicas: array('0+', 'int32', { ignorable: true, entity: 'brokerId' })
      }),
      topicAuthorizedOperations: int32('0+', { default: -0x8000_0000 })
    }),
    nextCursor: struct('0+', {
      topicName: string('0+', { entity: 'topicName' }),
      partitionIndex: int32('0+')
    }, { nullable: '0+', default: null })
  }
})

export type DescribeTopicPartitionsRequest = DecodedMessage<typeof describeTopicPartitions.request>
export type DescribeTopicPartitionsRequestInput = EncodableMessage<typeof describeTopicPartitions.request>
export type DescribeTopicPartitionsResponse = DecodedMessage<typeof describeTopicPartitions.response>
export type DescribeTopicPartitionsResponseInput = EncodableMessage<typeof describeTopicPartitions.response>
