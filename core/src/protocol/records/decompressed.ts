/** What a codec makes of the records of a batch. */
export interface Decompressed {
  readonly bytes: Uint8Array
  /**
   * False for a framing that the format allows and some clients cannot read: several gzip members or zstd frames, bytes behind
   * them, checksums of which clients think differently.
   */
  readonly isPlain: boolean
}
