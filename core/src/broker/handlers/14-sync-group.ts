import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import { syncFailure, type SyncResult } from '../group/member.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from './group-request.ts'

/** SyncGroup, versions 0 to 5: the leader's assignment is durable before any member gets it. */
export function syncGroupHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.SyncGroup> {
  return {
    apiKey: ApiKey.SyncGroup,
    handle: async request => {
      const respond = (result: SyncResult) => ({ throttleTimeMs: 0, ...result, assignment: Buffer.from(result.assignment) })
      if (request.groupId === '') return respond(syncFailure(KafkaErrorCode.INVALID_GROUP_ID))
      try {
        const found = await services.groups.find(request.groupId)
        if (found === undefined) return respond(syncFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID))
        const assignments = request.assignments.map(({ assignment, memberId }) => ({ memberId, assignment: Uint8Array.from(assignment) }))
        return respond(await found.shard.act(found.entry, (group, nowMs) => group.sync({ ...request, assignments }, nowMs)))
      } catch (error) {
        return respond(syncFailure(groupCodeOf(error)))
      }
    }
  }
}
