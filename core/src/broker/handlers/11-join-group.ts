import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import { joinFailure, type JoinResult } from '../group/member.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from '../group/group-code.ts'

const memberIdRequiredSince = 4
const skipAssignmentSince = 9
/** Before it, a null protocol name cannot be told. */
const nullProtocolSince = 7

/** JoinGroup, versions 0 to 9: classic groups with dynamic and static members. */
export function joinGroupHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.JoinGroup> {
  return {
    apiKey: ApiKey.JoinGroup,
    handle: async (request, { apiVersion, clientHost, clientId, tookEffect }) => {
      const respond = (result: JoinResult): JoinResult & { throttleTimeMs: number } => ({
        throttleTimeMs: 0,
        ...result,
        protocolName: result.protocolName ?? (apiVersion >= nullProtocolSince ? null : '')
      })
      if (request.groupId === '') return respond(joinFailure(KafkaErrorCode.INVALID_GROUP_ID, request.memberId))
      try {
        const group = await services.groups.handle(request.groupId)
        const joining = group.join({
          memberId: request.memberId,
          groupInstanceId: request.groupInstanceId,
          clientId,
          clientHost: `/${clientHost}`,
          sessionTimeoutMs: request.sessionTimeoutMs,
          rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
          protocolType: request.protocolType,
          // Copies: the group keeps them long after the request's frame.
          protocols: request.protocols.map(({ metadata, name }) => ({ name, metadata: Uint8Array.from(metadata) })),
          requiresKnownMemberId: apiVersion >= memberIdRequiredSince,
          supportsSkippingAssignment: apiVersion >= skipAssignmentSince
        })
        // It is in the group, or refused, by now; the answer comes when the others have joined too.
        tookEffect()
        return respond(await joining)
      } catch (error) {
        return respond(joinFailure(groupCodeOf(error), request.memberId))
      }
    }
  }
}
