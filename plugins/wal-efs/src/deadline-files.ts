import { StreambedError, withDeadline, type Clock, type DirectoryEntry, type FileHandle, type FileLock, type FileMode, type FileStat, type FileSystem, type OpenOptions } from '@streambed/sdk'

/**
 * A file system whose every call answers in time: a mount that hangs, as `hard` ones do, gives UNAVAILABLE. The call itself
 * cannot be taken back. It may take effect later, and keeps its file open until then.
 */
export class DeadlineFiles implements FileSystem {
  readonly #files: FileSystem
  readonly #deadline: Deadline

  constructor (files: FileSystem, clock: Clock, deadlineMs: number) {
    this.#files = files
    this.#deadline = new Deadline(clock, deadlineMs)
  }

  async open (path: string, mode: FileMode, options?: OpenOptions): Promise<FileHandle> {
    let isLate = false
    const opening = this.#files.open(path, mode, options)
    const onLate = (): void => { isLate = true }
    // A file that opens when nobody waits any more is closed at once. Nobody is left to hear of a failure.
    opening.then(handle => isLate ? handle.close() : undefined).catch(() => {})
    return new DeadlineHandle(await this.#deadline.within('open', path, opening, onLate), path, this.#deadline)
  }

  async readFile (path: string): Promise<Uint8Array> { return await this.#deadline.within('read', path, this.#files.readFile(path)) }
  async makeDirectory (path: string): Promise<void> { await this.#deadline.within('mkdir', path, this.#files.makeDirectory(path)) }
  async list (path: string): Promise<readonly DirectoryEntry[]> { return await this.#deadline.within('readdir', path, this.#files.list(path)) }
  async stat (path: string): Promise<FileStat> { return await this.#deadline.within('stat', path, this.#files.stat(path)) }
  async rename (from: string, to: string): Promise<void> { await this.#deadline.within('rename', from, this.#files.rename(from, to)) }
  async link (from: string, to: string): Promise<void> { await this.#deadline.within('link', to, this.#files.link(from, to)) }
  async remove (path: string): Promise<void> { await this.#deadline.within('unlink', path, this.#files.remove(path)) }
  async removeDirectory (path: string): Promise<void> { await this.#deadline.within('rmdir', path, this.#files.removeDirectory(path)) }
  async syncDirectory (path: string): Promise<void> { await this.#deadline.within('fsync', path, this.#files.syncDirectory(path)) }
  async lock (path: string): Promise<FileLock> { return await this.#deadline.within('lock', path, this.#files.lock(path)) }
}

class DeadlineHandle implements FileHandle {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #deadline: Deadline

  constructor (handle: FileHandle, path: string, deadline: Deadline) {
    this.#handle = handle
    this.#path = path
    this.#deadline = deadline
  }

  async read (target: Uint8Array, position: number): Promise<number> { return await this.#deadline.within('read', this.#path, this.#handle.read(target, position)) }
  async write (chunks: readonly Uint8Array[], position: number): Promise<void> { await this.#deadline.within('write', this.#path, this.#handle.write(chunks, position)) }
  async datasync (): Promise<void> { await this.#deadline.within('fdatasync', this.#path, this.#handle.datasync()) }
  async truncate (size: number): Promise<void> { await this.#deadline.within('ftruncate', this.#path, this.#handle.truncate(size)) }
  async size (): Promise<number> { return await this.#deadline.within('fstat', this.#path, this.#handle.size()) }
  async close (): Promise<void> { await this.#deadline.within('close', this.#path, this.#handle.close()) }
}

class Deadline {
  readonly #clock: Clock
  readonly #deadlineMs: number

  constructor (clock: Clock, deadlineMs: number) {
    this.#clock = clock
    this.#deadlineMs = deadlineMs
  }

  within<T> (call: string, path: string, pending: Promise<T>, onLate?: () => void): Promise<T> {
    const late = (): Error => {
      onLate?.()
      return new StreambedError('UNAVAILABLE', `the file system gave no answer in ${this.#deadlineMs} ms. call=${call} path=${path}`)
    }
    return withDeadline({ clock: this.#clock, limitMs: this.#deadlineMs, late }, () => pending)
  }
}
