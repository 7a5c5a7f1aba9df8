/**
 * The part of a POSIX file system that durable plugins need, narrow enough to simulate crashes, lost and torn
 * writes, full disks and failing syncs behind it. All paths are absolute or relative to the process.
 *
 * FS-1 Bytes written are durable only after `datasync` of that handle resolved; before it, a crash may keep any
 *      subset of the written 512-byte sectors.
 * FS-2 A created, renamed or removed name is durable only after `syncDirectory` of its folder resolved.
 * FS-3 After `datasync` rejects, earlier unsynced writes may be lost although a later `datasync` resolves: the
 *      caller must treat the handle's unsynced bytes as gone and never confirm them.
 *
 * Rejects with NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, OUT_OF_SPACE, LOCKED, or UNAVAILABLE for an I/O
 * error; every message names the path and the system's code.
 */
export interface FileSystem {
  /**
   * `read`: must exist. `update`: must exist, read and write. `create`: created when absent, never truncated.
   * `createNew`: fails with ALREADY_EXISTS; exclusive among all processes that share the file system.
   */
  open (path: string, mode: FileMode, options?: OpenOptions): Promise<FileHandle>
  /** The whole file. Rejects with NOT_FOUND. */
  readFile (path: string): Promise<Uint8Array>
  makeDirectory (path: string): Promise<void>
  /** Entries of a folder, unordered. Rejects with NOT_FOUND. */
  list (path: string): Promise<readonly DirectoryEntry[]>
  stat (path: string): Promise<FileStat>
  /** Replaces `to` atomically. */
  rename (from: string, to: string): Promise<void>
  /** Makes `to` another name of `from`. Rejects with ALREADY_EXISTS, atomically among all processes. */
  link (from: string, to: string): Promise<void>
  remove (path: string): Promise<void>
  removeDirectory (path: string): Promise<void>
  syncDirectory (path: string): Promise<void>
  /** Takes an exclusive lock that the system drops when the process dies. Rejects with LOCKED while another holds it. */
  lock (path: string): Promise<FileLock>
}

export type FileMode = 'read' | 'update' | 'create' | 'createNew'
export interface OpenOptions {
  /** Every write is durable when it resolves (O_DSYNC): no `datasync` is needed. */
  readonly synchronous?: boolean
  /**
   * Reads and writes go past the caches of this host (O_DIRECT); on a network file system each one to the server. Positions
   * and counts must be multiples of 4,096 bytes, else INVALID_ARGUMENT; buffers may lie anywhere. A read may end earlier, at
   * the end of the file. `open` rejects with UNSUPPORTED where the system or the file system has no such access.
   */
  readonly direct?: boolean
}
export interface DirectoryEntry { readonly name: string, readonly kind: 'file' | 'directory' | 'other' }
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'blockDevice' | 'other'
  /** Bytes; of a block device, its capacity. */
  readonly size: number
  readonly modifiedMs: number
}
export interface FileLock { release (): Promise<void> }

export interface FileHandle {
  /** Reads into `target` from byte `position`; resolves with the count read, short only at the end of the file. */
  read (target: Uint8Array, position: number): Promise<number>
  /** Writes all `chunks` back to back from byte `position`. Caller: leaves them unchanged until it settles. */
  write (chunks: readonly Uint8Array[], position: number): Promise<void>
  datasync (): Promise<void>
  truncate (size: number): Promise<void>
  size (): Promise<number>
  close (): Promise<void>
}
