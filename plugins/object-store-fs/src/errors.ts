import { StreambedError } from '@streambed/sdk'
import type { ErrorCode } from '@streambed/sdk'

/** What the operator can do about it. */
const remedies: Partial<Record<ErrorCode, string>> = {
  PERMISSION_DENIED: 'Give the user that runs the broker read and write permission.',
  OUT_OF_SPACE: 'Free space on this file system, or raise the quota.',
  UNAVAILABLE: 'Check that the file system is mounted and that the system log names no disk error.'
}

/** The error of `action`, as the contract has it: a name missing where we work is not a missing object. */
export function storeError (error: unknown, action: string): unknown {
  if (!StreambedError.is(error)) return error
  if (error.code === 'NOT_FOUND' || error.code === 'ALREADY_EXISTS' || error.code === 'LOCKED') {
    return new StreambedError('UNAVAILABLE', `${action} failed: the store's folder changed under it. Nothing else may write there. ${error.message}`, { cause: error })
  }
  const remedy = remedies[error.code]
  if (remedy === undefined) return error
  return new StreambedError(error.code, `${action} failed. ${remedy} ${error.message}`, { cause: error })
}

/** For a change that is done but whose durability failed. */
export function outcomeUnknown (error: unknown, action: string): StreambedError {
  const detail = error instanceof Error ? error.message : String(error)
  return new StreambedError('OUTCOME_UNKNOWN', `${action}: the change may not survive a crash. ${detail}`, { cause: error })
}

export function noSuchObject (key: string, cause?: unknown): StreambedError {
  return new StreambedError('NOT_FOUND', `no such object. key=${key}`, { cause })
}

export function outOfRange (key: string, start: number, size: number): StreambedError {
  return new StreambedError('OUT_OF_RANGE', `the range starts past the object's end. key=${key} start=${start} size=${size}`)
}

export function invalidArgument (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }
