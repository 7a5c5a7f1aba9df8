import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from '../group/group-code.ts'

const groupType = 'classic'

/** ListGroups, versions 0 to 5, filtered by state and type. */
export function listGroupsHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.ListGroups> {
  return {
    apiKey: ApiKey.ListGroups,
    handle: async ({ statesFilter, typesFilter }) => {
      try {
        const all = await services.groups.all()
        const groups = all.map(({ groupId, protocolType, state }) => ({ groupId, protocolType, groupState: state, groupType }))
          .filter(({ groupState }) => matches(statesFilter, groupState) && matches(typesFilter, groupType))
        return { throttleTimeMs: 0, errorCode: KafkaErrorCode.NONE, groups }
      } catch (error) {
        return { throttleTimeMs: 0, errorCode: groupCodeOf(error), groups: [] }
      }
    }
  }
}

/** An empty filter lets all pass; names are compared without regard to case. */
function matches (filter: readonly string[], name: string): boolean {
  return filter.length === 0 || filter.some(wanted => wanted.toLowerCase() === name.toLowerCase())
}
