// How each service words what odd answers are made of.
import type { Answer } from './front.ts'

export type Cloud = 's3' | 'azure' | 'gcs' | 'oss'
export const clouds: readonly Cloud[] = ['s3', 'azure', 'gcs', 'oss']

/** Reasons for which every service refuses; a service without one of them has no words for it. */
export type Reason = 'missing' | 'noBucket' | 'denied' | 'throttled' | 'broken' | 'pays' | 'elsewhere' | 'unheard' | 'altered'

export interface Words {
  /** Headers that are the service's own and are on every answer of it. */
  readonly own: Readonly<Record<string, string>>
  /** Headers that hold checksums of the object, and those that hold its version. */
  readonly sums: RegExp
  readonly versions: RegExp
  readonly times: RegExp
  readonly refusals: Readonly<Partial<Record<Reason, readonly [status: number, code: string, message: string]>>>
  refusal (status: number, code: string, message: string): Answer
}

export function refusalFor (words: Words, reason: Reason): Answer { return words.refusal(...words.refusals[reason]!) }

export const text = (status: number, headers: Readonly<Record<string, string>>, body: string): Answer => ({ status, headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) }, body: Buffer.from(body) })

const xml = (code: string, message: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><RequestId>1</RequestId></Error>`
const pays = 'Bucket is a requester pays bucket but no user project provided.'

const s3Own = { 'x-amz-request-id': '4442587FB7D0A2F9' }
const azureOwn = { 'x-ms-request-id': 'b67c2d0c-301e-0089-0f2c-000000000000', 'x-ms-version': '2026-04-06' }
const gcsOwn = { 'x-guploader-uploadid': 'AUploadId' }
const ossOwn = { 'x-oss-request-id': '5CAC0342B7AEADE017000001' }

export const wordsOf: Readonly<Record<Cloud, Words>> = {
  s3: {
    own: s3Own, sums: /^x-amz-meta-streambedcrc32c$/, versions: /^etag$/, times: /^last-modified$/,
    refusals: {
      missing: [404, 'NoSuchKey', 'no'], noBucket: [404, 'NoSuchBucket', 'no'], denied: [403, 'AccessDenied', 'no'], throttled: [503, 'SlowDown', 'no'], broken: [500, 'InternalError', 'no'],
      pays: [403, 'AccessDenied', 'The bucket is a Requester Pays bucket'], elsewhere: [400, 'AuthorizationHeaderMalformed', 'the region is wrong'],
      unheard: [400, 'SomethingNew', 'no'], altered: [400, 'BadDigest', 'The CRC32C you specified did not match the calculated checksum.']
    },
    refusal: (status, code, message) => text(status, { ...s3Own, 'content-type': 'application/xml', ...code === 'AuthorizationHeaderMalformed' ? { 'x-amz-bucket-region': 'eu-west-3' } : {} }, xml(code, message))
  },
  azure: {
    own: azureOwn, sums: /^x-ms-meta-streambedcrc32c$/, versions: /^etag$/, times: /^last-modified$/,
    refusals: {
      missing: [404, 'BlobNotFound', 'no'], noBucket: [404, 'ContainerNotFound', 'no'], denied: [403, 'AuthorizationFailure', 'no'], throttled: [503, 'ServerBusy', 'no'], broken: [500, 'InternalError', 'no'],
      unheard: [400, 'SomethingNew', 'no'], altered: [400, 'Md5Mismatch', 'no']
    },
    refusal: (status, code, message) => text(status, { ...azureOwn, 'x-ms-error-code': code, 'content-type': 'application/xml' }, xml(code, message))
  },
  gcs: {
    own: gcsOwn, sums: /^x-goog-hash$/, versions: /^x-goog-generation$/, times: /^last-modified$/,
    refusals: {
      missing: [404, 'notFound', 'No such object: fake-bucket/pre/a'], noBucket: [404, 'notFound', 'The specified bucket does not exist.'], denied: [403, 'forbidden', 'no'], throttled: [429, 'rateLimitExceeded', 'no'],
      broken: [500, 'backendError', 'no'], pays: [400, 'required', pays], unheard: [400, 'invalid', 'no'], altered: [400, 'invalid', 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "AAAAAQ==".']
    },
    refusal: (status, code, message) => text(status, { ...gcsOwn, 'content-type': 'application/json' }, JSON.stringify({ error: { code: status, message, errors: [{ reason: code, message }] } }))
  },
  oss: {
    own: ossOwn, sums: /^x-oss-meta-streambedcrc32c$/, versions: /^etag$/, times: /^last-modified$/,
    refusals: {
      missing: [404, 'NoSuchKey', 'no'], noBucket: [404, 'NoSuchBucket', 'no'], denied: [403, 'AccessDenied', 'no'], throttled: [503, 'QpsLimitExceeded', 'no'], broken: [500, 'InternalError', 'no'],
      pays: [403, 'AccessDenied', 'The bucket is a requester pays bucket'], elsewhere: [403, 'AccessDenied', 'The bucket you are attempting to access must be addressed using the specified endpoint.'],
      unheard: [400, 'SomethingNew', 'no'], altered: [400, 'InvalidDigest', 'The Content-MD5 you specified did not match what we received.']
    },
    // The answer to a HEAD has no body: OSS tells the same in a header.
    refusal: (status, code, message) => text(status, { ...ossOwn, 'content-type': 'application/xml', 'x-oss-err': Buffer.from(xml(code, message)).toString('base64') }, xml(code, message))
  }
}
