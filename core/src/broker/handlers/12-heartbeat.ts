import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from './group-request.ts'

/** Heartbeat, versions 0 to 4. */
export function heartbeatHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.Heartbeat> {
  return {
    apiKey: ApiKey.Heartbeat,
    handle: async request => {
      if (request.groupId === '') return { throttleTimeMs: 0, errorCode: KafkaErrorCode.INVALID_GROUP_ID }
      try {
        const found = await services.groups.find(request.groupId)
        const errorCode = found?.shard.act(found.entry, (group, nowMs) => group.heartbeat(request, nowMs)) ?? KafkaErrorCode.UNKNOWN_MEMBER_ID
        return { throttleTimeMs: 0, errorCode }
      } catch (error) {
        return { throttleTimeMs: 0, errorCode: groupCodeOf(error) }
      }
    }
  }
}
