import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from '../group/group-code.ts'

/** Heartbeat, versions 0 to 4. */
export function heartbeatHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.Heartbeat> {
  return {
    apiKey: ApiKey.Heartbeat,
    handle: async request => {
      if (request.groupId === '') return { throttleTimeMs: 0, errorCode: KafkaErrorCode.INVALID_GROUP_ID }
      try {
        const group = await services.groups.handle(request.groupId)
        return { throttleTimeMs: 0, errorCode: group.heartbeat(request) }
      } catch (error) {
        return { throttleTimeMs: 0, errorCode: groupCodeOf(error) }
      }
    }
  }
}
