import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { randomBytes } from 'node:crypto'
import { openClient } from '../src/client.ts'
import { optionsSchema, type S3Options } from '../src/options.ts'

/**
 * The S3 service that tests may use, from the environment: STREAMBED_TEST_S3 holds the plugin's options as JSON. Its bucket is made if it is not
 * there. Undefined: no service; tests say that they did not run.
 */
export function serviceFromEnvironment (): S3Options | undefined {
  const text = process.env.STREAMBED_TEST_S3
  return text === undefined || text === '' ? undefined : optionsSchema.parse(JSON.parse(text))
}

export async function makeBucket (options: S3Options): Promise<void> {
  const client = openClient(options)
  try {
    await client.send(new CreateBucketCommand({ Bucket: options.bucket }))
  } catch (error) {
    if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes((error as Error).name)) throw error
  } finally {
    client.destroy()
  }
}

/** The same service, below a prefix that nobody has used. */
export function ownPrefix (options: S3Options): S3Options {
  return { ...options, prefix: `${options.prefix}test-${randomBytes(6).toString('hex')}/` }
}
