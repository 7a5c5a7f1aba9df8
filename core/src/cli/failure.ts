import { StreambedError } from '@streambed/sdk'

/** Says what failed on standard error, without a stack where the error is an expected one, and ends with exit code 1. */
export function fail (error: unknown): never {
  const isExpected = StreambedError.is(error) || !(error instanceof Error) || error.name === 'Error' || error.name === 'YError'
  const text = error instanceof Error ? (isExpected ? error.message : error.stack ?? error.message) : String(error)
  process.stderr.write(`streambed: ${text}\n`)
  process.exit(1)
}
