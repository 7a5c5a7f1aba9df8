import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Replica moves that are under way. */
export const listPartitionReassignments = defineApi({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0',
  flexible: '0+',
  request: {
    timeoutMs: int32('0+', { default: 60000 }),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitionIndexes: array('0+', 'int32')
    }, { nullable: '0+', default: null })
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', 'int32', { entity: 'brokerId' }),
        addingReplicas: array('0+', 'int32', { entity: 'brokerId' }),
        removingReplicas: array('0+', 'int32', { entity: 'brokerId' })
      })
    })
  }
})

export type ListPartitionReassignmentsRequest = DecodedMessage<typeof listPartitionReassignments.request>
export type ListPartitionReassignmentsRequestInput = EncodableMessage<typeof listPartitionReassignments.request>
export type ListPartitionReassignmentsResponse = DecodedMessage<typeof listPartitionReassignments.response>
export type ListPartitionReassignmentsResponseInput = EncodableMessage<typeof listPartitionReassignments.response>
