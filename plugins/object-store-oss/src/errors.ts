import type { ErrorCode } from '@streambed/sdk'
import { HttpStatusError, isOwnRefusal, isWholeXml, requesterPays, strangersRefusal, xmlText, type ServiceFailure } from '@streambed/sdk/remote'
import { CredentialsError } from './credentials.ts'

interface Verdict { readonly code: ErrorCode | 'NO_VERDICT', readonly remedy?: string }

/** Headers that OSS sets on every answer. */
export const marks = /^x-oss-/

const keysRemedy = 'Check the access key, its secret and what its RAM policy allows: oss:PutObject, oss:GetObject, oss:DeleteObject, oss:ListObjects, oss:AbortMultipartUpload, oss:ListMultipartUploads.'
const chainRemedy = 'Give credentials: ALIBABA_CLOUD_ACCESS_KEY_ID and its secret, an OIDC role of the pod, a profile, a RAM role of the machine, or accessKeyId.'
const regionRemedy = "Set `region` (and `endpoint`, where there is one) to the bucket's."
const wormRemedy = 'Use a bucket without a retention policy: objects that are no longer needed must go.'
const versioningRemedy = 'Use a bucket that never had versioning: OSS cannot turn it off again, and with it creates nothing only if absent, so that two brokers can overwrite each other.'

/** What OSS's error codes mean (Developer Reference, Error responses; Troubleshooting, HTTP 4xx and 5xx). */
const verdictByCode: Readonly<Record<string, Verdict>> = {
  NoSuchKey: { code: 'NOT_FOUND' },
  NoSuchUpload: { code: 'NOT_FOUND' },
  SymlinkTargetNotExist: { code: 'NOT_FOUND' },
  InvalidPart: { code: 'NOT_FOUND' },
  NoSuchBucket: { code: 'MISCONFIGURED', remedy: 'Create the bucket, or correct its name.' },
  InvalidBucketName: { code: 'MISCONFIGURED', remedy: "Correct the bucket's name." },
  FileAlreadyExists: { code: 'ALREADY_EXISTS' },
  ObjectAlreadyExists: { code: 'ALREADY_EXISTS' },
  FileImmutable: { code: 'MISCONFIGURED', remedy: wormRemedy },
  InvalidRange: { code: 'OUT_OF_RANGE' },
  InvalidDigest: { code: 'CORRUPT' }, // Content-MD5 differs from the body
  BadDigest: { code: 'CORRUPT' },
  AccessDenied: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  InvalidAccessKeyId: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  SignatureDoesNotMatch: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  SecurityTokenNotSupported: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  UserDisable: { code: 'PERMISSION_DENIED', remedy: 'Check the account: its bill may be overdue.' },
  InvalidSecurityToken: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  SecurityTokenExpired: { code: 'UNAVAILABLE', remedy: 'Temporary keys that were given have to be given anew; those of the chain are fetched for the next call.' },
  RequestTimeTooSkewed: { code: 'UNAVAILABLE', remedy: "Set this machine's clock." },
  RequestExpired: { code: 'UNAVAILABLE', remedy: "Set this machine's clock." },
  InvalidObjectState: { code: 'MISCONFIGURED', remedy: 'The object was archived: take the rule that archives from our prefix, and restore it.' },
  InvalidObjectName: { code: 'INVALID_ARGUMENT' }, // OSS also refuses names that begin with a backslash
  KeyTooLong: { code: 'INVALID_ARGUMENT', remedy: 'Use a shorter prefix.' },
  EntityTooLarge: { code: 'INVALID_ARGUMENT' },
  EntityTooSmall: { code: 'INVALID_ARGUMENT' },
  InvalidPartOrder: { code: 'INVALID_ARGUMENT' },
  MethodNotAllowed: { code: 'UNSUPPORTED' },
  NotImplemented: { code: 'UNSUPPORTED' },
  IncompleteBody: { code: 'UNAVAILABLE' },
  RequestTimeout: { code: 'UNAVAILABLE' }, // the body did not come; nothing was stored
  InternalError: { code: 'NO_VERDICT' },
  ServiceUnavailable: { code: 'THROTTLED' },
  SlowDown: { code: 'THROTTLED' },
  QpsLimitExceeded: { code: 'THROTTLED' },
  TotalQpsLimitExceeded: { code: 'THROTTLED' },
  MetaOperationQpsLimitExceeded: { code: 'THROTTLED' }, // also of creates with forbid-overwrite, which have a limit of their own
  UploadTrafficRateLimitExceeded: { code: 'THROTTLED' },
  DownloadTrafficRateLimitExceeded: { code: 'THROTTLED' },
  // Node's own, for requests that never reached the service: they took no effect.
  ECONNREFUSED: { code: 'UNAVAILABLE', remedy: 'Check that the service runs and that the endpoint is right.' },
  ENOTFOUND: { code: 'UNAVAILABLE', remedy: 'Check bucket, region, whether the internal endpoint can be reached from here, and name resolution.' },
  EAI_AGAIN: { code: 'UNAVAILABLE', remedy: 'Check name resolution.' }
}

