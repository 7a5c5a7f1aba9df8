import type { S3Client } from '@aws-sdk/client-s3'
import type { Readable } from 'node:stream'
import { HttpStatusError, Unbelieved, checkMark, isOwnRefusal, isPage, isWholeXml, readBody, strangersRefusal, wholeXml, xmlText, type HttpAnswer, type Refused } from '@streambed/sdk/remote'

/** An answer as the client got it, before it reads anything into it. */
interface RawAnswer { statusCode: number, readonly headers: Readonly<Record<string, string>>, body: unknown }

/**
 * Headers that S3 sets, or a service that imitates it, on what it tells of objects; ours bear at least our own metadata. Those of CloudFront, which stands
 * between, are none.
 */
const marks = /^x-(?:amz-(?!cf-)|guploader-|oss-|minio-|rgw-)/

/** Answers that are XML, by their commands. */
const rootByCommand: Readonly<Record<string, string>> = {
  ListObjectsV2Command: 'ListBucketResult',
  DeleteObjectsCommand: 'DeleteResult',
  CreateMultipartUploadCommand: 'InitiateMultipartUploadResult',
  CompleteMultipartUploadCommand: 'CompleteMultipartUploadResult',
  ListMultipartUploadsCommand: 'ListMultipartUploadsResult'
}
const ofObjects = new Set(['GetObjectCommand', 'HeadObjectCommand'])
const answerBytesMax = 32 * 1024 * 1024

/** A refusal whose answer can have no body, to which nothing but its status says that it is the service's. */
export class UnmarkedHead extends HttpStatusError {}

/** The bucket is in another region than requests are signed for. */
export class WrongRegion extends Error {
  readonly region: string

  constructor (status: number, region: string) {
    super(`the bucket is in another region. status=${status} region=${region}`)
    this.region = region
  }
}

/**
 * Holds each answer to be one of S3 and to what was asked, before the SDK reads it: that takes a page of HTML for an empty listing, what it
 * finds of one that was cut off for the whole, and the status of a proxy for a word of the service.
 */
export function checkAnswers (client: S3Client): void {
  client.middlewareStack.add((next, { commandName = '' }) => async args => {
    const result = await next(args)
    const answer = result.response as RawAnswer
    if (answer.statusCode >= 300) await checkRefusal(answer, (args.request as { readonly method: string }).method, await client.config.region())
    else await checkSuccess(answer, commandName)
    return result
  }, { step: 'deserialize', priority: 'low', name: 'streambedCheckAnswers' })
}

async function checkSuccess (answer: RawAnswer, command: string): Promise<void> {
  const { headers, statusCode: status } = answer
  try {
    const root = rootByCommand[command]
    if (root !== undefined) {
      const read = await readWhole(answer)
      // S3 completes with a status of success sent ahead, and may have an error to tell afterwards.
      if (command === 'CompleteMultipartUploadCommand' && isWholeXml(new TextDecoder().decode(read.body), 'Error')) answer.statusCode = 500
      else wholeXml(read, root)
    } else if (ofObjects.has(command)) {
      checkMark({ status, headers }, marks)
    } else if (isPage(new TextDecoder().decode((await readWhole(answer)).body))) {
      // By its body: there are services that call no body at all HTML.
      throw new Unbelieved('it is a page for people', { status })
    }
  } catch (error) {
    discard(answer)
    throw error
  }
}

async function checkRefusal (answer: RawAnswer, method: string, region: string): Promise<void> {
  const { headers, statusCode: status } = answer
  const body = method === 'HEAD' ? new Uint8Array() : (await readWhole(answer)).body
  const text = new TextDecoder().decode(body)
  const refused: Refused = { status, headers, text, code: isWholeXml(text, 'Error') ? xmlText(text, 'Code') : undefined }
  const bucketRegion = headers['x-amz-bucket-region'] ?? (refused.code === undefined ? undefined : xmlText(text, 'Region'))
  const isAboutRegion = refused.code === undefined || ['AuthorizationHeaderMalformed', 'PermanentRedirect', 'IllegalLocationConstraintException'].includes(refused.code)
  if ((status === 301 || status === 400) && isAboutRegion && bucketRegion !== undefined && bucketRegion !== region) throw new WrongRegion(status, bucketRegion)
  if (!isOwnRefusal(refused, marks)) throw method === 'HEAD' ? new UnmarkedHead({ status, headers, body }) : strangersRefusal(refused)
  if (status === 400 && refused.code === undefined) throw new Unbelieved('it refuses the request without a reason', { status, requestId: headers['x-amz-request-id'] })
}

/** Reads the body, and leaves it to be read again. */
async function readWhole (answer: RawAnswer): Promise<HttpAnswer> {
  const body = await readBody(answer.body as Readable, undefined, answerBytesMax)
  answer.body = body
  return { status: answer.statusCode, headers: answer.headers, body }
}

/** Frees the connection of an answer that nobody reads. */
function discard ({ body }: RawAnswer): void { (body as { destroy?: () => void } | undefined)?.destroy?.() }
