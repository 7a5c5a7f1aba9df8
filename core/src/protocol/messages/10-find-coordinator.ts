import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int8, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Which broker coordinates a group or a transactional id. v4 asks for several keys at once. */
export const findCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  versions: '0-6',
  flexible: '3+',
  request: {
    key: string('0-3'),
    keyType: int8('1+', { default: 0 }),
    coordinatorKeys: array('4+', 'string')
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3', { entity: 'brokerId' }),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: array('4+', {
      key: string('4+'),
      nodeId: int32('4+', { entity: 'brokerId' }),
      host: string('4+'),
      port: int32('4+'),
      errorCode: int16('4+'),
      errorMessage: string('4+', { nullable: '4+', ignorable: true })
    })
  }
})

export type FindCoordinatorRequest = DecodedMessage<typeof findCoordinator.request>
export type FindCoordinatorRequestInput = EncodableMessage<typeof findCoordinator.request>
export type FindCoordinatorResponse = DecodedMessage<typeof findCoordinator.response>
export type FindCoordinatorResponseInput = EncodableMessage<typeof findCoordinator.response>
