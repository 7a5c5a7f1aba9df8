import { defineObjectStore, type ObjectStoreCapabilities, type ObjectStorePlugin } from '@streambed/sdk'
import { remoteStoreOptions } from '@streambed/sdk/options'
import { RemoteObjectStore } from '@streambed/sdk/remote'
import { isDirectoryBucket } from './directory-bucket.ts'
import { optionDocs, optionsSchema, type S3Options } from './options.ts'
import { pricesOf } from './prices.ts'
import { S3Service } from './s3-service.ts'

const MiB = 1024 * 1024
const GiB = 1024 * MiB

function capabilities (options: S3Options): ObjectStoreCapabilities {
  const isExpress = isDirectoryBucket(options.bucket)
  return {
    conditionalCreate: 'atomic',
    multipart: { partBytesMin: 5 * MiB, partsMax: 10_000, conditionalComplete: options.conditionalMultipart ?? options.endpoint === undefined },
    objectBytesMax: 5 * GiB,
    scope: isExpress ? 'zone' : 'region',
    latencyClass: isExpress ? 'B' : 'C'
  }
}

/** Objects in a bucket of Amazon S3, of S3 Express One Zone, or of a service that speaks the same protocol. */
const s3: ObjectStorePlugin<S3Options> = defineObjectStore<S3Options>({
  name: 's3',
  options: optionsSchema,
  optionDocs,
  capabilities,
  prices: pricesOf,
  open: async (options, environment) => new RemoteObjectStore(new S3Service(options, environment), capabilities(options), remoteStoreOptions(options), environment)
})

export default s3
export type { S3Options } from './options.ts'
