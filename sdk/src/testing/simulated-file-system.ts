import { sleep, type Clock, type Random } from '../environment.ts'
import { StreambedError, type ErrorCode } from '../errors.ts'
import type { DirectoryEntry, FileHandle, FileLock, FileMode, FileStat, FileSystem, OpenOptions } from '../file-system.ts'
import { SimulatedDirectory, type SimulatedNode } from './simulated-directory.ts'
import { pageBytes, sectorBytes, SimulatedFile } from './simulated-file.ts'

export type FileOperation =
  | 'open' | 'readFile' | 'makeDirectory' | 'list' | 'stat' | 'rename' | 'link' | 'remove' | 'removeDirectory' | 'syncDirectory'
  | 'lock' | 'unlock' | 'read' | 'write' | 'datasync' | 'truncate' | 'size' | 'close'

/**
 * What befalls one operation. `fail`: it rejects; a write leaves any first part behind, a datasync loses any of the
 * unsynced sectors for good (FS-3). `crash`: the power fails before or after the effect. `kill`: the process dies so.
 */
export type FileFault =
  | { readonly kind: 'fail', readonly code: ErrorCode }
  | { readonly kind: 'delay', readonly ms: number }
  | 'crash'
  | 'kill'

/** Decides about each operation, in the order they are called. `bytes`: read, written, or truncated to; else 0. */
export type FileFaultPlan = (operation: FileOperation, path: string, bytes: number) => FileFault | undefined

export interface SimulatedFileSystemOptions {
  readonly clock: Clock
  /** Decides which unsynced sectors and names a crash keeps, and when a delayed write becomes visible. */
  readonly random: Random
  /** Bytes that all files may take together, in pages of 4 KiB; default without bound. */
  readonly capacityBytes?: number
  /** Each operation takes this long; 0, the default: it settles on a later microtask. */
  readonly latencyMs?: number
  readonly plan?: FileFaultPlan
}

/** A folder with all that is below it, as it once was. */
export interface FolderCopy { readonly folder: SimulatedDirectory }

const effectful: ReadonlySet<FileOperation> = new Set(['write', 'truncate', 'rename', 'link', 'remove', 'makeDirectory', 'removeDirectory'])

/**
 * A file system in memory that keeps FS-1 to FS-3 as unkindly as it may: what was not synced, a crash loses, keeps or
 * tears, as `random` decides. `/` exists; other folders are made. Relative paths begin at `/`.
 */
export class SimulatedFileSystem implements FileSystem {
  /** May be replaced at any time. */
  plan: FileFaultPlan | undefined
  capacityBytes: number
  latencyMs: number
  /** Operations begun so far: a plan can count on it. */
  operationCount = 0
  readonly #clock: Clock
  readonly #random: Random
  readonly #root: SimulatedDirectory
  readonly #locks = new Map<string, symbol>()
  #incarnation = 0

  constructor (options: SimulatedFileSystemOptions) {
    this.#clock = options.clock
    this.#random = options.random
    this.#root = new SimulatedDirectory(options.clock.wallMs())
    this.plan = options.plan
    this.capacityBytes = options.capacityBytes ?? Infinity
    this.latencyMs = options.latencyMs ?? 0
  }

  /** The power fails: unsynced bytes and names are lost, kept or torn; handles, locks and calls in flight die. */
  crash (): void {
    this.kill()
    this.#root.crash(this.#random)
  }

  /** Every process dies, the machine lives on: nothing is lost; handles, locks and calls in flight die. */
  kill (): void {
    this.#incarnation++
    this.#locks.clear()
  }

