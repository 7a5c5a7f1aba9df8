import { CallsInFlight, StreambedError, mapBounded, objectKeyProblem, throwIfAborted } from '@streambed/sdk'
import type {
  CallOptions, DeleteOutcome, Environment, FileSystem, Finding, GetOptions, ListOptions, MultipartUpload, ObjectBody, ObjectInfo, ObjectPage,
  ObjectStore, ObjectStoreCapabilities, PutOptions
} from '@streambed/sdk'
import path from 'node:path'
import { invalidArgument, noSuchObject, storeError } from './errors.ts'
import { DurableFolders } from './folders.ts'
import { ensureFormat, readFormat } from './format.ts'
import { pathNamesOf } from './key-path.ts'
import { walkObjects } from './listing.ts'
import type { ListedObject } from './listing.ts'
import { UploadEndedError, UploadFolder, multipart, sweepUploads } from './multipart.ts'
import type { ObjectFileHeader } from './object-file.ts'
import { readObject, readObjectHeader } from './object-reader.ts'
import { writeObjectFile } from './object-writer.ts'
import type { FsObjectStoreOptions } from './options.ts'
import { preflight, removeQuietly } from './preflight.ts'
import { TakenError, publish } from './publish.ts'
import { bodySize } from './runs.ts'
import { Workspace } from './workspace.ts'

export const capabilities: ObjectStoreCapabilities = Object.freeze({
  conditionalCreate: 'atomic',
  multipart,
  objectBytesMax: 2 ** 36,
  scope: 'host',
  latencyClass: 'A'
})

const listLimitMax = 1000
/** Calls on files at a time, within one call on the store: enough to fill Node's four threads. */
const width = 8

/** Objects as files below one folder. Several stores, of several processes, may share it. */
export class FsObjectStore implements ObjectStore {
  readonly #environment: Environment
  readonly #objects: string
  readonly #workspaces: string
  readonly #workspace: Workspace
  readonly #folders: DurableFolders
  readonly #calls = new CallsInFlight()
  #closing: Promise<void> | undefined

  static async open (options: FsObjectStoreOptions, environment: Environment): Promise<FsObjectStore> {
    const root = path.resolve(options.path)
    const workspaces = path.join(root, 'temporary')
    const objects = path.join(root, 'objects')
    try {
      const folders = new DurableFolders(environment.fileSystem, root)
      await checkKind(environment.fileSystem, root)
      const hasFormat = await readFormat(environment.fileSystem, root)
      // The mark is made last: where it is, the folders above are durable.
      if (!hasFormat) await folders.ensureRoot()
      await folders.ensure(objects)
      const workspace = await Workspace.open(environment, folders, workspaces)
      const store = new FsObjectStore({ environment, objects, workspaces, workspace, folders })
      try {
        if (!hasFormat) await ensureFormat(environment.fileSystem, root, workspace)
      } catch (error) {
        await store.close()
        throw error
      }
      return store
    } catch (error) {
      throw storeError(error, `opening the object store. path=${root}`)
    }
  }

  private constructor (parts: { environment: Environment, objects: string, workspaces: string, workspace: Workspace, folders: DurableFolders }) {
    this.#environment = parts.environment
    this.#objects = parts.objects
    this.#workspaces = parts.workspaces
    this.#workspace = parts.workspace
    this.#folders = parts.folders
  }

  async put (key: string, body: ObjectBody, options?: PutOptions): Promise<ObjectInfo> {
    checkKey(key)
    const size = bodySize(body)
    checkSize(key, size)
    return await this.#calls.run(options?.signal, () => this.#store(key, size, [body], options))
  }

  async get (key: string, options?: GetOptions): Promise<Uint8Array> {
    checkKey(key)
    const range = options?.range
    if (range !== undefined && !(Number.isSafeInteger(range.start) && Number.isSafeInteger(range.end) && range.start >= 0 && range.start < range.end)) {
      throw invalidArgument(`the range is not 0 <= start < end. start=${range.start} end=${range.end}`)
    }
    const file = this.#fileOf(key)
    return await this.#calls.run(options?.signal, () =>
      this.#reading(key, readObject(this.#environment, file, key, { range, signal: options?.signal })))
  }

