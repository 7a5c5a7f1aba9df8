import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { coordinatorPartition } from '../../protocol/hash.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import { KafkaError, messageOf } from '../kafka-error.ts'
import type { BrokerServices } from '../services.ts'
import { offsetsTopic } from '../topics/internal-topics.ts'
import { groupCodeOf } from '../group/group-code.ts'
import { transactionsUnavailable } from './transactions-unavailable.ts'

type Services = Pick<BrokerServices, 'topics' | 'metadata' | 'ensureInternalTopic'>
interface Coordinator { readonly key: string, readonly errorCode: KafkaErrorCode, readonly errorMessage: string | null, readonly nodeId: number, readonly host: string, readonly port: number }

/** Kafka's numbers for what is coordinated. */
const KeyType = { Group: 0, Transaction: 1, Share: 2 } as const
const shareSince = 6

/**
 * FindCoordinator, versions 0 to 6, for groups: the leader of the group's partition of `__consumer_offsets`, which is created
 * at the first use. Left out: share partitions, refused with UNSUPPORTED_VERSION, and transactional ids, with
 * TRANSACTIONAL_ID_AUTHORIZATION_FAILED: of all codes the one that librdkafka, too, does not ask again on.
 */
export function findCoordinatorHandler (services: Services): ApiHandler<typeof ApiKey.FindCoordinator> {
  return {
    apiKey: ApiKey.FindCoordinator,
    handle: async (request, { apiVersion, listener }) => {
      const keys = apiVersion >= 4 ? request.coordinatorKeys : [request.key]
      const coordinators = await Promise.all(keys.map(key => find(services, key, request.keyType, apiVersion, listener)))
      if (apiVersion >= 4) return { throttleTimeMs: 0, coordinators }
      return { throttleTimeMs: 0, ...coordinators[0]! }
    }
  }
}

async function find (services: Services, key: string, keyType: number, version: number, listener: string): Promise<Coordinator> {
  try {
    checkKeyType(keyType, version)
    await services.ensureInternalTopic(offsetsTopic)
    const { image } = services.metadata
    const partitions = image.topicNamed(offsetsTopic)?.partitions ?? []
    const partition = partitions[coordinatorPartition(key, Math.max(1, partitions.length))]
    const node = partition === undefined ? undefined : image.node(image.stream(partition.dataStreamId)?.ownerNodeId ?? -1)
    const endpoint = node?.endpoints.find(({ name }) => name === listener)
    if (node === undefined || endpoint === undefined) throw new KafkaError(KafkaErrorCode.COORDINATOR_NOT_AVAILABLE, `no node coordinates the group. group=${key}`)
    return { key, errorCode: KafkaErrorCode.NONE, errorMessage: null, nodeId: node.nodeId, host: endpoint.host, port: endpoint.port }
  } catch (error) {
    return { key, errorCode: groupCodeOf(error), errorMessage: messageOf(error), nodeId: -1, host: '', port: -1 }
  }
}

function checkKeyType (keyType: number, version: number): void {
  if (keyType === KeyType.Group) return
  if (keyType === KeyType.Transaction) throw transactionsUnavailable()
  if (keyType === KeyType.Share && version >= shareSince) throw new KafkaError(KafkaErrorCode.UNSUPPORTED_VERSION, 'share groups are not available in this release')
  throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, `no such type of coordinator in this version. keyType=${keyType} version=${version}`)
}
