import {
  HttpStatusError, bytesChanged, detailOf, isOwnRefusal, isWholeXml, requesterPays, strangersRefusal, verdictByS3Code, verdictOf, xmlText,
  type HttpAnswer, type ServiceFailure, type Verdict, type Verdicts
} from '@streambed/sdk/remote'
import { CredentialsError } from './credentials.ts'

/** Headers that Google sets on what its XML API and its downloads answer. */
export const marks = /^x-(?:goog-|guploader-)/

const roleRemedy = 'Give the account the role Storage Object User on the bucket (roles/storage.objectUser), and check which account is used.'
const credentialsRemedy = "Give credentials: the machine's service account, workload identity, GOOGLE_APPLICATION_CREDENTIALS, or serviceAccountKey."
const bucketRemedy = 'Create the bucket, or correct its name.'
const retentionRemedy = 'Take the retention policy or hold from the bucket: objects that are no longer needed must go.'

/** What Google's reasons (JSON API, HTTP status and error codes) and codes (XML API, the same page) mean. */
const verdictByReason: Readonly<Record<string, Verdict>> = {
  ...verdictByS3Code,
  notFound: { code: 'NOT_FOUND' },
  conditionNotMet: { code: 'ALREADY_EXISTS' }, // the only condition that we set is that the key is free
  requestedRangeNotSatisfiable: { code: 'OUT_OF_RANGE' },
  // Also of more than one write a second to one name, which is refused for that name alone.
  rateLimitExceeded: { code: 'THROTTLED' },
  userRateLimitExceeded: { code: 'THROTTLED' },
  quotaExceeded: { code: 'THROTTLED' },
  dailyLimitExceeded: { code: 'THROTTLED', remedy: 'Raise the quota of the project.' },
  required: { code: 'PERMISSION_DENIED', remedy: credentialsRemedy },
  authError: { code: 'PERMISSION_DENIED', remedy: credentialsRemedy },
  forbidden: { code: 'PERMISSION_DENIED', remedy: roleRemedy },
  insufficientPermissions: { code: 'PERMISSION_DENIED', remedy: `${roleRemedy} A machine also needs the access scope for storage.` },
  AccessDenied: { code: 'PERMISSION_DENIED', remedy: roleRemedy },
  accountDisabled: { code: 'PERMISSION_DENIED', remedy: "Check the project's billing, and that its account is enabled." },
  UserProjectAccountProblem: { code: 'PERMISSION_DENIED', remedy: "Check the project's billing." },
  sslRequired: { code: 'MISCONFIGURED', remedy: 'Use an endpoint with https.' },
  vpcServiceControls: { code: 'PERMISSION_DENIED', remedy: 'A service perimeter refuses this network: add it to an access level.' },
  retentionPolicyNotMet: { code: 'MISCONFIGURED', remedy: retentionRemedy },
  objectUnderActiveHold: { code: 'MISCONFIGURED', remedy: retentionRemedy },
  objectRetentionPolicyNotMet: { code: 'MISCONFIGURED', remedy: retentionRemedy },
  cloudKmsKeyNotAccessible: { code: 'MISCONFIGURED', remedy: "Let the project's storage service agent use the KMS key." },
  uploadTooLarge: { code: 'INVALID_ARGUMENT' },
  notImplemented: { code: 'UNSUPPORTED' },
  internalError: { code: 'NO_VERDICT' },
  backendError: { code: 'NO_VERDICT' } // 500 or 503: it may have been carried out
}

/** Of answers whose reason is not in the table; a download's has none. */
const verdicts: Verdicts = {
  byCode: verdictByReason,
  byStatus: {
    401: { code: 'PERMISSION_DENIED', remedy: credentialsRemedy },
    403: { code: 'PERMISSION_DENIED', remedy: roleRemedy },
    503: { code: 'NO_VERDICT' } // it may have been carried out
  }
}

/** An answer of 404 where nothing but the bucket can be missing. */
export class MissingBucket extends Error {
  constructor (cause: HttpStatusError) { super('the bucket does not exist', { cause }) }
}

/** A token that had been good was refused; the next call gets a fresh one. */
export class StaleToken extends Error {
  constructor (cause: HttpStatusError) { super('the token has run out or was withdrawn', { cause }) }
}

/** Turns the 404 of a call that names no object that must exist into what it means. */
export async function inBucket<T> (call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw error instanceof HttpStatusError && error.status === 404 && isGooglesRefusal(error) ? new MissingBucket(error) : error
  }
}

export function failureOf (error: unknown): ServiceFailure {
  if (error instanceof MissingBucket) return { code: 'MISCONFIGURED', detail: detailOf({ status: 404, message: error.message }), remedy: bucketRemedy }
  if (error instanceof StaleToken) return { code: 'UNAVAILABLE', detail: detailOf({ status: 401, message: error.message }) }
  if (error instanceof CredentialsError) {
    return error.isTransient ? { code: 'UNAVAILABLE', detail: detailOf({ message: error.message }) } : { code: 'PERMISSION_DENIED', detail: detailOf({ message: error.message }), remedy: credentialsRemedy }
  }
  if (error instanceof HttpStatusError) return answerFailureOf(error.status, error.text, error.headers)
  const { code = '', message } = (error ?? {}) as { readonly code?: string, readonly message?: string }
  return { ...verdictOf({ code }, verdicts), detail: detailOf({ code, message }) }
}

/** What an answer says, of a request of its own or in a batch. */
export function answerFailureOf (status: number, text: string, headers: HttpAnswer['headers'] = {}): ServiceFailure {
  const { code, message, reason } = told(status, text)
  if (!isOwnRefusal({ status, headers, text, code }, marks)) return { code: 'NO_VERDICT', detail: strangersRefusal({ status, headers, text, code }).message }
  const detail = detailOf({ status, code: reason, requestId: headers['x-guploader-uploadid'], message })
  const pays = requesterPays(`${reason ?? ''} ${message ?? ''}`)
  if (pays !== undefined) return { ...pays, detail }
  if (status === 404 && /bucket does not exist/.test(message ?? '')) return { code: 'MISCONFIGURED', detail, remedy: bucketRemedy }
  // The reason is `invalid`, as of so much.
  if (status === 400 && /(crc32c|md5)/i.test(message ?? '')) return { ...bytesChanged, detail }
  return { ...verdictOf({ code: reason, status }, verdicts), detail }
}

/** Whether a refusal is Google's: it says so in its language, or bears a header of it. */
export function isGooglesRefusal ({ headers, status, text }: HttpStatusError): boolean {
  return isOwnRefusal({ status, headers, text, code: told(status, text).code }, marks)
}

interface JsonError { readonly error?: { readonly code?: number, readonly message?: string, readonly errors?: readonly { readonly reason?: string }[] } }

interface Told { readonly reason?: string | undefined, readonly message?: string | undefined, readonly code?: string | undefined }

/** `code`: what shows that the text is Google's; emulators give no reason. A download's refusal is a sentence. */
function told (status: number, text: string): Told {
  if (text.startsWith('{')) {
    try {
      const { error } = JSON.parse(text) as JsonError
      const reason = error?.errors?.[0]?.reason
      return { reason, message: error?.message, code: reason ?? (error?.code === status ? String(status) : undefined) }
    } catch { /* cut off: as it stands, below */ }
  } else if (isWholeXml(text, 'Error')) {
    const reason = xmlText(text, 'Code')
    return { reason, message: xmlText(text, 'Message'), code: reason }
  }
  return { message: text, code: status === 404 && text.startsWith('No such object: ') ? 'notFound' : undefined }
}
