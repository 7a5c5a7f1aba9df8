import { StreambedError } from '@streambed/sdk'

export function fenced (writerEpoch: number, highestEpoch: number): StreambedError {
  return new StreambedError('FENCED', `a higher epoch took the log over. writerEpoch=${writerEpoch} highestEpoch=${highestEpoch}`)
}

export function closed (): StreambedError { return new StreambedError('CLOSED', 'the write-ahead log is closed') }

/** What a log says that cannot store its next batch: it must be opened again. */
export function storeFailure (error: unknown, key: string): StreambedError {
  if (StreambedError.is(error, 'FENCED', 'CORRUPT', 'MISCONFIGURED', 'CLOSED', 'OUT_OF_SPACE')) return error
  const detail = error instanceof Error ? error.message : String(error)
  return new StreambedError('OUTCOME_UNKNOWN', `a batch could not be stored: what the log held in flight is in doubt until it is opened again. key=${key}: ${detail}`, { cause: error })
}
