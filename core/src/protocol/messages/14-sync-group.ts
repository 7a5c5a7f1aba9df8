import { defineApi } from '../schema/api.ts'
import { array, bytes, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Hands out the assignments that the leader of a classic group has made. */
export const syncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  request: {
    groupId: string('0+', { entity: 'groupId' }),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignments: array('0+', {
      memberId: string('0+'),
      assignment: bytes('0+')
    })
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    protocolType: string('5+', { nullable: '5+', default: null, ignorable: true }),
    protocolName: string('5+', { nullable: '5+', default: null, ignorable: true }),
    assignment: bytes('0+')
  }
})

export type SyncGroupRequest = DecodedMessage<typeof syncGroup.request>
export type SyncGroupRequestInput = EncodableMessage<typeof syncGroup.request>
export type SyncGroupResponse = DecodedMessage<typeof syncGroup.response>
export type SyncGroupResponseInput = EncodableMessage<typeof syncGroup.response>
