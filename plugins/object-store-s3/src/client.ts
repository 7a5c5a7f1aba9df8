import { S3Client } from '@aws-sdk/client-s3'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { S3Options } from './options.ts'

/**
 * The SDK with what its defaults leave out: retries off (the host has that layer), agents of our own, since without
 * them it opens a connection for each large put, no checksums but ours, and a limit for connecting.
 */
export function openClient (options: S3Options): S3Client {
  const { accessKeyId, connectionsMax, endpoint, pathStyle, profile, region, secretAccessKey } = options
  const agent = { keepAlive: true, maxSockets: connectionsMax }
  return new S3Client({
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
}
