import { defineApi } from '../schema/api.ts'
import { array, bool, int16, int32, int8, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Brokers, cluster id and controller. v1 asks for brokers or controllers, v2 for fenced brokers too. */
export const describeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2',
  flexible: '0+',
  request: {
    includeClusterAuthorizedOperations: bool('0+'),
    endpointType: int8('1+', { default: 1 }),
    includeFencedBrokers: bool('2+')
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string('0+'),
    controllerId: int32('0+', { default: -1, entity: 'brokerId' }),
    brokers: array('0+', {
      brokerId: int32('0+', { entity: 'brokerId' }),
      host: string('0+'),
      port: int32('0+'),
      rack: string('0+', { nullable: '0+', default: null }),
      isFenced: bool('2+')
    }),
    clusterAuthorizedOperations: int32('0+', { default: -0x8000_0000 })
  }
})

export type DescribeClusterRequest = DecodedMessage<typeof describeCluster.request>
export type DescribeClusterRequestInput = EncodableMessage<typeof describeCluster.request>
export type DescribeClusterResponse = DecodedMessage<typeof describeCluster.response>
export type DescribeClusterResponseInput = EncodableMessage<typeof describeCluster.response>
