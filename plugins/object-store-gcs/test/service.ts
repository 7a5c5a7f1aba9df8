import { randomBytes } from 'node:crypto'
import { GcsClient } from '../src/client.ts'
import { optionsSchema, type GcsOptions } from '../src/options.ts'

/**
 * The service that tests may use, from the environment: STREAMBED_TEST_GCS holds the plugin's options as JSON. In an emulator its bucket is made;
 * in the real service it must exist. Undefined: no service; tests say that they did not run.
 */
export function serviceFromEnvironment (): GcsOptions | undefined {
  const text = process.env.STREAMBED_TEST_GCS
  return text === undefined || text === '' ? undefined : optionsSchema.parse(JSON.parse(text))
}

export async function makeBucket (options: GcsOptions): Promise<void> {
  if (options.endpoint === undefined) return
  const client = new GcsClient(options)
  const signal = new AbortController().signal
  try {
    const answer = await client.send({ method: 'GET', path: `/storage/v1/b/${options.bucket}`, signal }).catch(() => undefined)
    if (answer === undefined) await client.send({ method: 'POST', path: '/storage/v1/b?project=test', headers: { 'content-type': 'application/json' }, pieces: [Buffer.from(JSON.stringify({ name: options.bucket }))], signal })
  } finally {
    client.close()
  }
}

/** The same service, below a prefix that nobody has used. */
export function ownPrefix (options: GcsOptions): GcsOptions {
  return { ...options, prefix: `${options.prefix}test-${randomBytes(6).toString('hex')}/` }
}
