import { StreambedError } from '@streambed/sdk'

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

export function outcomeUnknown (path: string, cause: unknown): StreambedError {
  return new StreambedError('OUTCOME_UNKNOWN', `writing to the log failed: what it held in flight is in doubt until the log is opened again. path=${path}`, { cause })
}

export function fenced (path: string, writerEpoch: number, highestEpoch: number): StreambedError {
  return new StreambedError('FENCED', `a higher epoch took the log over. path=${path} writerEpoch=${writerEpoch} highestEpoch=${highestEpoch}`)
}
