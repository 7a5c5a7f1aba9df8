import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ApiKey } from '../../protocol/messages/apis.ts'
import { clusterOperations, noOperations } from '../authorized-operations.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { brokersOf } from './cluster-view.ts'

const EndpointType = { Brokers: 1, Controllers: 2 } as const

/**
 * DescribeCluster, versions 0 to 2. Every node serves every admin request, so this one is named as controller; there are no
 * controllers apart from brokers to ask for. Left out: fenced brokers (v2), since nothing watches nodes yet.
 */
export function describeClusterHandler (services: Pick<BrokerServices, 'metadata' | 'nodeId'>): ApiHandler<typeof ApiKey.DescribeCluster> {
  return {
    apiKey: ApiKey.DescribeCluster,
    handle: ({ endpointType, includeClusterAuthorizedOperations }, { listener }) => {
      const { image } = services.metadata
      if (endpointType !== EndpointType.Brokers) {
        const isKnown = endpointType === EndpointType.Controllers
        return {
          throttleTimeMs: 0,
          errorCode: isKnown ? KafkaErrorCode.MISMATCHED_ENDPOINT_TYPE : KafkaErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
          errorMessage: isKnown ? 'this is a broker, not a controller' : `no such endpoint type. endpointType=${endpointType}`,
          endpointType: EndpointType.Brokers,
          clusterId: '',
          brokers: []
        }
      }
      return {
        throttleTimeMs: 0,
        errorCode: KafkaErrorCode.NONE,
        errorMessage: null,
        endpointType,
        clusterId: image.clusterId,
        controllerId: services.nodeId,
        brokers: brokersOf(image, listener).map(({ nodeId, ...broker }) => ({ brokerId: nodeId, ...broker, isFenced: false })),
        clusterAuthorizedOperations: includeClusterAuthorizedOperations ? clusterOperations : noOperations
      }
    }
  }
}
