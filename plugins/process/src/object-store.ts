import { CallsInFlight, StreambedError, defineObjectStore, objectKeyProblem, type ByteRange, type CallOptions, type DeleteOutcome, type Environment, type Finding, type GetOptions, type ListOptions, type MultipartUpload, type ObjectBody, type ObjectInfo, type ObjectPage, type ObjectStore, type ObjectStoreCapabilities, type ObjectStorePlugin, type PutOptions, type StoredObject } from '@streambed/sdk'
import type { Frame } from './frames.ts'
import { objectStoreOptions, optionDocs, type ProcessOptions } from './options.ts'
import { errorOf, Peer, type CallBytes } from './peer.ts'

type Options = ProcessOptions<ObjectStoreCapabilities>
const listLimitMax = 1_000

/** An object store in a process of its own. When that ends, the next call starts or reaches it anew. */
class ProcessObjectStore implements ObjectStore {
  readonly #options: Options
  readonly #environment: Environment
  readonly #inFlight = new CallsInFlight()
  #peer: Promise<Peer> | undefined
  #closing: Promise<void> | undefined

  static async open (options: Options, environment: Environment): Promise<ProcessObjectStore> {
    const store = new ProcessObjectStore(options, environment)
    await store.#reach()
    return store
  }

  private constructor (options: Options, environment: Environment) {
    this.#options = options
    this.#environment = environment
  }

  async put (key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject> {
    checkKey(key)
    const pieces = piecesOf(body)
    this.#checkSize(key, pieces)
    const { header: { size, versionToken } } = await this.#call('put', { key, ifAbsent: options?.ifAbsent === true }, { pieces, signal: options?.signal, mutates: true })
    return { key, size: Number(size), versionToken: String(versionToken) }
  }

  async get (key: string, options?: GetOptions): Promise<Uint8Array> {
    checkKey(key)
    if (options?.range !== undefined) checkRange(options.range)
    const { body } = await this.#call('get', { key, ...options?.range === undefined ? {} : { range: [options.range.start, options.range.end] } }, { signal: options?.signal })
    return body
  }

  async head (key: string, options?: CallOptions): Promise<ObjectInfo> {
    checkKey(key)
    const { header } = await this.#call('head', { key }, { signal: options?.signal })
    return { ...header, key } as ObjectInfo
  }

  async list (prefix: string, options?: ListOptions): Promise<ObjectPage> {
    const { limit = listLimitMax, signal, startAfter } = options ?? {}
    if (!Number.isInteger(limit) || limit < 1 || limit > listLimitMax) throw invalidArgument(`limit is not 1 to ${listLimitMax}. limit=${limit}`)
    if (!prefix.isWellFormed() || startAfter?.isWellFormed() === false) throw invalidArgument('prefix or startAfter holds a lone surrogate')
    const { header } = await this.#call('list', { prefix, limit, ...startAfter === undefined ? {} : { startAfter } }, { signal })
    return header as unknown as ObjectPage
  }

  async delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]> {
    for (const key of keys) checkKey(key)
    const outcomes: DeleteOutcome[] = []
    for (let at = 0; at < keys.length; at += listLimitMax) {
      const some = keys.slice(at, at + listLimitMax)
      const { header } = await this.#call('delete', { keys: some }, { signal: options?.signal, mutates: true })
      const failures = header['failures'] as Readonly<Record<string, unknown>>
      for (const [index, key] of some.entries()) outcomes.push(failures[index] === undefined ? { kind: 'deleted', key } : { kind: 'failed', key, error: errorOf(failures[index]) })
    }
    return outcomes
  }

  async startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> {
    checkKey(key)
    const { capabilities: { multipart } } = this.#options
    if (multipart === false) throw new StreambedError('UNSUPPORTED', `uploads in parts are not among the capabilities of the plugin process. key=${key}`)
    const { header: { upload } } = await this.#call('startMultipart', { key, ifAbsent: options?.ifAbsent === true }, { signal: options?.signal, mutates: true })
    return {
      uploadPart: async (number, body, { signal } = {}) => {
        if (!Number.isInteger(number) || number < 1 || number > multipart.partsMax) throw invalidArgument(`the part number is not 1 to ${multipart.partsMax}. number=${number}`)
        await this.#call('uploadPart', { upload, number }, { pieces: piecesOf(body), signal, mutates: true })
      },
      complete: async ({ signal } = {}) => {
        const { header: { size, versionToken } } = await this.#call('completeMultipart', { upload }, { signal, mutates: true })
        return { key, size: Number(size), versionToken: String(versionToken) }
      },
      abort: async ({ signal } = {}) => { await this.#call('abortMultipart', { upload }, { signal, mutates: true }) }
    }
  }

  async sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number> {
    const { header } = await this.#call('sweepUploads', { prefix, beforeMs }, { signal: options?.signal, mutates: true })
    return Number(header['count'])
  }

  async preflight (options?: CallOptions): Promise<readonly Finding[]> {
    const { header } = await this.#call('preflight', {}, { signal: options?.signal })
    return header['findings'] as readonly Finding[]
  }

  close (): Promise<void> {
    this.#closing ??= this.#inFlight.close().then(async () => { await (await this.#peer)?.close() })
    return this.#closing
  }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  async #call (name: string, parameters: object, bytes: CallBytes): Promise<Frame> {
    return await this.#inFlight.run(bytes.signal, async () => await (await this.#reach()).call(name, parameters, bytes))
  }

  #forgetWhenGone (peer: Peer, opening: Promise<Peer>): void {
    void peer.ended.then(reason => {
      if (this.#closing !== undefined || this.#peer !== opening) return
      this.#environment.logger.warn('the plugin process of an object store ended; the next call opens it again', { reason })
      this.#peer = undefined
    })
  }

  /** The process; opened again, once for all that ask, when it has ended. */
  #reach (): Promise<Peer> {
    this.#peer ??= Peer.open(this.#options, { kind: 'objectStore' }, this.#environment)
    const opening = this.#peer
    opening.then(peer => this.#forgetWhenGone(peer, opening), () => { if (this.#peer === opening) this.#peer = undefined })
    return opening
  }

  #checkSize (key: string, pieces: readonly Uint8Array[]): void {
    const size = pieces.reduce((sum, { length }) => sum + length, 0)
    const { capabilities: { objectBytesMax }, messageBytesMax } = this.#options
    if (size > Math.min(objectBytesMax, messageBytesMax)) throw invalidArgument(`the object is larger than ${Math.min(objectBytesMax, messageBytesMax)} bytes. key=${key} size=${size}`)
  }
}

function piecesOf (body: ObjectBody): readonly Uint8Array[] { return body instanceof Uint8Array ? [body] : body }

function checkKey (key: string): void {
  const problem = objectKeyProblem(key)
  if (problem !== undefined) throw invalidArgument(`the key ${problem}. key=${JSON.stringify(key.slice(0, 100))}`)
}

function checkRange ({ end, start }: ByteRange): void {
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start < end)) throw invalidArgument(`the range is not 0 <= start < end. start=${start} end=${end}`)
}

function invalidArgument (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }

const plugin: ObjectStorePlugin<Options> = defineObjectStore<Options>({
  name: 'process',
  options: objectStoreOptions,
  optionDocs,
  capabilities: ({ capabilities }) => capabilities,
  open: (options, environment) => ProcessObjectStore.open(options, environment)
})

export default plugin
