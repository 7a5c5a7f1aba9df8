import { StreambedError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

const codeByErrno: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  EEXIST: 'ALREADY_EXISTS',
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  EROFS: 'PERMISSION_DENIED',
  ENOSPC: 'OUT_OF_SPACE',
  EDQUOT: 'OUT_OF_SPACE'
}

/** The error of `call` on `path`, as the FileSystem contract has it: path and the system's code in the message. */
export function fileError (error: unknown, call: string, path: string): StreambedError {
  const errno = errnoOf(error)
  return new StreambedError(codeByErrno[errno] ?? 'UNAVAILABLE', `${call} failed. path=${path} code=${errno}`, { cause: error })
}

function errnoOf (error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown'
}
