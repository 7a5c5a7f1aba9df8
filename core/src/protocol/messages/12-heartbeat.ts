import { defineApi } from '../schema/api.ts'
import { int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Keeps a classic group member alive; its error code says when to rejoin. */
export const heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexible: '4+',
  request: {
    groupId: string('0+', { entity: 'groupId' }),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null })
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+')
  }
})

export type HeartbeatRequest = DecodedMessage<typeof heartbeat.request>
export type HeartbeatRequestInput = EncodableMessage<typeof heartbeat.request>
export type HeartbeatResponse = DecodedMessage<typeof heartbeat.response>
export type HeartbeatResponseInput = EncodableMessage<typeof heartbeat.response>
