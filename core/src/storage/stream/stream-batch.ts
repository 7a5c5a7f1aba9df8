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

/**
 * What a batch in memory takes besides its bytes: the object, its view of the bytes, its places in lists, and the room that a collector
 * of garbage needs to keep up. Measured, without that room: 330 bytes a batch.
 */
export const batchOverheadBytes = 512

/** What a batch counts for wherever memory is bounded, in bytes. */
export function costOf ({ bytes }: StreamBatch): number { return bytes.length + batchOverheadBytes }

export function endOffsetOf (batch: StreamBatch): number {
  return batch.baseOffset + batch.count
}
