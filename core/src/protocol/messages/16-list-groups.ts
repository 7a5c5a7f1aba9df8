import { defineApi } from '../schema/api.ts'
import { array, int16, int32, string } from '../schema/fields.ts'
import type { DecodedMessage, EncodableMessage } from '../schema/message.ts'

/** Groups of one broker. v4 filters by state, v5 by type. */
export const listGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexible: '3+',
  request: {
    statesFilter: array('4+', 'string'),
    typesFilter: array('5+', 'string')
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    groups: array('0+', {
      groupId: string('0+', { entity: 'groupId' }),
      protocolType: string('0+'),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true })
    })
  }
})

export type ListGroupsRequest = DecodedMessage<typeof listGroups.request>
export type ListGroupsRequestInput = EncodableMessage<typeof listGroups.request>
export type ListGroupsResponse = DecodedMessage<typeof listGroups.response>
export type ListGroupsResponseInput = EncodableMessage<typeof listGroups.response>
