import { defineApi } from '../schema/api.ts'
import { array, bool, bytes, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** State and members of groups. v6 says why a group could not be described. */
export const describeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-6',
  flexible: '5+',
  request: {
    groups: array('0+', 'string', { entity: 'groupId' }),
    includeAuthorizedOperations: bool('3+')
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    groups: array('0+', {
      errorCode: int16('0+'),
      errorMessage: string('6+', { nullable: '6+', default: null }),
      groupId: string('0+', { entity: 'groupId' }),
      groupState: string('0+'),
      protocolType: string('0+'),
      protocolData: string('0+'),
      members: array('0+', {
        memberId: string('0+'),
        groupInstanceId: string('4+', { nullable: '4+', default: null, ignorable: true }),
        clientId: string('0+'),
        clientHost: string('0+'),
        memberMetadata: bytes('0+'),
        memberAssignment: bytes('0+')
      }),
      authorizedOperations: int32('3+', { default: -0x8000_0000 })
    })
  }
})

export type DescribeGroupsRequest = DecodedMessage<typeof describeGroups.request>
export type DescribeGroupsRequestInput = EncodableMessage<typeof describeGroups.request>
export type DescribeGroupsResponse = DecodedMessage<typeof describeGroups.response>
export type DescribeGroupsResponseInput = EncodableMessage<typeof describeGroups.response>
