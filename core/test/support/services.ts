import { randomUUID } from 'node:crypto'

/** An object storage service that tests may use. */
export interface TestService {
  readonly name: string
  /** Options of its store in a configuration, below a prefix that nobody has used. */
  readonly objects: () => object
}

const variables = { s3: 'STREAMBED_TEST_S3', 'azure-blob': 'STREAMBED_TEST_AZURE_BLOB', gcs: 'STREAMBED_TEST_GCS', oss: 'STREAMBED_TEST_OSS' } as const

/** Those that the environment names, by variables that hold a plugin's options as JSON (`npm run test:interop` starts some). */
export const services: readonly TestService[] = Object.entries(variables).flatMap(([plugin, variable]) => {
  const text = process.env[variable] ?? ''
  return text === '' ? [] : [{ name: plugin, objects: () => ({ plugin, ...JSON.parse(text) as object, prefix: `test-${randomUUID()}/` }) }]
})
