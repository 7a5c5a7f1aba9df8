import type { Environment } from '../environment.ts'
import { StreambedError } from '../errors.ts'
import type {
  ByteRange, CallOptions, DeleteOutcome, Finding, GetOptions, ListOptions, MultipartUpload, ObjectBody, ObjectInfo, ObjectPage, ObjectStore,
  ObjectStoreCapabilities, PutOptions, StoredObject
} from '../object-store.ts'
import { Unbelieved, checkPage, checkVersion, isFolderMark } from './believed.ts'
import { describeBody } from './body.ts'
import type { ObjectService, ServiceBody, ServiceUpload } from './object-service.ts'
import { preflight } from './preflight.ts'
import { RemoteCalls, errorOf, invalidArgument, type RemoteStoreOptions } from './remote-calls.ts'
import { RemoteUpload } from './remote-upload.ts'
import { withRetry } from '../waiting/retry.ts'

/**
 * The contract of an object store over a service on the network: checks of arguments, prefix, deadlines, checksums,
 * resolution of lost answers by owner token, typed errors, counters, orderly close. The same for every cloud, so that a
 * driver holds what is particular to one. No retries: the host has that layer.
 *
 * Counts `object_store_put_requests`, `…get…`, `…list…`, `…delete…` and `object_store_put_bytes`, `…get_bytes`.
 */
export class RemoteObjectStore implements ObjectStore {
  readonly #environment: Environment
  readonly #service: ObjectService
  readonly #prefix: string
  readonly #capabilities: ObjectStoreCapabilities
  readonly #calls: RemoteCalls
  #closing: Promise<void> | undefined

  constructor (service: ObjectService, capabilities: ObjectStoreCapabilities, options: RemoteStoreOptions, environment: Environment) {
    this.#service = service
    this.#capabilities = capabilities
    this.#prefix = options.prefix
    this.#environment = environment
    this.#calls = new RemoteCalls(service, options, environment)
  }

