import { S3Client } from '@aws-sdk/client-s3'
import { createHash } from 'node:crypto'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { checkAnswers } from './answers.ts'
import { isDirectoryBucket } from './directory-bucket.ts'
import type { S3Options } from './options.ts'

/**
 * The SDK with what its defaults leave out: retries off (the host has that layer), agents of our own, since without
 * them it opens a connection for each large put, no checksums but ours, a limit for connecting, and every answer checked.
 */
export function openClient (options: S3Options): S3Client {
  const { accessKeyId, connectionsMax, endpoint, pathStyle, profile, region, secretAccessKey } = options
  const agent = { keepAlive: true, maxSockets: connectionsMax }
  const client = new S3Client({
    maxAttempts: 1,
    forcePathStyle: pathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { httpAgent: new HttpAgent(agent), httpsAgent: new HttpsAgent(agent), connectionTimeout: 5_000 },
    ...endpoint === undefined ? {} : { endpoint, region: region ?? 'us-east-1', expectContinueHeader: false },
    ...region === undefined ? {} : { region },
    ...profile === undefined ? {} : { profile },
    ...accessKeyId === undefined || secretAccessKey === undefined ? {} : { credentials: { accessKeyId, secretAccessKey } }
  })
  checkAnswers(client)
  if (!isDirectoryBucket(options.bucket)) sumDeletions(client)
  return client
}

/**
 * Batch deletions must come with a checksum. Amazon takes any, and the SDK sends its newest; services that were written before want `Content-MD5`,
 * and refuse to delete anything without.
 */
function sumDeletions (client: S3Client): void {
  client.middlewareStack.add((next, { commandName }) => async args => {
    if (commandName !== 'DeleteObjectsCommand') return await next(args)
    const { body, headers } = args.request as { readonly body: string | Uint8Array, readonly headers: Record<string, string> }
    for (const name of Object.keys(headers)) if (/^x-amz-(?:sdk-)?checksum-/i.test(name)) delete headers[name]
    headers['content-md5'] = createHash('md5').update(body).digest('base64')
    return await next(args)
  // Behind the SDK's own checksum, and before all is signed.
  }, { step: 'build', priority: 'low', name: 'streambedSumDeletions' })
}
