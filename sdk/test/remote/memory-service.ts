import { compareKeys, crc32c, type ObjectPage } from '@streambed/sdk'
import type { MultipartService, ObjectService, ServiceFailure, ServicePut } from '@streambed/sdk/remote'
import { MemoryObjectMedium } from '@streambed/sdk/testing'

/** What a service answers with, where it is no success. */
export class ServiceError extends Error {
  readonly failure: ServiceFailure
  constructor (code: ServiceFailure['code'], detail = `test=${code}`) {
    super(detail)
    this.failure = { code, detail }
  }
}

interface Upload { readonly name: string, readonly startedMs: number, readonly parts: Map<string, Uint8Array> }
interface Kept { readonly crc32c: number, readonly owner: string }

export type ServiceCopy = ReadonlyMap<string, { readonly object: NonNullable<ReturnType<MemoryObjectMedium['objects']['get']>>, readonly kept: Kept }>

/** A storage service in memory, whose requests can be lost, refused or left without an answer before or after they take effect. */
export class MemoryService implements ObjectService {
  readonly medium = new MemoryObjectMedium()
  readonly deleteNamesMax = 3
  readonly requests: string[] = []
  /** Called before and after each request takes effect; may throw, or never resolve. */
  disturb: (request: string, when: 'before' | 'after') => void | Promise<void> = () => {}
  /** Whether the answer to a completion names the version. */
  tellsVersions = true
  isClosed = false
  readonly #nowMs: () => number
  readonly #kept = new Map<string, Kept>()
  readonly #uploads = new Map<string, Upload>()
  #count = 0

  constructor (nowMs: () => number) { this.#nowMs = nowMs }

  async put ({ crc32c, ifAbsent, name, owner, pieces }: ServicePut): Promise<{ versionToken: string }> {
    return await this.#request('put', async () => this.#store(name, Buffer.concat(pieces), { crc32c, owner }, ifAbsent))
  }

  async get (name: string, range: { start: number, end: number } | undefined): Promise<{ bytes: Uint8Array, crc32c?: number | undefined }> {
    return await this.#request('get', async () => {
      const { bytes } = this.#find(name)
      if (range !== undefined && range.start >= Math.max(1, bytes.length)) throw new ServiceError('OUT_OF_RANGE')
      return { bytes: Uint8Array.from(range === undefined ? bytes : bytes.subarray(range.start, range.end)), crc32c: this.#kept.get(name)?.crc32c }
    })
  }

  async head (name: string): Promise<{ size: number, versionToken: string, modifiedMs: number, owner?: string | undefined }> {
    return await this.#request('head', async () => ({ ...this.#find(name).info, owner: this.#kept.get(name)?.owner }))
  }

  async list (prefix: string, startAfter: string | undefined, limit: number): Promise<ObjectPage> {
    return await this.#request('list', async () => {
      const names = this.medium.sortedKeys(prefix).filter(name => startAfter === undefined || compareKeys(name, startAfter) > 0)
      return { objects: names.slice(0, limit).map(name => this.#find(name).info), isLast: names.length <= limit }
    })
  }

  async delete (names: readonly string[]): Promise<{ kind: 'deleted' }[]> {
    return await this.#request('delete', async () => names.map(name => {
      this.medium.objects.delete(name)
      return { kind: 'deleted' }
    }))
  }

  readonly multipart: MultipartService = {
    start: async name => await this.#request('start', async () => {
      const uploadId = String(++this.#count)
      this.#uploads.set(uploadId, { name, startedMs: this.#nowMs(), parts: new Map() })
      return uploadId
    }),
    uploadPart: async ({ uploadId }, { pieces }) => await this.#request('part', async () => {
      const token = String(++this.#count)
      this.#upload(uploadId).parts.set(token, Buffer.concat(pieces))
      return token
    }),
    complete: async ({ name, uploadId }, parts, { ifAbsent, owner }) => await this.#request('complete', async () => {
      const upload = this.#upload(uploadId)
      const bytes = Buffer.concat(parts.map(({ token }) => upload.parts.get(token)!))
      const stored = this.#store(name, bytes, { crc32c: crc32c(bytes), owner }, ifAbsent)
      this.#uploads.delete(uploadId)
      return this.tellsVersions ? stored.versionToken : undefined
    }),
    abort: async ({ uploadId }) => { await this.#request('abort', async () => { this.#uploads.delete(uploadId) }) },
    list: async function * (this: MemoryService, prefix: string) {
      for (const [uploadId, { name, startedMs }] of this.#uploads) if (name.startsWith(prefix)) yield { uploadId, name, startedMs }
    }.bind(this)
  }

  /** What is under the keys of `prefix`, behind everybody's back. */
  copyOf (prefix: string): ServiceCopy {
    return new Map(this.medium.sortedKeys(prefix).map(name => [name, { object: this.#find(name), kept: this.#kept.get(name)! }]))
  }

  /** Exchanges what is under the keys of `prefix` for a copy of it. */
  putBack (prefix: string, copy: ServiceCopy): void {
    for (const name of this.medium.sortedKeys(prefix)) this.medium.objects.delete(name)
    for (const [name, { kept, object }] of copy) {
      this.medium.objects.set(name, object)
      this.#kept.set(name, kept)
    }
  }

  async preflight (): Promise<[]> { return await this.#request('preflight', async () => []) }
  failureOf (error: unknown): ServiceFailure { return error instanceof ServiceError ? error.failure : { code: 'NO_VERDICT', detail: String(error) } }
  close (): void { this.isClosed = true }

  async #request<T> (request: string, effect: () => Promise<T>): Promise<T> {
    this.requests.push(request)
    await this.disturb(request, 'before')
    const answer = await effect()
    await this.disturb(request, 'after')
    return answer
  }

  #store (name: string, bytes: Uint8Array, kept: Kept, ifAbsent: boolean): { versionToken: string } {
    if (ifAbsent && this.medium.objects.has(name)) throw new ServiceError('ALREADY_EXISTS')
    if (crc32c(bytes) !== kept.crc32c) throw new ServiceError('CORRUPT')
    this.#kept.set(name, kept)
    return this.medium.store(name, bytes, this.#nowMs())
  }

  #find (name: string): NonNullable<ReturnType<MemoryObjectMedium['objects']['get']>> {
    const found = this.medium.objects.get(name)
    if (found === undefined) throw new ServiceError('NOT_FOUND')
    return found
  }

  #upload (uploadId: string): Upload {
    const upload = this.#uploads.get(uploadId)
    if (upload === undefined) throw new ServiceError('NOT_FOUND')
    return upload
  }
}