/** For answers whose code is not in the table. */
const verdictByStatus: Readonly<Record<number, Verdict>> = {
  400: { code: 'INVALID_ARGUMENT' },
  401: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  403: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  404: { code: 'NOT_FOUND' },
  405: { code: 'UNSUPPORTED' },
  408: { code: 'NO_VERDICT' },
  409: { code: 'CONFLICT' },
  411: { code: 'UNSUPPORTED' },
  412: { code: 'ALREADY_EXISTS' },
  416: { code: 'OUT_OF_RANGE' },
  429: { code: 'THROTTLED' },
  501: { code: 'UNSUPPORTED' },
  503: { code: 'THROTTLED' }
}

/** The bucket has versioning, or once had. */
export class VersionedBucket extends Error {
  constructor (how: string) { super(`the bucket has object versioning: ${how}`) }
}

/** Whether the bucket has versioning could not be learned, so that nothing was written. */
export class VersioningUnknown extends Error {
  constructor (cause: unknown) { super('whether the bucket has versioning could not be learned', { cause }) }
}

export function failureOf (error: unknown): ServiceFailure {
  if (error instanceof VersionedBucket) return { code: 'MISCONFIGURED', detail: error.message, remedy: versioningRemedy }
  if (error instanceof CredentialsError) return { code: 'PERMISSION_DENIED', detail: detailOf({ message: error.message }), remedy: chainRemedy }
  if (error instanceof VersioningUnknown) {
    const { code, detail, remedy } = failureOf(error.cause)
    return { code: code === 'NO_VERDICT' ? 'UNAVAILABLE' : code, detail: `${detail} (asked whether the bucket has versioning)`, remedy }
  }
  if (error instanceof HttpStatusError) {
    const { headers, status, text } = error
    const told = toldBy(error)
    if (!isOwnRefusal({ status, headers, text, code: told.code }, marks)) return { code: 'NO_VERDICT', detail: strangersRefusal({ status, headers, text, code: told.code }).message }
    return answerFailureOf({ status, ...told })
  }
  const { code = '', message } = (error ?? {}) as { readonly code?: string, readonly message?: string }
  return { ...verdictByCode[code] ?? { code: 'NO_VERDICT' }, detail: detailOf({ code, message }) }
}

/** Whether the service says that keys have run out. */
export function isExpiry (error: unknown): boolean {
  return error instanceof HttpStatusError && ['SecurityTokenExpired', 'InvalidSecurityToken', 'InvalidAccessKeyId'].includes(toldBy(error).code ?? '')
}

/** What an answer says, of a request or of one key in a batch. */
export function answerFailureOf ({ code, message, requestId, status }: Told & { readonly status?: number }): ServiceFailure {
  const detail = detailOf({ status, code, requestId, message })
  if (/must be addressed using the specified endpoint|signing region/i.test(message ?? '')) return { code: 'MISCONFIGURED', detail, remedy: regionRemedy }
  const pays = requesterPays(`${code ?? ''} ${message ?? ''}`)
  if (pays !== undefined) return { ...pays, detail }
  // Without a reason it says nothing of the request.
  if (status === 400 && code === undefined) return { code: 'NO_VERDICT', detail }
  return { ...verdictByCode[code ?? ''] ?? verdictByStatus[status ?? 0] ?? refusal(status), detail }
}

interface Told { readonly code?: string | undefined, readonly message?: string | undefined, readonly requestId?: string | undefined }

/** The answer's XML. A HEAD's has no body: OSS puts the same into a header. */
function toldBy ({ headers, text }: HttpStatusError): Told {
  const header = headers['x-oss-err']
  const xml = text === '' && typeof header === 'string' ? Buffer.from(header, 'base64').toString() : text
  const requestId = headers['x-oss-request-id']
  const told = { requestId: typeof requestId === 'string' ? requestId : undefined }
  return isWholeXml(xml, 'Error') ? { ...told, code: xmlText(xml, 'Code'), message: xmlText(xml, 'Message') } : { ...told, message: xml }
}

/** A request that OSS refuses for a reason we do not know is our mistake; anything else leaves the outcome open. */
function refusal (status: number | undefined): Verdict { return status !== undefined && status >= 400 && status < 500 ? { code: 'INTERNAL' } : { code: 'NO_VERDICT' } }

function detailOf (facts: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(facts).flatMap(([fact, value = '']) => value === '' ? [] : [`${fact}=${String(value).split('\n', 1)[0]!.slice(0, 400)}`]).join(' ')
}
