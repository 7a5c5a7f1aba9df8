import { ApiKey } from '../../protocol/messages/apis.ts'
import { Operation } from '../config/config-changes.ts'
import type { ApiHandler } from '../handler.ts'
import type { BrokerServices } from '../services.ts'
import { alterResources } from './alter-configs.ts'

/**
 * AlterConfigs, versions 0 to 2: replaces all overrides of a topic, of this broker, or of all brokers (empty name). Each
 * resource is altered wholly or not at all. Left out: other kinds of resources, refused with INVALID_REQUEST.
 */
export function alterConfigsHandler (services: Pick<BrokerServices, 'metadata' | 'configs' | 'nodeId' | 'logger'>): ApiHandler<typeof ApiKey.AlterConfigs> {
  return {
    apiKey: ApiKey.AlterConfigs,
    handle: async ({ resources, validateOnly }) => ({
      throttleTimeMs: 0,
      responses: await alterResources(services, resources.map(({ configs, resourceName, resourceType }) => ({
        resourceType, resourceName, replacesAll: true, operations: configs.map(config => ({ ...config, configOperation: Operation.Set }))
      })), validateOnly)
    })
  }
}