  async head (key: string, options?: CallOptions): Promise<ObjectInfo> {
    checkKey(key)
    return await this.#calls.run(options?.signal, async () =>
      objectInfo(key, await this.#reading(key, readObjectHeader(this.#environment, this.#fileOf(key), key))))
  }

  async list (prefix: string, options?: ListOptions): Promise<ObjectPage> {
    const limit = options?.limit ?? listLimitMax
    if (!Number.isInteger(limit) || limit < 1 || limit > listLimitMax) throw invalidArgument(`limit is not 1 to ${listLimitMax}. limit=${limit}`)
    if (!prefix.isWellFormed() || options?.startAfter?.isWellFormed() === false) throw invalidArgument('prefix or startAfter holds a lone surrogate')
    return await this.#calls.run(options?.signal, () => this.#page(prefix, limit, options))
  }

  async delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]> {
    for (const key of keys) checkKey(key)
    return await this.#calls.run(options?.signal, () => this.#delete(keys, options?.signal))
  }

  async startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> {
    checkKey(key)
    return await this.#calls.run(options?.signal, async () => {
      const folder = this.#workspace.newPath('upload')
      try {
        return this.#upload(key, await UploadFolder.create(this.#environment, folder, key), options)
      } catch (error) {
        throw storeError(error, `starting the upload of ${key}`)
      }
    })
  }

  async sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number> {
    return await this.#calls.run(options?.signal, async () => {
      try {
        return await sweepUploads(this.#environment, this.#workspaces, prefix, beforeMs)
      } catch (error) {
        throw storeError(error, 'sweeping uploads')
      }
    })
  }

  async preflight (options?: CallOptions): Promise<readonly Finding[]> {
    return await this.#calls.run(options?.signal, () => preflight(this.#environment, this.#workspace, this.#objects))
  }

  async close (): Promise<void> {
    this.#closing ??= this.#calls.close().then(() => this.#workspace.close())
    await this.#closing
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  #fileOf (key: string): string { return path.join(this.#objects, ...pathNamesOf(key)) }

  async #store (key: string, size: number, body: AsyncIterable<ObjectBody> | Iterable<ObjectBody>, options: PutOptions | undefined): Promise<ObjectInfo> {
    const temporary = this.#workspace.newPath('object')
    const signal = options?.signal
    try {
      const header = await writeObjectFile(this.#environment, temporary, key, size, body, { isDurable: true, signal })
      await publish(this.#environment, this.#folders, { temporary, file: this.#fileOf(key), key, header, ifAbsent: options?.ifAbsent === true, signal })
      return objectInfo(key, header)
    } catch (error) {
      if (error instanceof TakenError || error instanceof UploadEndedError) throw error
      throw storeError(error, `put of ${key}`)
    } finally {
      await removeQuietly(this.#environment, temporary)
    }
  }

  async #reading<T> (key: string, pending: Promise<T>): Promise<T> {
    try {
      return await pending
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND')) throw noSuchObject(key, error)
      throw storeError(error, `reading ${key}`)
    }
  }

  async #page (prefix: string, limit: number, options: ListOptions | undefined): Promise<ObjectPage> {
    try {
      const objects: ObjectInfo[] = []
      let found: ListedObject[] = []
      for await (const listed of walkObjects(this.#environment.fileSystem, this.#objects, prefix, options?.startAfter)) {
        throwIfAborted(options?.signal)
        found.push(listed)
        // One more than fits tells whether this page is the last; those deleted meanwhile are made up for.
        if (objects.length + found.length <= limit) continue
        objects.push(...await this.#infosOf(found))
        found = []
        if (objects.length > limit) return { objects: objects.slice(0, limit), isLast: false }
      }
      objects.push(...await this.#infosOf(found))
      return { objects: objects.slice(0, limit), isLast: objects.length <= limit }
    } catch (error) {
      throw storeError(error, `listing ${JSON.stringify(prefix)}`)
    }
  }

  async #infosOf (listed: readonly ListedObject[]): Promise<ObjectInfo[]> {
    const infos = await mapBounded(listed, width, async ({ key, file }) => {
      try {
        return objectInfo(key, await readObjectHeader(this.#environment, file, key))
      } catch (error) {
        if (StreambedError.is(error, 'NOT_FOUND')) return undefined
        // Whoever reads it is told. Who lists must find the others: a log that has lost one of its objects is repaired by what it lists.
        if (StreambedError.is(error, 'CORRUPT')) return damagedInfo(key)
        throw error
      }
    })
    return infos.filter(info => info !== undefined)
  }

  async #delete (keys: readonly string[], signal: AbortSignal | undefined): Promise<DeleteOutcome[]> {
    const { fileSystem } = this.#environment
    const failureByFolder = new Map<string, Error | undefined>()
    const failures = await mapBounded(keys, width, async key => {
      throwIfAborted(signal)
      const file = this.#fileOf(key)
      failureByFolder.set(path.dirname(file), undefined)
      return await failureOf(fileSystem.remove(file))
    })
    for (const folder of failureByFolder.keys()) failureByFolder.set(folder, await failureOf(fileSystem.syncDirectory(folder)))
    const outcomes = keys.map((key, index): DeleteOutcome => {
      const failure = failures[index] ?? failureByFolder.get(path.dirname(this.#fileOf(key)))
      if (failure === undefined) return { kind: 'deleted', key }
      const error = storeError(failure, `delete of ${key}`)
      return { kind: 'failed', key, error: error instanceof Error ? error : new Error(String(error)) }
    })
    for (const folder of failureByFolder.keys()) await this.#pruneEmpty(folder)
    return outcomes
  }

  /** Removes `folder`, and those above it, while they are empty. */
  async #pruneEmpty (folder: string): Promise<void> {
    for (let at = folder; at !== this.#objects; at = path.dirname(at)) {
      if (await failureOf(this.#environment.fileSystem.removeDirectory(at)) !== undefined) return
      this.#folders.forget(at)
    }
  }

  #upload (key: string, folder: UploadFolder, putOptions: PutOptions | undefined): MultipartUpload {
    return {
      uploadPart: (number, body, options) => this.#calls.run(options?.signal, async () => {
        checkSize(key, bodySize(body))
        try {
          await folder.addPart(number, body, options?.signal)
        } catch (error) {
          throw error instanceof UploadEndedError ? error : storeError(error, `part ${number} of ${key}`)
        }
      }),
      complete: options => this.#calls.run(options?.signal, async () => {
        const { size, body } = await folder.assemble(options?.signal)
        checkSize(key, size)
        const info = await this.#store(key, size, body, { ifAbsent: putOptions?.ifAbsent === true, ...options })
        await this.#removeUpload(folder, key)
        return info
      }),
      abort: options => this.#calls.run(options?.signal, async () => {
        try {
          await folder.remove()
        } catch (error) {
          throw storeError(error, `abort of the upload of ${key}`)
        }
      })
    }
  }

  /** The object is there: what is left of its upload goes now, or when the store is closed. */
  async #removeUpload (folder: UploadFolder, key: string): Promise<void> {
    const failure = await failureOf(folder.remove())
    if (failure !== undefined) this.#environment.logger.warn('the parts of an upload could not be removed', { key, error: failure.message })
  }
}

