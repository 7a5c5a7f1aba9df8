import { defineObjectStore, type ObjectStoreCapabilities, type ObjectStorePlugin } from '@streambed/sdk'
import { remoteStoreOptions } from '@streambed/sdk/options'
import { RemoteObjectStore } from '@streambed/sdk/remote'
import { AzureService } from './azure-service.ts'
import { openContainer } from './client.ts'
import { optionDocs, optionsSchema, type AzureBlobOptions } from './options.ts'
import { pricesOf } from './prices.ts'

const MiB = 1024 * 1024

function capabilities ({ redundancy }: AzureBlobOptions): ObjectStoreCapabilities {
  return { conditionalCreate: 'atomic', multipart: false, objectBytesMax: 5_000 * MiB, scope: redundancy, latencyClass: 'C' }
}

/** Objects in a container of Azure Blob Storage, or of a service that speaks its protocol. */
const azureBlob: ObjectStorePlugin<AzureBlobOptions> = defineObjectStore<AzureBlobOptions>({
  name: 'azure-blob',
  options: optionsSchema,
  optionDocs,
  capabilities,
  prices: pricesOf,
  open: async (options, environment) => new RemoteObjectStore(new AzureService(await openContainer(options), options, environment), capabilities(options), remoteStoreOptions(options), environment)
})

export default azureBlob
export type { AzureBlobOptions } from './options.ts'
