/**
 * An opaque run of records as the engine stores it. It covers the offsets [baseOffset, baseOffset + count); `bytes`
 * come back exactly as they were given.
 */
export interface StreamBatch {
  readonly baseOffset: number
  /** The number of offsets covered, at least 1. */
  readonly count: number
  /** In ms since the epoch; -1 when the records have none. */
  readonly largestTimestamp: number
  readonly bytes: Uint8Array
}

export function endOffsetOf (batch: StreamBatch): number {
  return batch.baseOffset + batch.count
}
