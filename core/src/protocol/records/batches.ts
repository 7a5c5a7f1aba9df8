import { batchSize, checkBatch } from './batch-header.ts'

/** A batch as a place in the bytes that hold it. */
export interface BatchPlace {
  /** Where it begins, in bytes. */
  readonly at: number
  readonly size: number
}

/**
 * The batches that lie one after another in `bytes`. Throws CORRUPT at the first that is cut off or not of magic 2.
 * CRCs are not checked.
 */
export function * batches (bytes: Uint8Array): Generator<BatchPlace, void, undefined> {
  for (let at = 0; at < bytes.length;) {
    const size = checkBatch(bytes, at)
    yield { at, size }
    at += size
  }
}

/** As `batches`, for a Fetch response, whose last batch may be cut off: an incomplete one at the end is left out. */
export function * wholeBatches (bytes: Uint8Array): Generator<BatchPlace, void, undefined> {
  for (let at = 0; bytes.length - at >= 12 && batchSize(bytes, at) <= bytes.length - at;) {
    const size = checkBatch(bytes, at)
    yield { at, size }
    at += size
  }
}
