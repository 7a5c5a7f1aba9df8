import { throwIfAborted } from '../environment.ts'
import type { Clock } from '../environment.ts'
import { StreambedError } from '../errors.ts'
import { compareKeys } from '../key-order.ts'
import { objectKeyProblem } from '../object-store.ts'
import type {
  CallOptions, DeleteOutcome, Finding, GetOptions, ListOptions, MultipartUpload, ObjectBody, ObjectInfo, ObjectPage, ObjectStore,
  ObjectStoreCapabilities, PutOptions
} from '../object-store.ts'

export const memoryObjectStoreCapabilities: ObjectStoreCapabilities = Object.freeze({
  conditionalCreate: 'atomic',
  multipart: { partBytesMin: 1, partsMax: 10_000, conditionalComplete: true },
  objectBytesMax: 2 ** 30,
  scope: 'process',
  latencyClass: 'A'
})

interface StoredObject { readonly bytes: Uint8Array, readonly info: ObjectInfo }
interface Upload { readonly key: string, readonly startedMs: number, readonly parts: Map<number, Uint8Array> }

/** What the stores that share it keep: their "bucket". It outlives them. */
export class MemoryObjectMedium {
  readonly objects = new Map<string, StoredObject>()
  readonly uploads = new Set<Upload>()
  #versionCount = 0

  /** The keys in UTF-8 order, which is the order of code points but not that of JavaScript's strings. */
  sortedKeys (prefix: string): string[] {
    return [...this.objects.keys()].filter(key => key.startsWith(prefix)).sort(compareKeys)
  }

  store (key: string, bytes: Uint8Array, modifiedMs: number): ObjectInfo {
    const info = { key, size: bytes.length, versionToken: String(++this.#versionCount), modifiedMs }
    this.objects.set(key, { bytes, info })
    return info
  }
}

/** An object store in memory: correct, instant, and gone with the process. */
export class MemoryObjectStore implements ObjectStore {
  readonly #medium: MemoryObjectMedium
  readonly #clock: Clock
  #isClosed = false

  constructor (options: { readonly clock: Clock, readonly medium?: MemoryObjectMedium }) {
    this.#clock = options.clock
    this.#medium = options.medium ?? new MemoryObjectMedium()
  }

  async put (key: string, body: ObjectBody, options?: PutOptions): Promise<ObjectInfo> {
    this.#begin(options, key)
    return this.#create(key, joined(body), options)
  }

  async get (key: string, options?: GetOptions): Promise<Uint8Array> {
    this.#begin(options, key)
    const range = options?.range
    if (range !== undefined && !(Number.isSafeInteger(range.start) && Number.isSafeInteger(range.end) && range.start >= 0 && range.start < range.end)) {
      throw invalid(`the range is not 0 <= start < end. start=${range.start} end=${range.end}`)
    }
    const { bytes } = this.#find(key)
    if (range === undefined) return bytes.slice()
    if (range.start > bytes.length) throw new StreambedError('OUT_OF_RANGE', `the range starts past the object's end. key=${key} start=${range.start} size=${bytes.length}`)
    return bytes.slice(range.start, range.end)
  }

  async head (key: string, options?: CallOptions): Promise<ObjectInfo> {
    this.#begin(options, key)
    return this.#find(key).info
  }

  async list (prefix: string, options?: ListOptions): Promise<ObjectPage> {
    this.#begin(options)
    const limit = options?.limit ?? 1000
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw invalid(`limit is not 1 to 1000. limit=${limit}`)
    const after = options?.startAfter
    const keys = this.#medium.sortedKeys(prefix).filter(key => after === undefined || compareKeys(key, after) > 0)
    return { objects: keys.slice(0, limit).map(key => this.#find(key).info), isLast: keys.length <= limit }
  }

  async delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]> {
    this.#begin(options, ...keys)
    return keys.map(key => {
      this.#medium.objects.delete(key)
      return { kind: 'deleted', key }
    })
  }

  async startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> {
    this.#begin(options, key)
    const upload: Upload = { key, startedMs: this.#clock.wallMs(), parts: new Map() }
    this.#medium.uploads.add(upload)
    const isKnown = (): boolean => this.#medium.uploads.has(upload)
    return {
      uploadPart: async (number, body, partOptions) => {
        this.#begin(partOptions)
        if (!Number.isInteger(number) || number < 1 || number > 10_000) throw invalid(`the part number is not 1 to 10000. number=${number}`)
        if (!isKnown()) throw new StreambedError('NOT_FOUND', `the upload has ended. key=${key}`)
        upload.parts.set(number, joined(body))
      },
      complete: async completeOptions => {
        this.#begin(completeOptions)
        if (!isKnown()) throw new StreambedError('NOT_FOUND', `the upload has ended. key=${key}`)
        const parts = Array.from({ length: upload.parts.size }, (_, index) => upload.parts.get(index + 1))
        if (parts.length === 0) throw invalid(`no part was uploaded. key=${key}`)
        if (!parts.every(part => part !== undefined)) throw invalid(`the part numbers have gaps. key=${key}`)
        if (parts.slice(0, -1).some(part => part.length === 0)) throw invalid(`a part before the last is empty. key=${key}`)
        const info = this.#create(key, joined(parts), options)
        this.#medium.uploads.delete(upload)
        return info
      },
      abort: async () => { this.#medium.uploads.delete(upload) }
    }
  }

  async sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number> {
    this.#begin(options)
    const stale = [...this.#medium.uploads].filter(upload => upload.key.startsWith(prefix) && upload.startedMs < beforeMs)
    for (const upload of stale) this.#medium.uploads.delete(upload)
    return stale.length
  }

  async preflight (options?: CallOptions): Promise<readonly Finding[]> {
    this.#begin(options)
    return []
  }

  async close (): Promise<void> { this.#isClosed = true }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  #begin (options: CallOptions | undefined, ...keys: readonly string[]): void {
    if (this.#isClosed) throw new StreambedError('CLOSED', 'the object store is closed')
    for (const key of keys) {
      const problem = objectKeyProblem(key)
      if (problem !== undefined) throw invalid(`the key ${problem}. key=${JSON.stringify(key.slice(0, 100))}`)
    }
    throwIfAborted(options?.signal)
  }

  #create (key: string, bytes: Uint8Array, options: PutOptions | undefined): ObjectInfo {
    if (bytes.length > memoryObjectStoreCapabilities.objectBytesMax) throw invalid(`the object is too large. key=${key} size=${bytes.length}`)
    if (options?.ifAbsent === true && this.#medium.objects.has(key)) throw new StreambedError('ALREADY_EXISTS', `the object exists. key=${key}`)
    return this.#medium.store(key, bytes, this.#clock.wallMs())
  }

  #find (key: string): StoredObject {
    const found = this.#medium.objects.get(key)
    if (found === undefined) throw new StreambedError('NOT_FOUND', `no such object. key=${key}`)
    return found
  }
}

function invalid (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }

function joined (body: ObjectBody): Uint8Array {
  if (body instanceof Uint8Array) return body.slice()
  const all = new Uint8Array(body.reduce((size, piece) => size + piece.length, 0))
  let at = 0
  for (const piece of body) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
