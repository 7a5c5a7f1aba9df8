import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Leaves a classic group. v3 names several members, static ones included. */
export const leaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string('0+', { entity: 'groupId' }),
    memberId: string('0-2'),
    members: array('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
      reason: string('5+', { nullable: '5+', default: null, ignorable: true })
    })
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    members: array('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+' }),
      errorCode: int16('3+')
    })
  }
})

export type LeaveGroupRequest = DecodedMessage<typeof leaveGroup.request>
export type LeaveGroupRequestInput = EncodableMessage<typeof leaveGroup.request>
export type LeaveGroupResponse = DecodedMessage<typeof leaveGroup.response>
export type LeaveGroupResponseInput = EncodableMessage<typeof leaveGroup.response>
