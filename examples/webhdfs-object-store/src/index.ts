import { defineObjectStore, type ObjectStoreCapabilities, type ObjectStorePlugin } from '@streambed/sdk'
import { remoteStoreOptions } from '@streambed/sdk/options'
import { RemoteObjectStore } from '@streambed/sdk/remote'
import { WebHdfsClient } from './client.ts'
import { optionDocs, optionsSchema, type WebHdfsOptions } from './options.ts'
import { WebHdfsService } from './webhdfs-service.ts'

function capabilities ({ scope }: WebHdfsOptions): ObjectStoreCapabilities {
  return { conditionalCreate: 'atomic', multipart: false, objectBytesMax: 512 * 2 ** 20, scope, latencyClass: 'C' }
}

/** Objects as files in HDFS. */
const plugin: ObjectStorePlugin<WebHdfsOptions> = defineObjectStore<WebHdfsOptions>({
  name: 'webhdfs',
  options: optionsSchema,
  optionDocs,
  capabilities,
  open: async (options, environment) => {
    const service = new WebHdfsService(new WebHdfsClient(options), options.verifyWrites, environment)
    return new RemoteObjectStore(service, capabilities(options), remoteStoreOptions({ ...options, prefix: '' }), environment)
  }
})

export default plugin
