import { randomBytes } from 'node:crypto'
import { optionsSchema, type OssOptions } from '../src/options.ts'
import { aliOss } from './sdk.ts'

/**
 * The service that tests may use, from the environment: STREAMBED_TEST_OSS holds the plugin's options as JSON. In front of another service its
 * bucket is made; in the real one it must exist. Undefined: no service; tests say that they did not run.
 */
export function serviceFromEnvironment (): OssOptions | undefined {
  const text = process.env.STREAMBED_TEST_OSS
  return text === undefined || text === '' ? undefined : optionsSchema.parse(JSON.parse(text))
}

export async function makeBucket ({ accessKeyId, accessKeySecret, bucket, endpoint, pathStyle, region }: OssOptions): Promise<void> {
  if (endpoint === undefined || accessKeyId === undefined) return
  await aliOss({ bucket, region, endpoint, pathStyle, accessKeyId, accessKeySecret: accessKeySecret! }).putBucket(bucket)
}

/** The same service, below a prefix that nobody has used. */
export function ownPrefix (options: OssOptions): OssOptions {
  return { ...options, prefix: `${options.prefix}test-${randomBytes(6).toString('hex')}/` }
}
