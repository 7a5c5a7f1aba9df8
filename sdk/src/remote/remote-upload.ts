import { StreambedError } from '../errors.ts'
import type { CallOptions, MultipartUpload, ObjectBody, ObjectStoreCapabilities, StoredObject } from '../object-store.ts'
import { describeBody } from './body.ts'
import type { MultipartService, ServicePart, ServiceUpload } from './object-service.ts'
import { invalidArgument, unknownOutcome, type RemoteCalls } from './remote-calls.ts'

type Limits = Exclude<ObjectStoreCapabilities['multipart'], false>

export interface UploadFacts {
  readonly key: string
  readonly upload: ServiceUpload
  readonly owner: string
  readonly ifAbsent: boolean
  readonly limits: Limits
}

/** An upload in parts to a service on the network. */
export class RemoteUpload implements MultipartUpload {
  readonly #calls: RemoteCalls
  readonly #service: MultipartService
  readonly #facts: UploadFacts
  readonly #parts = new Map<number, ServicePart>()
  /** The newest sending of each part: a number is sent again only when its last sending has ended, so the last one wins. */
  readonly #sending = new Map<number, Promise<unknown>>()
  #hasEnded = false

  constructor (calls: RemoteCalls, service: MultipartService, facts: UploadFacts) {
    this.#calls = calls
    this.#service = service
    this.#facts = facts
  }

  async uploadPart (number: number, body: ObjectBody, options?: CallOptions): Promise<void> {
    const { key, limits: { partsMax }, upload } = this.#facts
    if (!Number.isInteger(number) || number < 1 || number > partsMax) throw invalidArgument(`the part number is not 1 to ${partsMax}. key=${key} number=${number}`)
    this.#checkGoing()
    const { crc32c, pieces, size } = describeBody(body, this.#calls.environment)
    const before = this.#sending.get(number) ?? Promise.resolve()
    const sending = before.then(async () => {
      this.#calls.count('put', size)
      const token = await this.#calls.run(`part ${number} of ${key}`, { effect: 'idempotent', bytes: size, signal: options?.signal },
        signal => this.#service.uploadPart(upload, { number, pieces, size, crc32c, signal }))
      this.#parts.set(number, { number, size, token })
    })
    this.#sending.set(number, sending.catch(() => {}))
    await sending
  }

  async complete (options?: CallOptions): Promise<StoredObject> {
    const { key, limits: { partBytesMin } } = this.#facts
    this.#checkGoing()
    const parts = [...this.#parts.values()].sort((left, right) => left.number - right.number)
    if (parts.length === 0) throw invalidArgument(`no part was uploaded. key=${key}`)
    if (parts.at(-1)!.number !== parts.length) throw invalidArgument(`the part numbers have gaps. key=${key}`)
    const small = parts.slice(0, -1).find(({ size }) => size < partBytesMin)
    if (small !== undefined) throw invalidArgument(`a part before the last is smaller than ${partBytesMin} bytes. key=${key} number=${small.number} size=${small.size}`)
    this.#calls.count('put')
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    const { versionToken } = await this.#completed(parts, options?.signal)
    this.#hasEnded = true
    return { key, size, versionToken }
  }

  async abort (options?: CallOptions): Promise<void> {
    const { key, upload } = this.#facts
    if (this.#hasEnded) return
    await Promise.all(this.#sending.values())
    await this.#calls.run(`abort of the upload of ${key}`, { effect: 'idempotent', signal: options?.signal }, signal => this.#service.abort(upload, signal))
    this.#hasEnded = true
  }

  /** A lost answer looks like an upload that never was: whose object is there now decides. So it does where the answer tells no version. */
  async #completed (parts: readonly ServicePart[], signal: AbortSignal | undefined): Promise<{ readonly versionToken: string }> {
    const { ifAbsent, key, owner, upload } = this.#facts
    try {
      const action = `completing the upload of ${key}`
      const versionToken = await this.#calls.run(action, { effect: 'write', signal }, inner => this.#service.complete(upload, parts, { ifAbsent, owner, signal: inner }))
      if (versionToken === undefined) throw unknownOutcome(action, new Error('the answer tells no version'))
      return { versionToken }
    } catch (failure) {
      if (!StreambedError.is(failure, 'ALREADY_EXISTS', 'OUTCOME_UNKNOWN', 'NOT_FOUND')) throw failure
      return await this.#calls.settle(key, owner, failure, signal).catch((verdict: unknown) => {
        throw ifAbsent && failure.code !== 'NOT_FOUND' ? verdict : failure
      })
    }
  }

  #checkGoing (): void {
    if (this.#hasEnded) throw new StreambedError('NOT_FOUND', `the upload has ended. key=${this.#facts.key}`)
  }
}
