/** How far the batches of producers are looked into. */
export interface BatchChecks {
  /**
   * True: a compressed batch is opened only where its records are needed, for their keys or for another codec. What its header says of
   * count and times is believed.
   */
  readonly trustCompressed: boolean
  /** The most that the records of a compressed batch may decompress to, in bytes. */
  readonly decompressedBytesMax: number
}

/** Below what librdkafka's consumers take by default (`receive.message.max.bytes`, 100 MB). */
export const defaultBatchChecks: BatchChecks = Object.freeze({ trustCompressed: false, decompressedBytesMax: 64 * 1024 * 1024 })
