import { ApiKey } from '../../protocol/messages/apis.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { alterResources } from './alter-configs.ts'

/**
 * IncrementalAlterConfigs, versions 0 and 1: sets, deletes, appends to and subtracts from overrides of a topic, of this
 * broker, or of all brokers (empty name). Each resource is altered wholly or not at all. Left out: other kinds of resources,
 * refused with INVALID_REQUEST; settings of another broker, which must be asked itself.
 */
export function incrementalAlterConfigsHandler (services: Pick<BrokerServices, 'metadata' | 'configs' | 'nodeId' | 'logger'>): ApiHandler<typeof ApiKey.IncrementalAlterConfigs> {
  return {
    apiKey: ApiKey.IncrementalAlterConfigs,
    handle: async ({ resources, validateOnly }) => ({
      throttleTimeMs: 0,
      responses: await alterResources(services, resources.map(({ configs, resourceName, resourceType }) => ({
        resourceType, resourceName, replacesAll: false, operations: configs
      })), validateOnly)
    })
  }
}
