import {
  HttpStatusError, detailOf, isOwnRefusal, isWholeXml, requesterPays, strangersRefusal, verdictByS3Code, verdictOf, xmlText, type ServiceFailure, type Verdict, type Verdicts
} from '@streambed/sdk/remote'
import { CredentialsError } from './credentials.ts'

/** Headers that OSS sets on every answer. */
export const marks = /^x-oss-/

const keysRemedy = 'Check the access key, its secret and what its RAM policy allows: oss:PutObject, oss:GetObject, oss:DeleteObject, oss:ListObjects, oss:AbortMultipartUpload, oss:ListMultipartUploads.'
const chainRemedy = 'Give credentials: ALIBABA_CLOUD_ACCESS_KEY_ID and its secret, an OIDC role of the pod, a profile, a RAM role of the machine, or accessKeyId.'
const regionRemedy = "Set `region` (and `endpoint`, where there is one) to the bucket's."
const wormRemedy = 'Use a bucket without a retention policy: objects that are no longer needed must go.'
const versioningRemedy = 'Use a bucket that never had versioning: OSS cannot turn it off again, and with it creates nothing only if absent, so that two brokers can overwrite each other.'

/** What OSS's error codes mean (Developer Reference, Error responses; Troubleshooting, HTTP 4xx and 5xx). */
const verdictByCode: Readonly<Record<string, Verdict>> = {
  ...verdictByS3Code,
  SymlinkTargetNotExist: { code: 'NOT_FOUND' },
  FileAlreadyExists: { code: 'ALREADY_EXISTS' },
  ObjectAlreadyExists: { code: 'ALREADY_EXISTS' },
  FileImmutable: { code: 'MISCONFIGURED', remedy: wormRemedy },
  AccessDenied: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  InvalidAccessKeyId: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  SignatureDoesNotMatch: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  SecurityTokenNotSupported: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  UserDisable: { code: 'PERMISSION_DENIED', remedy: 'Check the account: its bill may be overdue.' },
  InvalidSecurityToken: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  SecurityTokenExpired: { code: 'UNAVAILABLE', remedy: 'Temporary keys that were given have to be given anew; those of the chain are fetched for the next call.' },
  RequestExpired: { code: 'UNAVAILABLE', remedy: "Set this machine's clock." },
  InvalidObjectName: { code: 'INVALID_ARGUMENT' }, // OSS also refuses names that begin with a backslash
  KeyTooLong: { code: 'INVALID_ARGUMENT', remedy: 'Use a shorter prefix.' },
  InternalError: { code: 'NO_VERDICT' },
  ServiceUnavailable: { code: 'THROTTLED' },
  QpsLimitExceeded: { code: 'THROTTLED' },
  TotalQpsLimitExceeded: { code: 'THROTTLED' },
  MetaOperationQpsLimitExceeded: { code: 'THROTTLED' }, // also of creates with forbid-overwrite, which have a limit of their own
  UploadTrafficRateLimitExceeded: { code: 'THROTTLED' },
  DownloadTrafficRateLimitExceeded: { code: 'THROTTLED' },
  ENOTFOUND: { code: 'UNAVAILABLE', remedy: 'Check bucket, region, whether the internal endpoint can be reached from here, and name resolution.' }
}

/** Of answers whose code is not in the table. */
const verdicts: Verdicts = {
  byCode: verdictByCode,
  byStatus: {
    401: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
    403: { code: 'PERMISSION_DENIED', remedy: keysRemedy }
  }
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
  return { ...verdictOf({ code }, verdicts), detail: detailOf({ code, message }) }
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
  return { ...verdictOf({ code, status }, verdicts), detail }
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
