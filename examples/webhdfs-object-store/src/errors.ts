import type { ErrorCode } from '@streambed/sdk'
import { HttpStatusError, type ServiceFailure } from '@streambed/sdk/remote'

interface Verdict { readonly code: ErrorCode | 'NO_VERDICT', readonly remedy?: string }

const permissionRemedy = 'Give the user of the broker rights to read, write and list below `path`, or renew the delegation token.'
const spaceRemedy = 'Raise the quota, or add datanodes.'

/** What HDFS's exceptions mean (WebHDFS REST API, Error Responses). */
const verdictByException: Readonly<Record<string, Verdict>> = {
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
  // Node's own, for requests that never reached the service.
  ECONNREFUSED: { code: 'UNAVAILABLE', remedy: 'Check that the namenode runs and that `endpoint` is its HTTP address.' },
  ENOTFOUND: { code: 'UNAVAILABLE', remedy: 'Check that the names of namenode and datanodes can be resolved from here.' }
}

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
    const { exception = '', message = error.text.slice(0, 200) } = remoteException(error.text)
    const detail = `status=${error.status} exception=${exception} message=${message.split('\n', 1)[0]}`
    // The namenode says it with no exception of its own.
    if (/out of the range/.test(message)) return { code: 'OUT_OF_RANGE', detail }
    return { ...verdictByException[exception] ?? (error.status === 401 ? { code: 'PERMISSION_DENIED', remedy: permissionRemedy } : { code: 'NO_VERDICT' }), detail }
  }
  const { code = '', message = String(error) } = (error ?? {}) as { readonly code?: string, readonly message?: string }
  return { ...verdictByException[code] ?? { code: 'NO_VERDICT' }, detail: `code=${code} message=${message}` }
}

function remoteException (text: string): { readonly exception?: string, readonly message?: string } {
  try {
    return (JSON.parse(text) as { readonly RemoteException?: object }).RemoteException ?? {}
  } catch {
    return {}
  }
}
