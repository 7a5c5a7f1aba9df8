import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from '../group/group-code.ts'

const severalSince = 3

/** LeaveGroup, versions 0 to 5: one member, from version 3 on several, static ones by instance id. */
export function leaveGroupHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.LeaveGroup> {
  return {
    apiKey: ApiKey.LeaveGroup,
    handle: async (request, { apiVersion }) => {
      if (request.groupId === '') return { throttleTimeMs: 0, errorCode: KafkaErrorCode.INVALID_GROUP_ID, members: [] }
      try {
        const group = await services.groups.handle(request.groupId)
        const leaving = apiVersion >= severalSince ? request.members : [{ memberId: request.memberId, groupInstanceId: null }]
        const codes = await group.leave(leaving)
        const members = leaving.map(({ groupInstanceId, memberId }, index) => ({ memberId, groupInstanceId, errorCode: codes[index]! }))
        const errorCode = apiVersion >= severalSince ? KafkaErrorCode.NONE : members[0]!.errorCode
        return { throttleTimeMs: 0, errorCode, members: apiVersion >= severalSince ? members : [] }
      } catch (error) {
        return { throttleTimeMs: 0, errorCode: groupCodeOf(error), members: [] }
      }
    }
  }
}
