/**
 * How the stream engine uses memory and shapes objects. Sizes in bytes, times in ms. What bounds memory counts what batches cost in it, not
 * their bytes alone; see `costOf`.
 */
export interface StorageOptions {
  /** Name, in the catalog, of the store that new objects go to. */
  readonly store: string
  /** Confirmed batches kept in memory for readers near the end; what waits for upload is kept in any case. */
  readonly logCacheBytesMax: number
  /** Appends are refused once this much waits for upload, or the WAL is full. */
  readonly pendingBytesMax: number
  /** Data blocks of objects kept in memory for readers that lag. */
  readonly blockCacheBytesMax: number
  /** A segment of the log is uploaded once it holds this much … */
  readonly uploadBytes: number
  /** … or once its first record is this old. 0: by size alone. */
  readonly uploadIntervalMs: number
  /** A stream with this much in one segment gets an object of its own. */
  readonly streamObjectBytesMin: number
  /** What one data block costs in memory, the unit of reads from objects. */
  readonly blockBytes: number
  readonly readAheadBytesMax: number
  /** How long an object that no stream needs is kept, for readers that just looked it up. */
  readonly deletionGraceMs: number
  /** How often objects that no stream needs are looked for. */
  readonly garbageIntervalMs: number
}

const MiB = 1024 * 1024

export const defaultStorageOptions: StorageOptions = Object.freeze({
  store: 'default',
  logCacheBytesMax: 64 * MiB,
  pendingBytesMax: 256 * MiB,
  blockCacheBytesMax: 64 * MiB,
  uploadBytes: 32 * MiB,
  uploadIntervalMs: 30_000,
  streamObjectBytesMin: 8 * MiB,
  blockBytes: 1 * MiB,
  readAheadBytesMax: 8 * MiB,
  deletionGraceMs: 60_000,
  garbageIntervalMs: 30_000
})
