import type { ErrorCode } from '@streambed/sdk'
import { HttpStatusError, requesterPays, type ServiceFailure } from '@streambed/sdk/remote'
import { WrongRegion } from './answers.ts'

interface Verdict { readonly code: ErrorCode | 'NO_VERDICT', readonly remedy?: string }

const regionRemedy = "Set `region` to the bucket's region."
const keysRemedy = "Check the access key, its secret and what its policy allows. A bucket of another account's that is set to Requester Pays refuses us too: turn that off."

/** What S3's error codes mean (Amazon S3 API Reference, Error Responses). Compatible services use the same. */
const verdictByCode: Readonly<Record<string, Verdict>> = {
  NoSuchKey: { code: 'NOT_FOUND' },
  NotFound: { code: 'NOT_FOUND' }, // what the SDK makes of a HEAD, whose answer has no body
  NoSuchUpload: { code: 'NOT_FOUND' },
  NoSuchBucket: { code: 'MISCONFIGURED', remedy: 'Create the bucket, or correct its name.' },
  InvalidBucketName: { code: 'MISCONFIGURED', remedy: "Correct the bucket's name." },
  PreconditionFailed: { code: 'ALREADY_EXISTS' },
  ConditionalRequestConflict: { code: 'CONFLICT' }, // a rival create is under way; S3 asks us to ask again
  OperationAborted: { code: 'CONFLICT' },
  InvalidRange: { code: 'OUT_OF_RANGE' },
  AccessDenied: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  AllAccessDisabled: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  AccountProblem: { code: 'PERMISSION_DENIED', remedy: 'Ask the provider about the account.' },
  InvalidAccessKeyId: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  SignatureDoesNotMatch: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  CredentialsProviderError: { code: 'PERMISSION_DENIED', remedy: 'Give credentials: AWS_ACCESS_KEY_ID, a profile, or a role of the machine.' },
  ExpiredToken: { code: 'UNAVAILABLE' }, // the SDK fetches fresh credentials for the next call
  TokenRefreshRequired: { code: 'UNAVAILABLE' },
  RequestTimeTooSkewed: { code: 'UNAVAILABLE', remedy: "Set this machine's clock." },
  PermanentRedirect: { code: 'MISCONFIGURED', remedy: regionRemedy },
  TemporaryRedirect: { code: 'UNAVAILABLE' },
  AuthorizationHeaderMalformed: { code: 'MISCONFIGURED', remedy: regionRemedy },
  IllegalLocationConstraintException: { code: 'MISCONFIGURED', remedy: regionRemedy },
  BadDigest: { code: 'CORRUPT' },
  InvalidDigest: { code: 'CORRUPT' },
  XAmzContentChecksumMismatch: { code: 'CORRUPT' },
  XAmzContentSHA256Mismatch: { code: 'CORRUPT' },
  IncompleteBody: { code: 'UNAVAILABLE' },
  RequestTimeout: { code: 'UNAVAILABLE' }, // the body did not come; nothing was stored
  EntityTooLarge: { code: 'INVALID_ARGUMENT' },
  EntityTooSmall: { code: 'INVALID_ARGUMENT' },
  InvalidPart: { code: 'NOT_FOUND' },
  InvalidPartOrder: { code: 'INVALID_ARGUMENT' },
  KeyTooLongError: { code: 'INVALID_ARGUMENT', remedy: 'Use a shorter prefix.' },
  QuotaExceeded: { code: 'OUT_OF_SPACE', remedy: 'Raise the quota, or delete what is not needed.' },
  InvalidStorageClass: { code: 'MISCONFIGURED', remedy: 'Set `storageClass` to one that the service has.' },
  InvalidObjectState: { code: 'MISCONFIGURED', remedy: 'The object was archived: take the rule that archives from our prefix, and restore it.' },
  NotImplemented: { code: 'UNSUPPORTED' },
  SlowDown: { code: 'THROTTLED' },
  Throttling: { code: 'THROTTLED' },
  TooManyRequests: { code: 'THROTTLED' },
  RequestLimitExceeded: { code: 'THROTTLED' },
  ServiceUnavailable: { code: 'THROTTLED' },
  // Node's own, for requests that never reached the service: they took no effect.
  ECONNREFUSED: { code: 'UNAVAILABLE', remedy: 'Check that the service runs and that the endpoint is right.' },
  ENOTFOUND: { code: 'UNAVAILABLE', remedy: 'Check the name in the endpoint, the bucket, and name resolution.' },
  EAI_AGAIN: { code: 'UNAVAILABLE', remedy: 'Check name resolution.' }
}

/** For codes that are not in the table, by what services that imitate S3 answer. */
const verdictByStatus: Readonly<Record<number, Verdict>> = {
  301: { code: 'MISCONFIGURED', remedy: regionRemedy },
  401: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  403: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  404: { code: 'NOT_FOUND' },
  405: { code: 'UNSUPPORTED' },
  409: { code: 'CONFLICT' },
  411: { code: 'UNSUPPORTED' },
  412: { code: 'ALREADY_EXISTS' },
  416: { code: 'OUT_OF_RANGE' },
  429: { code: 'THROTTLED' },
  501: { code: 'UNSUPPORTED' },
  503: { code: 'THROTTLED' },
  507: { code: 'OUT_OF_SPACE', remedy: 'Free space, or raise the quota.' }
}

/** The parts of an SDK error that matter. `Code`: of one key in the answer to a batch delete. */
interface Told { readonly name?: string, readonly code?: string, readonly Code?: string, readonly message?: string, readonly $metadata?: { readonly httpStatusCode?: number, readonly requestId?: string } }

export function failureOf (error: unknown): ServiceFailure {
  if (error instanceof WrongRegion) return { code: 'MISCONFIGURED', detail: error.message, remedy: `Set \`region: ${error.region}\`, which is the bucket's.` }
  if (error instanceof HttpStatusError) return { code: 'NO_VERDICT', detail: `status=${error.status}: neither a reason, nor a mark of the service` }
  const { $metadata, Code, code, message, name } = error as Told
  const status = $metadata?.httpStatusCode
  const told = [Code, name, code].find(candidate => candidate !== undefined && candidate in verdictByCode)
  const verdict = requesterPays(`${Code ?? ''} ${name ?? ''} ${message ?? ''}`) ?? (told !== undefined ? verdictByCode[told]! : verdictByStatus[status ?? 0] ?? refusal(status))
  const facts = { status, code: told ?? Code ?? code ?? name, requestId: $metadata?.requestId, message }
  const detail = Object.entries(facts).flatMap(([fact, value]) => value === undefined ? [] : [`${fact}=${value}`]).join(' ')
  return { ...verdict, detail }
}

/** A request that S3 refuses for a reason we do not know is our mistake; anything else leaves the outcome open. */
function refusal (status: number | undefined): Verdict {
  return status !== undefined && status >= 400 && status < 500 ? { code: 'INTERNAL' } : { code: 'NO_VERDICT' }
}
