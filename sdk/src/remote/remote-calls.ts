import { CallsInFlight } from '../calls-in-flight.ts'
import type { Environment } from '../environment.ts'
import { StreambedError } from '../errors.ts'
import { objectKeyProblem } from '../object-store.ts'
import type { ObjectInfo } from '../object-store.ts'
import { DeadlinePassed, withDeadline } from '../waiting/deadline.ts'
import { Unbelieved, checkObject } from './believed.ts'
import type { ObjectService, ServiceFailure } from './object-service.ts'

export interface RemoteStoreOptions {
  /** In front of every name in the service, as it is: `streambed/`. At most 100 UTF-8 bytes; may be empty. */
  readonly prefix: string
  /** For an answer to a call that moves no bytes; moving bytes adds their time at `bytesPerSecondMin`. */
  readonly requestTimeoutMs: number
  readonly bytesPerSecondMin: number
}

export interface CallFacts {
  /** What the call does to the store, which decides what a missing answer means. */
  readonly effect: 'none' | 'idempotent' | 'write'
  /** How many it sends; those that come add their time as they come. */
  readonly bytes?: number
  readonly signal?: AbortSignal | undefined
}

/** Calls on a service, with what all of them need: names, deadlines, typed errors, counters, an end. */
export class RemoteCalls {
  readonly environment: Environment
  readonly #service: ObjectService
  readonly #options: RemoteStoreOptions
  readonly #inFlight = new CallsInFlight()

  constructor (service: ObjectService, options: RemoteStoreOptions, environment: Environment) {
    this.#service = service
    this.#options = options
    this.environment = environment
  }

  /** The key's name in the service. Throws INVALID_ARGUMENT for a key outside the contract. */
  nameOf (key: string): string {
    const problem = objectKeyProblem(key)
    if (problem !== undefined) throw invalidArgument(`the key ${problem}. key=${JSON.stringify(key.slice(0, 100))}`)
    return this.#options.prefix + key
  }

  newOwner (): string { return Buffer.from(this.environment.random.bytes(16)).toString('hex') }

  count (kind: 'put' | 'get' | 'list' | 'delete', bytes?: number): void {
    const { metrics } = this.environment
    metrics.count(`object_store_${kind}_requests`)
    if (bytes !== undefined) metrics.count(`object_store_${kind}_bytes`, bytes)
  }

  /** Makes one call, within its deadline, which bytes that come put off; what it rejects with is a StreambedError that names `action`. */
  async run<T> (action: string, { bytes = 0, effect, signal }: CallFacts, call: (signal: AbortSignal, onBytes: (count: number) => void) => Promise<T>): Promise<T> {
    const { bytesPerSecondMin, requestTimeoutMs } = this.#options
    const limitMs = Math.ceil(requestTimeoutMs + bytes / bytesPerSecondMin * 1000)
    return await this.#inFlight.run(undefined, async () => {
      try {
        return await withDeadline({ clock: this.environment.clock, limitMs, signal }, (inner, extend) => call(inner, count => { extend(count / bytesPerSecondMin * 1000) }))
      } catch (error) {
        if (StreambedError.is(error)) throw error
        if (error instanceof Unbelieved) throw errorOf(action, { code: 'NO_VERDICT', detail: error.message }, effect, error)
        if (!(error instanceof DeadlinePassed)) throw errorOf(action, this.#service.failureOf(error), effect, error)
        if (effect === 'write') throw unknownOutcome(action, error)
        throw new StreambedError('TIMEOUT', `${action}: no answer within ${limitMs} ms. Check that the endpoint is right and reachable.`, { cause: error })
      }
    })
  }

  async head (key: string, signal: AbortSignal | undefined): Promise<{ readonly info: ObjectInfo, readonly owner: string | undefined }> {
    const name = this.nameOf(key)
    this.count('get')
    const { modifiedMs, owner, size, versionToken } = await this.run(`head of ${key}`, { effect: 'none', signal }, async inner => {
      const object = await this.#service.head(name, inner)
      checkObject(object)
      return object
    })
    return { info: { key, size, versionToken, modifiedMs }, owner }
  }

  /**
   * Decides a write that was refused, or whose answer was lost, by who wrote what is there now: resolves if `owner` did,
   * with the object, and rejects otherwise: ALREADY_EXISTS when another did, OUTCOME_UNKNOWN when nothing is there (the
   * write may yet land) or that cannot be learned.
   */
  async settle (key: string, owner: string, failure: StreambedError, signal: AbortSignal | undefined): Promise<ObjectInfo> {
    let found
    try {
      found = await this.head(key, signal)
    } catch {
      throw StreambedError.is(failure, 'ALREADY_EXISTS', 'OUTCOME_UNKNOWN') ? failure : unknownOutcome(`put of ${key}`, failure)
    }
    if (found.owner === owner) return found.info
    throw new StreambedError('ALREADY_EXISTS', `the object exists. key=${key}`, { cause: failure })
  }

  /** Refuses further calls; resolves when those in flight have settled and the service is closed. */
  async close (): Promise<void> {
    await this.#inFlight.close()
    await this.#service.close()
  }
}

export function invalidArgument (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }

/** The error for what the service said. A service supports reading: who says otherwise is another, or unwell. */
export function errorOf (action: string, { code, detail, remedy }: ServiceFailure, effect: CallFacts['effect'], cause?: unknown): StreambedError {
  const isNone = code === 'NO_VERDICT' || (code === 'UNSUPPORTED' && effect === 'none')
  const verdict = !isNone ? code : effect === 'write' ? 'OUTCOME_UNKNOWN' : 'UNAVAILABLE'
  return new StreambedError(verdict, `${action} failed. ${remedy === undefined ? '' : `${remedy} `}${detail}`, { cause })
}

export function unknownOutcome (action: string, cause: unknown): StreambedError {
  return new StreambedError('OUTCOME_UNKNOWN', `${action}: no answer came; it may have taken effect`, { cause })
}
