import { HttpStatusError, bytesChanged, codeOf, detailOf, requesterPays, verdictByS3Code, verdictOf, type ServiceFailure, type Verdict, type Verdicts } from '@streambed/sdk/remote'
import { WrongRegion } from './answers.ts'

const regionRemedy = "Set `region` to the bucket's region."
const keysRemedy = "Check the access key, its secret and what its policy allows. A bucket of another account's that is set to Requester Pays refuses us too: turn that off."

/** What S3's error codes mean (Amazon S3 API Reference, Error Responses). Compatible services use the same. */
const verdictByCode: Readonly<Record<string, Verdict>> = {
  ...verdictByS3Code,
  NotFound: { code: 'NOT_FOUND' }, // what the SDK makes of a HEAD, whose answer has no body
  ConditionalRequestConflict: { code: 'CONFLICT' }, // a rival create is under way; S3 asks us to ask again
  OperationAborted: { code: 'CONFLICT' },
  AccessDenied: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  AllAccessDisabled: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  AccountProblem: { code: 'PERMISSION_DENIED', remedy: 'Ask the provider about the account.' },
  InvalidAccessKeyId: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  SignatureDoesNotMatch: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
  CredentialsProviderError: { code: 'PERMISSION_DENIED', remedy: 'Give credentials: AWS_ACCESS_KEY_ID, a profile, or a role of the machine.' },
  ExpiredToken: { code: 'UNAVAILABLE' }, // the SDK fetches fresh credentials for the next call
  TokenRefreshRequired: { code: 'UNAVAILABLE' },
  PermanentRedirect: { code: 'MISCONFIGURED', remedy: regionRemedy },
  TemporaryRedirect: { code: 'UNAVAILABLE' },
  AuthorizationHeaderMalformed: { code: 'MISCONFIGURED', remedy: regionRemedy },
  IllegalLocationConstraintException: { code: 'MISCONFIGURED', remedy: regionRemedy },
  XAmzContentChecksumMismatch: bytesChanged,
  XAmzContentSHA256Mismatch: bytesChanged,
  KeyTooLongError: { code: 'INVALID_ARGUMENT', remedy: 'Use a shorter prefix.' },
  QuotaExceeded: { code: 'OUT_OF_SPACE', remedy: 'Raise the quota, or delete what is not needed.' },
  InvalidStorageClass: { code: 'MISCONFIGURED', remedy: 'Set `storageClass` to one that the service has.' },
  Throttling: { code: 'THROTTLED' },
  TooManyRequests: { code: 'THROTTLED' },
  RequestLimitExceeded: { code: 'THROTTLED' },
  ServiceUnavailable: { code: 'THROTTLED' }
}

/** Of codes that are not in the table, also those of services that imitate S3. */
const verdicts: Verdicts = {
  byCode: verdictByCode,
  byStatus: {
    301: { code: 'MISCONFIGURED', remedy: regionRemedy },
    401: { code: 'PERMISSION_DENIED', remedy: keysRemedy },
    403: { code: 'PERMISSION_DENIED', remedy: keysRemedy }
  }
}

/** The parts of an SDK error that matter. `Code`: of one key in the answer to a batch delete. */
interface Told { readonly name?: string, readonly code?: string, readonly Code?: string, readonly message?: string, readonly $metadata?: { readonly httpStatusCode?: number, readonly requestId?: string } }

export function failureOf (error: unknown): ServiceFailure {
  if (error instanceof WrongRegion) return { code: 'MISCONFIGURED', detail: error.message, remedy: `Set \`region: ${error.region}\`, which is the bucket's.` }
  if (error instanceof HttpStatusError) return { code: 'NO_VERDICT', detail: `status=${error.status}: neither a reason, nor a mark of the service` }
  const { $metadata, Code, code, message, name } = error as Told
  const status = $metadata?.httpStatusCode
  const told = codeOf([Code, code, name], verdicts)
  const verdict = requesterPays(`${Code ?? ''} ${name ?? ''} ${message ?? ''}`) ?? verdictOf({ code: told, status }, verdicts)
  return { ...verdict, detail: detailOf({ status, code: told, requestId: $metadata?.requestId, message }) }
}
