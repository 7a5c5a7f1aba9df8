import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Moves replicas between brokers. */
export const alterPartitionReassignments = defineApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0-1',
  flexible: '0+',
  request: {
    timeoutMs: int32('0+', { default: 60000 }),
    allowReplicationFactorChange: bool('1+', { default: true }),
    topics: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        replicas: array('0+', 'int32', { nullable: '0+', default: null, entity: 'brokerId' })
      })
    })
  },
  response: {
    throttleTimeMs: int32('0+'),
    allowReplicationFactorChange: bool('1+', { default: true, ignorable: true }),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    responses: array('0+', {
      name: string('0+', { entity: 'topicName' }),
      partitions: array('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' })
      })
    })
  }
})

export type AlterPartitionReassignmentsRequest = DecodedMessage<typeof alterPartitionReassignments.request>
export type AlterPartitionReassignmentsRequestInput = EncodableMessage<typeof alterPartitionReassignments.request>
export type AlterPartitionReassignmentsResponse = DecodedMessage<typeof alterPartitionReassignments.response>
export type AlterPartitionReassignmentsResponseInput = EncodableMessage<typeof alterPartitionReassignments.response>