  /** Adds a raw device of `size` bytes, all zero, in an existing folder. */
  addBlockDevice (path: string, size: number): void {
    const { folder, name } = this.#place(path, 'addBlockDevice')
    folder.change({ set: name, node: new SimulatedFile('blockDevice', size, this.#clock.wallMs()) })
    folder.sync()
  }

  /** Changes bytes behind everybody's back, durably: rot. */
  corrupt (path: string, position: number, change: (byte: number) => number): void {
    const file = this.#file(path, 'corrupt')
    const byte = new Uint8Array(1)
    file.read(byte, position)
    byte[0] = change(byte[0]!)
    file.write(byte, position)
    file.endSync(file.beginSync())
  }

  /** What a folder holds now, behind everybody's back; undefined where there is none. To be put back with `putBack`. */
  copyOf (path: string): FolderCopy | undefined {
    const node = this.#node(path)
    return node?.kind === 'directory' ? { folder: node.copy() } : undefined
  }

  /** Exchanges a folder for a copy of it, or for nothing, durably: as another disk under the same name. Handles keep the files that were there. */
  putBack (path: string, copy: FolderCopy | undefined): void {
    const { folder, name } = this.#place(path, 'putBack')
    folder.change(copy === undefined ? { removed: name } : { set: name, node: copy.folder.copy() })
    folder.sync()
  }

  /** Bytes of a file, seen behind everybody's back. */
  sizeOf (path: string): number { return this.#file(path, 'sizeOf').size }

  /** Paths of the files below a folder, by name. */
  filesBelow (path: string): string[] {
    const node = this.#node(path)
    if (node?.kind !== 'directory') return []
    return [...node.entries()].flatMap(([name, inner]) => inner.kind === 'directory' ? this.filesBelow(`${path}/${name}`) : [`${path}/${name}`]).sort()
  }

  async open (path: string, mode: FileMode, options?: OpenOptions): Promise<FileHandle> {
    return await this.perform('open', path, 0, () => {
      const { folder, name } = this.#place(path, 'open')
      let node = folder.get(name)
      if (node !== undefined && mode === 'createNew') throw failure('ALREADY_EXISTS', 'open', path, 'EEXIST')
      if (node === undefined) {
        if (mode === 'read' || mode === 'update') throw failure('NOT_FOUND', 'open', path, 'ENOENT')
        node = new SimulatedFile('file', 0, this.#clock.wallMs())
        folder.change({ set: name, node })
      }
      if (node.kind === 'directory') throw failure('INVALID_ARGUMENT', 'open', path, 'EISDIR')
      return new SimulatedFileHandle(this, node, path, mode !== 'read', options ?? {})
    })
  }

  async readFile (path: string): Promise<Uint8Array> {
    return await this.perform('readFile', path, 0, () => {
      const file = this.#file(path, 'readFile')
      const bytes = new Uint8Array(file.size)
      file.read(bytes, 0)
      return bytes
    })
  }

  async makeDirectory (path: string): Promise<void> {
    await this.perform('makeDirectory', path, 0, () => {
      const { folder, name } = this.#place(path, 'makeDirectory')
      if (folder.get(name) !== undefined) throw failure('ALREADY_EXISTS', 'makeDirectory', path, 'EEXIST')
      folder.change({ set: name, node: new SimulatedDirectory(this.#clock.wallMs()) })
    })
  }

  async list (path: string): Promise<readonly DirectoryEntry[]> {
    return await this.perform('list', path, 0, () => Array.from(this.#directory(path, 'list').entries(), ([name, node]) =>
      ({ name, kind: node.kind === 'blockDevice' ? 'other' as const : node.kind })))
  }

  async stat (path: string): Promise<FileStat> {
    return await this.perform('stat', path, 0, () => {
      const node = this.#node(path)
      if (node === undefined) throw failure('NOT_FOUND', 'stat', path, 'ENOENT')
      return { kind: node.kind, size: node.kind === 'directory' ? 0 : node.size, modifiedMs: node.modifiedMs }
    })
  }

  async rename (from: string, to: string): Promise<void> {
    await this.perform('rename', from, 0, () => {
      const source = this.#place(from, 'rename')
      const target = this.#place(to, 'rename')
      const node = source.folder.get(source.name)
      if (node === undefined) throw failure('NOT_FOUND', 'rename', from, 'ENOENT')
      if (source.folder === target.folder) {
        if (source.name !== target.name) source.folder.change({ removed: source.name, set: target.name, node })
        return
      }
      target.folder.change({ set: target.name, node })
      source.folder.change({ removed: source.name })
    })
  }

  async link (from: string, to: string): Promise<void> {
    await this.perform('link', from, 0, () => {
      const node = this.#file(from, 'link')
      const { folder, name } = this.#place(to, 'link')
      if (folder.get(name) !== undefined) throw failure('ALREADY_EXISTS', 'link', to, 'EEXIST')
      folder.change({ set: name, node })
    })
  }

  async remove (path: string): Promise<void> {
    await this.perform('remove', path, 0, () => {
      this.#file(path, 'remove')
      const { folder, name } = this.#place(path, 'remove')
      folder.change({ removed: name })
    })
  }

  async removeDirectory (path: string): Promise<void> {
    await this.perform('removeDirectory', path, 0, () => {
      if (!this.#directory(path, 'removeDirectory').isEmpty) throw failure('UNAVAILABLE', 'removeDirectory', path, 'ENOTEMPTY')
      const { folder, name } = this.#place(path, 'removeDirectory')
      folder.change({ removed: name })
    })
  }

  async syncDirectory (path: string): Promise<void> {
    await this.perform('syncDirectory', path, 0, () => { this.#directory(path, 'syncDirectory').sync() })
  }

  async lock (path: string): Promise<FileLock> {
    const owner = Symbol(path)
    await this.perform('lock', path, 0, () => {
      if (this.#locks.has(path)) throw failure('LOCKED', 'lock', path, 'EAGAIN')
      const { folder, name } = this.#place(path, 'lock')
      if (folder.get(name) === undefined) folder.change({ set: name, node: new SimulatedFile('file', 0, this.#clock.wallMs()) })
      this.#locks.set(path, owner)
    })
    return {
      release: async () => {
        if (this.#locks.get(path) !== owner) return
        await this.perform('unlock', path, 0, () => { if (this.#locks.get(path) === owner) this.#locks.delete(path) })
      }
    }
  }

  get incarnation (): number { return this.#incarnation }

  /** How many of `bytes` at `position` fit before the disk, or the device, is full. */
  roomFor (file: SimulatedFile, position: number, bytes: number): number {
    if (file.kind === 'blockDevice') return Math.max(0, Math.min(bytes, file.size - position))
    if (this.capacityBytes === Infinity) return bytes
    const used = pagesWithin(this.#root, new Set()) * pageBytes
    const wanted = file.newPages(position, bytes) * pageBytes
    if (used + wanted <= this.capacityBytes) return bytes
    return Math.min(bytes, Math.max(0, this.capacityBytes - used))
  }

  /** Runs one operation through the plan. For the handles. @internal */
  async perform<T> (operation: FileOperation, path: string, bytes: number, effect: () => T, failed?: (random: Random) => void, incarnation = this.#incarnation): Promise<T> {
    this.#checkAlive(incarnation, operation, path)
    this.operationCount++
    const fault = this.plan?.(operation, path, bytes)
    if (fault === 'crash' || fault === 'kill') {
      if (this.#random.fraction() < 0.5) try { effect() } catch { /* nobody lives to hear of it */ }
      if (fault === 'crash') this.crash()
      else this.kill()
      this.#checkAlive(incarnation, operation, path)
    }
    const delayMs = typeof fault === 'object' && fault.kind === 'delay' ? fault.ms : this.latencyMs
    // A slow write becomes visible to readers before it settles, or only then.
    const isEarly = delayMs > 0 && effectful.has(operation) && this.#random.fraction() < 0.5
    const isFailing = typeof fault === 'object' && fault.kind === 'fail'
    let result: T | undefined
    if (isEarly && !isFailing) result = effect()
    if (delayMs > 0) await sleep(this.#clock, delayMs)
    else await undefined
    this.#checkAlive(incarnation, operation, path)
    if (isFailing) {
      failed?.(this.#random)
      throw failure(fault.code, operation, path, 'simulated')
    }
    return isEarly ? result as T : effect()
  }

  #checkAlive (incarnation: number, operation: string, path: string): void {
    if (incarnation !== this.#incarnation) throw failure('UNAVAILABLE', operation, path, 'the simulated process is dead')
  }

  #node (path: string): SimulatedNode | undefined {
    let node: SimulatedNode | undefined = this.#root
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue
      if (node?.kind !== 'directory') return undefined
      node = node.get(part)
    }
    return node
  }

  #file (path: string, operation: string): SimulatedFile {
    const node = this.#node(path)
    if (node === undefined) throw failure('NOT_FOUND', operation, path, 'ENOENT')
    if (node.kind === 'directory') throw failure('INVALID_ARGUMENT', operation, path, 'EISDIR')
    return node
  }

  #directory (path: string, operation: string): SimulatedDirectory {
    const node = this.#node(path)
    if (node === undefined) throw failure('NOT_FOUND', operation, path, 'ENOENT')
    if (node.kind !== 'directory') throw failure('INVALID_ARGUMENT', operation, path, 'ENOTDIR')
    return node
  }

  #place (path: string, operation: string): { readonly folder: SimulatedDirectory, readonly name: string } {
    const parts = path.split('/').filter(part => part !== '' && part !== '.')
    const name = parts.pop()
    if (name === undefined) throw failure('INVALID_ARGUMENT', operation, path, 'EINVAL')
    return { folder: this.#directory(parts.join('/'), operation), name }
  }
}

class SimulatedFileHandle implements FileHandle {
  readonly #system: SimulatedFileSystem
  readonly #file: SimulatedFile
  readonly #path: string
  readonly #isWritable: boolean
  readonly #isSynchronous: boolean
  readonly #isDirect: boolean
  readonly #incarnation: number
  #isClosed = false

  constructor (system: SimulatedFileSystem, file: SimulatedFile, path: string, isWritable: boolean, options: OpenOptions) {
    this.#system = system
    this.#file = file
    this.#path = path
    this.#isWritable = isWritable
    this.#isSynchronous = options.synchronous === true
    this.#isDirect = options.direct === true
    this.#incarnation = system.incarnation
  }

  async read (target: Uint8Array, position: number): Promise<number> {
    this.#checkAligned('read', position, target.length)
    return await this.#perform('read', target.length, () => this.#file.read(target, position))
  }

  async write (chunks: readonly Uint8Array[], position: number): Promise<void> {
    this.#checkWritable('write')
    let total = 0
    for (const chunk of chunks) total += chunk.length
    this.#checkAligned('write', position, total)
    await this.#perform('write', total, () => {
      const room = this.#system.roomFor(this.#file, position, total)
      this.#store(chunks, position, room)
      if (room < total) throw failure('OUT_OF_SPACE', 'write', this.#path, 'ENOSPC')
      // Unlike a datasync it says nothing of other writes.
      if (this.#isSynchronous) this.#file.endSync(this.#file.beginRangeSync(position, total))
    }, random => {
      // A system stops between sectors, never inside one.
      const reached = Math.floor((position + random.fraction() * (total + 1)) / sectorBytes) * sectorBytes - position
      this.#store(chunks, position, random.fraction() < 0.2 ? total : reached)
      if (this.#isSynchronous) this.#file.failSync(random)
    })
  }

  async datasync (): Promise<void> {
    const capture = this.#file.beginSync()
    await this.#perform('datasync', 0, () => { this.#file.endSync(capture) }, random => { this.#file.failSync(random) })
  }

  async truncate (size: number): Promise<void> {
    this.#checkWritable('truncate')
    await this.#perform('truncate', size, () => { if (this.#file.kind === 'file') this.#file.truncate(size) })
  }

  async size (): Promise<number> { return await this.#perform('size', 0, () => this.#file.size) }

  async close (): Promise<void> {
    if (this.#isClosed) return
    await this.#perform('close', 0, () => { this.#isClosed = true })
  }

  #store (chunks: readonly Uint8Array[], position: number, room: number): void {
    let done = 0
    for (const chunk of chunks) {
      const take = Math.min(chunk.length, room - done)
      if (take <= 0) return
      this.#file.write(take === chunk.length ? chunk : chunk.subarray(0, take), position + done)
      done += take
    }
  }

  #checkAligned (operation: string, position: number, count: number): void {
    if (this.#isDirect && (position % pageBytes !== 0 || count % pageBytes !== 0)) throw failure('INVALID_ARGUMENT', operation, this.#path, 'EINVAL')
  }

  #checkWritable (operation: string): void {
    if (!this.#isWritable) throw failure('PERMISSION_DENIED', operation, this.#path, 'EBADF')
  }

  async #perform<T> (operation: FileOperation, bytes: number, effect: () => T, failed?: (random: Random) => void): Promise<T> {
    if (this.#isClosed) throw failure('CLOSED', operation, this.#path, 'EBADF')
    return await this.#system.perform(operation, this.#path, bytes, effect, failed, this.#incarnation)
  }
}

/** Files with two names count once; those without a name are taken for freed. */
function pagesWithin (directory: SimulatedDirectory, counted: Set<SimulatedFile>): number {
  let pages = 0
  for (const [, node] of directory.entries()) {
    if (node.kind === 'directory') pages += pagesWithin(node, counted)
    else if (node.kind === 'file' && !counted.has(node)) {
      counted.add(node)
      pages += node.pageCount
    }
  }
  return pages
}

function failure (code: ErrorCode, operation: string, path: string, systemCode: string): StreambedError {
  return new StreambedError(code, `${operation} failed. path=${path} code=${systemCode}`)
}
