import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import { syncFailure, type SyncResult } from '../group/member.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from '../group/group-code.ts'

/** SyncGroup, versions 0 to 5: the leader's assignment is durable before any member gets it. */
export function syncGroupHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.SyncGroup> {
  return {
    apiKey: ApiKey.SyncGroup,
    handle: async (request, { tookEffect }) => {
      const respond = (result: SyncResult) => ({ throttleTimeMs: 0, ...result, assignment: Buffer.from(result.assignment) })
      if (request.groupId === '') return respond(syncFailure(KafkaErrorCode.INVALID_GROUP_ID))
      try {
        const group = await services.groups.handle(request.groupId)
        const assignments = request.assignments.map(({ assignment, memberId }) => ({ memberId, assignment: Uint8Array.from(assignment) }))
        const waitsForLeader = !group.isLedBy(request.memberId)
        const syncing = group.sync({ ...request, assignments })
        if (waitsForLeader) tookEffect()
        return respond(await syncing)
      } catch (error) {
        return respond(syncFailure(groupCodeOf(error)))
      }
    }
  }
}
