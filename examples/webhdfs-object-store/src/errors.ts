import type { ErrorCode } from '@streambed/sdk'
import { HttpStatusError, detailOf, verdictOf, type ServiceFailure, type Verdicts } from '@streambed/sdk/remote'

const permissionRemedy = 'Give the user of the broker rights to read, write and list below `path`, or renew the delegation token.'
const spaceRemedy = 'Raise the quota, or add datanodes.'

/** What HDFS's exceptions mean (WebHDFS REST API, Error Responses). */
const byException: Verdicts['byCode'] = {
  FileNotFoundException: { code: 'NOT_FOUND' },
  FileAlreadyExistsException: { code: 'ALREADY_EXISTS' },
  AccessControlException: { code: 'PERMISSION_DENIED', remedy: permissionRemedy },
  AuthenticationException: { code: 'PERMISSION_DENIED', remedy: permissionRemedy },
  SecurityException: { code: 'PERMISSION_DENIED', remedy: permissionRemedy },
  InvalidToken: { code: 'PERMISSION_DENIED', remedy: permissionRemedy },
  StandbyException: { code: 'UNAVAILABLE', remedy: 'This namenode is not the active one: give the address of the active one, or of an HttpFS gateway.' },
  SafeModeException: { code: 'UNAVAILABLE', remedy: 'The namenode is in safe mode: wait, or let it out of it.' },
  RetriableException: { code: 'UNAVAILABLE' },
  DSQuotaExceededException: { code: 'OUT_OF_SPACE', remedy: spaceRemedy },
  NSQuotaExceededException: { code: 'OUT_OF_SPACE', remedy: spaceRemedy },
  MaxDirectoryItemsExceededException: { code: 'OUT_OF_SPACE', remedy: 'Raise dfs.namenode.fs-limits.max-directory-items: all objects are in one folder.' },
  IllegalArgumentException: { code: 'INVALID_ARGUMENT' },
  UnsupportedOperationException: { code: 'UNSUPPORTED' },
  ECONNREFUSED: { code: 'UNAVAILABLE', remedy: 'Check that the namenode runs and that `endpoint` is its HTTP address.' },
  ENOTFOUND: { code: 'UNAVAILABLE', remedy: 'Check that the names of namenode and datanodes can be resolved from here.' }
}

/** Of its statuses, 401 alone says a reason: 403 is that of any exception, and nothing in an answer tells HDFS from what stands before it. */
const verdicts: Verdicts = { byCode: byException, byStatus: { 401: { code: 'PERMISSION_DENIED', remedy: permissionRemedy } } }

/** What failed before it could have touched the object: whatever became of it, the object is as it was. */
export class NothingChanged extends Error {}

/** What HDFS did not do, without an exception. */
export class Refusal extends Error {
  readonly code: ErrorCode | 'NO_VERDICT'
  constructor (code: ErrorCode | 'NO_VERDICT', message: string) {
    super(message)
    this.code = code
  }
}

export function failureOf (error: unknown): ServiceFailure {
  if (error instanceof NothingChanged) {
    const failure = failureOf(error.cause)
    return failure.code === 'NO_VERDICT' ? { ...failure, code: 'UNAVAILABLE' } : failure
  }
  if (error instanceof Refusal) return { code: error.code, detail: error.message }
  if (error instanceof HttpStatusError) {
    const { exception, message = error.text } = remoteException(error.text)
    const detail = detailOf({ status: error.status, exception, message })
    // The namenode says it with no exception of its own.
    if (/out of the range/.test(message)) return { code: 'OUT_OF_RANGE', detail }
    return { ...verdictOf({ code: exception, status: error.status === 401 ? 401 : undefined }, verdicts), detail }
  }
  const { code = '', message = String(error) } = (error ?? {}) as { readonly code?: string, readonly message?: string }
  return { ...verdictOf({ code }, verdicts), detail: detailOf({ code, message }) }
}

function remoteException (text: string): { readonly exception?: string, readonly message?: string } {
  try {
    return (JSON.parse(text) as { readonly RemoteException?: object }).RemoteException ?? {}
  } catch {
    return {}
  }
}
