import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from '../group/group-code.ts'

/** DeleteGroups, versions 0 to 2: empty groups, with their offsets; also the one whose name is empty, which commits may have made. */
export function deleteGroupsHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.DeleteGroups> {
  return {
    apiKey: ApiKey.DeleteGroups,
    handle: async request => ({
      throttleTimeMs: 0,
      results: await Promise.all(request.groupsNames.map(async groupId => ({ groupId, errorCode: await remove(services, groupId) })))
    })
  }
}

async function remove (services: Pick<BrokerServices, 'groups'>, groupId: string): Promise<KafkaErrorCode> {
  try {
    return await (await services.groups.handle(groupId)).delete()
  } catch (error) {
    return groupCodeOf(error)
  }
}
