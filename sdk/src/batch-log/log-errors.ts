import { StreambedError } from '../errors.ts'

/** Says what an operator can do about a failure to open. */
export function explainOpenFailure (error: unknown, path: string): unknown {
  if (StreambedError.is(error, 'PERMISSION_DENIED')) {
    return new StreambedError('PERMISSION_DENIED', `the write-ahead log may not be read or written; give the broker's user both rights, or name another path. path=${path}: ${error.message}`, { cause: error })
  }
  if (StreambedError.is(error, 'OUT_OF_SPACE')) {
    return new StreambedError('OUT_OF_SPACE', `no disk space to open the write-ahead log; free some, or name another path. path=${path}: ${error.message}`, { cause: error })
  }
  return error
}

export function outOfSpace (path: string, bytes: number, cause: unknown): StreambedError {
  return new StreambedError('OUT_OF_SPACE', `no disk space for the next records; free some, or give the log a smaller capacity. path=${path} wantedBytes=${bytes}`, { cause })
}

/** UNAVAILABLE where the system said that it cannot: an I/O error, a lost mount, no answer in time. */
export function writeFailed (path: string, cause: unknown): StreambedError {
  const code = StreambedError.is(cause, 'UNAVAILABLE') ? 'UNAVAILABLE' : 'OUTCOME_UNKNOWN'
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StreambedError(code, `writing to the log failed: what it held in flight is in doubt until the log is opened again. path=${path}: ${reason}`, { cause })
}

/** What a writer gets that a higher epoch has overtaken. */
export function fenced (path: string, writerEpoch: number, highestEpoch: number): StreambedError {
  return new StreambedError('FENCED', `a higher epoch took the log over. path=${path} writerEpoch=${writerEpoch} highestEpoch=${highestEpoch}`)
}