async function checkKind (fileSystem: FileSystem, root: string): Promise<void> {
  let kind
  try {
    kind = (await fileSystem.stat(root)).kind
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return
    throw error
  }
  if (kind !== 'directory') throw new StreambedError('MISCONFIGURED', `the object store's path is not a folder. Move what lies there away, or configure another path. path=${root}`)
}

function objectInfo (key: string, header: ObjectFileHeader): ObjectInfo {
  return { key, size: header.size, versionToken: header.token, modifiedMs: header.modifiedMs }
}

function checkKey (key: string): void {
  const problem = objectKeyProblem(key)
  if (problem !== undefined) throw invalidArgument(`the key ${problem}. key=${JSON.stringify(key.slice(0, 100))}`)
}

function checkSize (key: string, size: number): void {
  if (size > capabilities.objectBytesMax) throw invalidArgument(`the object is larger than ${capabilities.objectBytesMax} bytes. key=${key} size=${size}`)
}

/** What `pending` rejects with, but that the thing is missing already. */
async function failureOf (pending: Promise<void>): Promise<Error | undefined> {
  try {
    await pending
    return undefined
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return undefined
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Of an object whose header cannot be read. */
function damagedInfo (key: string): ObjectInfo { return { key, size: 0, versionToken: 'damaged', modifiedMs: 0 } }
