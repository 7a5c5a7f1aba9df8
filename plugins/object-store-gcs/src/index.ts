import { defineObjectStore, type ObjectStoreCapabilities, type ObjectStorePlugin } from '@streambed/sdk'
import { remoteStoreOptions } from '@streambed/sdk/options'
import { RemoteObjectStore } from '@streambed/sdk/remote'
import { GcsClient } from './client.ts'
import { GcsService } from './gcs-service.ts'
import { hasMultipart, objectBytesMax, partBytesMin, partsMax } from './limits.ts'
import { optionDocs, optionsSchema, type GcsOptions } from './options.ts'
import { pricesOf } from './prices.ts'

function capabilities (options: GcsOptions): ObjectStoreCapabilities {
  return {
    conditionalCreate: 'atomic',
    // The XML API takes no preconditions for uploads in parts.
    multipart: hasMultipart(options) ? { partBytesMin, partsMax, conditionalComplete: false } : false,
    objectBytesMax,
    scope: options.scope,
    latencyClass: 'C'
  }
}

/** Objects in a bucket of Google Cloud Storage. */
const gcs: ObjectStorePlugin<GcsOptions> = defineObjectStore<GcsOptions>({
  name: 'gcs',
  options: optionsSchema,
  optionDocs,
  capabilities,
  prices: pricesOf,
  open: async (options, environment) => new RemoteObjectStore(new GcsService(new GcsClient(options), options, environment), capabilities(options), remoteStoreOptions(options), environment)
})

export default gcs
export type { GcsOptions } from './options.ts'
