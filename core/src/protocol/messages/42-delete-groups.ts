import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Deletes empty groups and their offsets. */
export const deleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2',
  flexible: '2+',
  request: {
    groupsNames: array('0+', 'string', { entity: 'groupId' })
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array('0+', {
      groupId: string('0+', { entity: 'groupId' }),
      errorCode: int16('0+')
    })
  }
})

export type DeleteGroupsRequest = DecodedMessage<typeof deleteGroups.request>
export type DeleteGroupsRequestInput = EncodableMessage<typeof deleteGroups.request>
export type DeleteGroupsResponse = DecodedMessage<typeof deleteGroups.response>
export type DeleteGroupsResponseInput = EncodableMessage<typeof deleteGroups.response>
