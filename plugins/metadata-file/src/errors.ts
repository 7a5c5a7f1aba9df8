import { StreambedError } from '@streambed/sdk'
import type { ErrorCode } from '@streambed/sdk'

const remedies: Partial<Record<ErrorCode, string>> = {
  PERMISSION_DENIED: 'Give the user that runs the broker read and write permission.',
  OUT_OF_SPACE: 'Free space on this file system, or raise the quota.',
  UNAVAILABLE: 'Check that the file system is mounted and that the system log names no disk error.'
}

/** The error of `action`, with what to do about it. Names that are missing or taken mean that somebody meddled. */
export function logError (error: unknown, action: string): unknown {
  if (!StreambedError.is(error)) return error
  if (error.code === 'NOT_FOUND' || error.code === 'ALREADY_EXISTS') {
    return new StreambedError('UNAVAILABLE', `${action} failed: the log's folder changed under it. Nothing else may write there. ${error.message}`, { cause: error })
  }
  const remedy = remedies[error.code]
  return remedy === undefined ? error : new StreambedError(error.code, `${action} failed. ${remedy} ${error.message}`, { cause: error })
}

/** `at`: the byte. `readableBefore`: all entries before that position can still be read. */
export function corrupt (problem: string, file: string, at?: number, readableBefore?: number): StreambedError {
  const place = at === undefined ? '' : ` at=${at}`
  const readable = readableBefore === undefined ? '' : ` readableBefore=${readableBefore}`
  return new StreambedError('CORRUPT', `the metadata log is damaged: ${problem}. Restore the folder from a copy. path=${file}${place}${readable}`)
}

export function newerFormat (found: number, known: number, file: string): StreambedError {
  return new StreambedError('UNSUPPORTED', `the file has format ${found}, this program reads ${known}: use a newer program. path=${file}`)
}

export function invalidArgument (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }
