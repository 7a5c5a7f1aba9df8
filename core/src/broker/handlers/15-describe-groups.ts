import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import type { DescribeGroupsResponseInput } from '../../protocol/messages/15-describe-groups.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import { groupOperations, noOperations } from '../authorized-operations.ts'
import type { GroupDescription } from '../group/group-handle.ts'
import type { ApiHandler } from '../handler.ts'
import { messageOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { groupCodeOf } from '../group/group-code.ts'

type Described = DescribeGroupsResponseInput['groups'][number]

/** From here on an unknown group is an error, and errors have a message; before, it is in state Dead. */
const messagesSince = 6

/** DescribeGroups, versions 0 to 6: classic groups. */
export function describeGroupsHandler (services: Pick<BrokerServices, 'groups'>): ApiHandler<typeof ApiKey.DescribeGroups> {
  return {
    apiKey: ApiKey.DescribeGroups,
    handle: async (request, { apiVersion }) => ({
      throttleTimeMs: 0,
      groups: await Promise.all(request.groups.map(groupId => describe(services, groupId, apiVersion, request.includeAuthorizedOperations)))
    })
  }
}

async function describe (services: Pick<BrokerServices, 'groups'>, groupId: string, version: number, withOperations: boolean): Promise<Described> {
  const unknown = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [], authorizedOperations: noOperations }
  try {
    const found = await (await services.groups.handle(groupId)).describe()
    if (found === undefined) {
      if (version < messagesSince) return { ...unknown, errorCode: KafkaErrorCode.NONE }
      return { ...unknown, errorCode: KafkaErrorCode.GROUP_ID_NOT_FOUND, errorMessage: `group ${groupId} not found` }
    }
    return { ...respond(groupId, found), authorizedOperations: withOperations ? groupOperations : noOperations }
  } catch (error) {
    return { ...unknown, errorCode: groupCodeOf(error), ...version < messagesSince ? {} : { errorMessage: messageOf(error) } }
  }
}

function respond (groupId: string, { members, protocolName, protocolType, state }: GroupDescription): Omit<Described, 'authorizedOperations'> {
  return {
    errorCode: KafkaErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState: state,
    protocolType,
    protocolData: protocolName,
    members: members.map(({ assignment, clientHost, clientId, groupInstanceId, memberId, subscription }) => ({
      memberId, groupInstanceId, clientId, clientHost, memberMetadata: Buffer.from(subscription), memberAssignment: Buffer.from(assignment)
    }))
  }
}
