import { randomBytes } from 'node:crypto'
import { openContainer } from '../src/client.ts'
import { optionsSchema, type AzureBlobOptions } from '../src/options.ts'

/**
 * The service that tests may use, from the environment: STREAMBED_TEST_AZURE_BLOB holds the plugin's options as JSON. Its container is made if it is
 * not there. Undefined: no service; tests say that they did not run.
 */
export function serviceFromEnvironment (): AzureBlobOptions | undefined {
  const text = process.env.STREAMBED_TEST_AZURE_BLOB
  return text === undefined || text === '' ? undefined : optionsSchema.parse(JSON.parse(text))
}

export async function makeContainer (options: AzureBlobOptions): Promise<void> {
  const { close, container } = await openContainer(options)
  try {
    await container.createIfNotExists()
  } finally {
    close()
  }
}

/** The same service, below a prefix that nobody has used. */
export function ownPrefix (options: AzureBlobOptions): AzureBlobOptions {
  return { ...options, prefix: `${options.prefix}test-${randomBytes(6).toString('hex')}/` }
}