  async put (key: string, body: ObjectBody, options?: PutOptions): Promise<StoredObject> {
    const name = this.#calls.nameOf(key)
    const { crc32c, pieces, size } = describeBody(body, this.#environment)
    this.#checkSize(key, size)
    const ifAbsent = options?.ifAbsent === true
    if (ifAbsent && this.#capabilities.conditionalCreate === 'none') throw unsupported(`put with ifAbsent is not supported by this store. key=${key}`)
    const owner = this.#calls.newOwner()
    try {
      const { versionToken } = await this.#untilVerdict(options?.signal, async () => {
        this.#calls.count('put', size)
        return await this.#calls.run(`put of ${key}`, { effect: 'write', bytes: size, signal: options?.signal },
          async signal => {
            const stored = await this.#service.put({ name, pieces, size, crc32c, owner, ifAbsent, signal })
            checkVersion(stored.versionToken)
            return stored
          })
      })
      return { key, size, versionToken }
    } catch (error) {
      if (!ifAbsent || !StreambedError.is(error, 'ALREADY_EXISTS', 'OUTCOME_UNKNOWN')) throw error
      const found = await this.#calls.settle(key, owner, error, options?.signal)
      return { key, size, versionToken: found.versionToken }
    }
  }

  async get (key: string, options?: GetOptions): Promise<Uint8Array> {
    const name = this.#calls.nameOf(key)
    const range = options?.range
    if (range !== undefined && !(Number.isSafeInteger(range.start) && Number.isSafeInteger(range.end) && range.start >= 0 && range.start < range.end)) {
      throw invalidArgument(`the range is not 0 <= start < end. start=${range.start} end=${range.end}`)
    }
    this.#calls.count('get')
    return await this.#calls.run(`get of ${key}`, { effect: 'none', signal: options?.signal }, async (signal, onBytes) => {
      const body = await this.#service.get(name, range, signal, onBytes)
      this.#environment.metrics.count('object_store_get_bytes', body.bytes.length)
      return this.#proven(key, body, range)
    })
  }

  async head (key: string, options?: CallOptions): Promise<ObjectInfo> {
    const { info } = await this.#calls.head(key, options?.signal)
    return info
  }

  async list (prefix: string, options?: ListOptions): Promise<ObjectPage> {
    const limit = options?.limit ?? listLimitMax
    if (!Number.isInteger(limit) || limit < 1 || limit > listLimitMax) throw invalidArgument(`limit is not 1 to ${listLimitMax}. limit=${limit}`)
    if (!prefix.isWellFormed() || options?.startAfter?.isWellFormed() === false) throw invalidArgument('prefix or startAfter holds a lone surrogate')
    const own = this.#prefix
    const startAfter = options?.startAfter === undefined || options.startAfter === '' ? undefined : own + options.startAfter
    for (let after = startAfter; ;) {
      this.#calls.count('list')
      const page = await this.#calls.run(`listing ${JSON.stringify(prefix)}`, { effect: 'none', signal: options?.signal }, async signal => {
        const listed = await this.#service.list(own + prefix, after, limit, signal)
        checkPage(listed, { prefix: own + prefix, startAfter: after, limit })
        return listed
      })
      const objects = page.objects.filter(listed => listed.isFolder !== true && !isFolderMark(listed))
      if (objects.length > 0 || page.isLast) return { objects: objects.map(({ key, modifiedMs, size, versionToken }) => ({ key: key.slice(own.length), size, versionToken, modifiedMs })), isLast: page.isLast }
      // Nothing but marks of folders: an empty page would say that nothing follows.
      after = page.objects.at(-1)!.key
    }
  }

  async delete (keys: readonly string[], options?: CallOptions): Promise<readonly DeleteOutcome[]> {
    const names = keys.map(key => this.#calls.nameOf(key))
    const outcomes: DeleteOutcome[] = []
    // Also without keys: a closed store and an aborted signal are told.
    for (let at = 0; at === 0 || at < names.length; at += this.#service.deleteNamesMax) {
      const batch = names.slice(at, at + this.#service.deleteNamesMax)
      const results = await this.#calls.run(`delete of ${batch.length} objects`, { effect: 'idempotent', signal: options?.signal }, async signal => {
        if (batch.length === 0) return []
        this.#calls.count('delete')
        const told = await this.#service.delete(batch, signal)
        if (told.length !== batch.length) throw new Unbelieved('it does not tell of each object', { asked: batch.length, told: told.length })
        return told
      })
      for (const [index, outcome] of results.entries()) {
        const key = keys[at + index]!
        outcomes.push(outcome.kind === 'deleted' ? { kind: 'deleted', key } : { kind: 'failed', key, error: errorOf(`delete of ${key}`, outcome.failure, 'idempotent') })
      }
    }
    return outcomes
  }

  async startMultipart (key: string, options?: PutOptions): Promise<MultipartUpload> {
    const name = this.#calls.nameOf(key)
    const { multipart } = this.#capabilities
    const service = this.#service.multipart
    const ifAbsent = options?.ifAbsent === true
    if (multipart === false || service === undefined) throw unsupported(`uploads in parts are not supported by this store. key=${key}`)
    if (ifAbsent && !multipart.conditionalComplete) throw unsupported(`uploads in parts with ifAbsent are not supported by this store. key=${key}`)
    const owner = this.#calls.newOwner()
    this.#calls.count('put')
    const uploadId = await this.#calls.run(`start of the upload of ${key}`, { effect: 'idempotent', signal: options?.signal },
      signal => service.start(name, { owner, ifAbsent, signal }))
    return new RemoteUpload(this.#calls, service, { key, upload: { name, uploadId }, owner, ifAbsent, limits: multipart })
  }

  async sweepUploads (prefix: string, beforeMs: number, options?: CallOptions): Promise<number> {
    const service = this.#service.multipart
    if (service === undefined) return 0
    const stale = await this.#calls.run(`listing uploads below ${JSON.stringify(prefix)}`, { effect: 'none', signal: options?.signal }, async signal => {
      const found = new Map<string, ServiceUpload & { readonly startedMs: number }>()
      for await (const upload of service.list(this.#prefix + prefix, signal)) {
        const { name, uploadId } = upload
        if (!name.startsWith(this.#prefix + prefix) || uploadId === '' || found.has(`${name}\0${uploadId}`)) throw new Unbelieved('it lists uploads that were not asked for, or twice', { prefix, name })
        found.set(`${name}\0${uploadId}`, upload)
      }
      return [...found.values()].filter(({ startedMs }) => startedMs < beforeMs)
    })
    for (const upload of stale) {
      await this.#calls.run(`abort of the upload of ${upload.name}`, { effect: 'idempotent', signal: options?.signal }, signal => service.abort(upload, signal))
    }
    return stale.length
  }

  async preflight (options?: CallOptions): Promise<readonly Finding[]> {
    const own = await this.#calls.run('preflight', { effect: 'idempotent', signal: options?.signal }, signal => this.#service.preflight(this.#prefix, signal))
    if (own.some(({ severity }) => severity === 'error')) return own
    return [...own, ...await preflight(this, this.#capabilities, this.#environment, options?.signal)]
  }

  async close (): Promise<void> {
    this.#closing ??= this.#calls.close()
    await this.#closing
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  /** The bytes that were asked for, held to the checksum where all of the object came; without one, all of it is no answer to a range. */
  #proven (key: string, { bytes, crc32c, isWhole }: ServiceBody, range: ByteRange | undefined): Uint8Array {
    if (range !== undefined && isWhole !== true) {
      if (bytes.length > range.end - range.start) throw new Unbelieved('it is longer than what was asked for', { bytes: bytes.length, asked: range.end - range.start })
      return bytes
    }
    const isSound = crc32c === undefined ? range === undefined : this.#environment.crc32c(bytes) === crc32c
    if (range === undefined) {
      if (!isSound) throw new StreambedError('CORRUPT', `the object's bytes fail their CRC-32C. key=${key} size=${bytes.length}`)
      return bytes
    }
    if (!isSound) throw new Unbelieved('it is neither the range that was asked for nor the whole object', { bytes: bytes.length })
    if (range.start > bytes.length) throw new StreambedError('OUT_OF_RANGE', `the range starts past the object's end. key=${key} start=${range.start} size=${bytes.length}`)
    return bytes.slice(range.start, range.end)
  }

  /** A service that is deciding between rivals says CONFLICT, which is no answer yet: it wants to be asked again. */
  async #untilVerdict<T> (signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> {
    try {
      return await withRetry(ask, this.#environment, verdictRetry, signal)
    } catch (error) {
      throw isUndecided(error) ? new StreambedError('UNAVAILABLE', `the service came to no verdict. asked=${verdictRetry.attemptsMax}`, { cause: error }) : error
    }
  }

  #checkSize (key: string, size: number): void {
    const { objectBytesMax } = this.#capabilities
    if (size > objectBytesMax) throw invalidArgument(`the object is larger than ${objectBytesMax} bytes. key=${key} size=${size}`)
  }
}

const listLimitMax = 1000
const verdictRetry = { delayMsMin: 20, delayMsMax: 200, deadlineMs: Infinity, attemptsMax: 8, isWorthRepeating: isUndecided }

function isUndecided (error: unknown): boolean { return StreambedError.is(error, 'CONFLICT') }
function unsupported (message: string): StreambedError { return new StreambedError('UNSUPPORTED', message) }
