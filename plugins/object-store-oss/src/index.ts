import { defineObjectStore, type ObjectStoreCapabilities, type ObjectStorePlugin } from '@streambed/sdk'
import { remoteStoreOptions } from '@streambed/sdk/options'
import { RemoteObjectStore } from '@streambed/sdk/remote'
import { OssClient } from './client.ts'
import { isMultipartConditional, objectBytesMax, partBytesMin, partsMax } from './limits.ts'
import { optionDocs, optionsSchema, type OssOptions } from './options.ts'
import { OssService } from './oss-service.ts'
import { pricesOf } from './prices.ts'

function capabilities (options: OssOptions): ObjectStoreCapabilities {
  return {
    conditionalCreate: 'atomic',
    multipart: { partBytesMin, partsMax, conditionalComplete: isMultipartConditional(options) },
    objectBytesMax,
    scope: options.scope,
    latencyClass: 'C'
  }
}

/** Objects in a bucket of Alibaba Cloud's Object Storage Service. */
const oss: ObjectStorePlugin<OssOptions> = defineObjectStore<OssOptions>({
  name: 'oss',
  options: optionsSchema,
  optionDocs,
  capabilities,
  prices: pricesOf,
  open: async (options, environment) => new RemoteObjectStore(new OssService(new OssClient(options, environment.clock), options, environment), capabilities(options), remoteStoreOptions(options), environment)
})

export default oss
export type { OssOptions } from './options.ts'
