import { StreambedError } from '../errors.ts'
import type { Wal, WalIdentity, WalPosition, WalRecord, WalUsage } from '../wal.ts'
import { FaultInjector } from './fault-plan.ts'
import type { FaultOptions } from './fault-plan.ts'

/** `inner` with the plan's faults, within the contract: order is kept, and what fails for good stays failed (W-1, W-3). */
export function faultyWal (inner: Wal, options: FaultOptions): Wal { return new FaultyWal(inner, options) }

class FaultyWal implements Wal {
  readonly identity?: WalIdentity
  readonly #inner: Wal
  readonly #injector: FaultInjector
  /** Settles with the append called last: a delayed append delays those after it. */
  #lastAppend: Promise<unknown> = Promise.resolve()
  #failure: StreambedError | undefined
  #waitingCount = 0
  /** Why one of those that wait failed, where later calls may succeed again: what was called before that was known fails too (W-3). */
  #failureOfWaiting: unknown

  constructor (inner: Wal, options: FaultOptions) {
    this.#inner = inner
    if (inner.identity !== undefined) this.identity = inner.identity
    this.#injector = new FaultInjector(options)
  }

  append (chunks: readonly Uint8Array[]): Promise<WalPosition> {
    const fault = this.#injector.decide('append')
    const before = this.#lastAppend
    const appended = this.#appendAfter(before, () => this.#injector.apply(fault, { method: 'append', changes: true }, () => this.#inner.append(chunks)))
    this.#lastAppend = appended.catch(() => {})
    return appended
  }

  recover (): AsyncIterable<WalRecord> {
    const fault = this.#injector.decide('recover')
    const injector = this.#injector
    const inner = this.#inner
    async function * records (): AsyncGenerator<WalRecord> {
      // Recovery changes nothing: of a fault, only the failure or the delay in front of it is seen.
      await injector.apply(fault, { method: 'recover', changes: false }, async () => {})
      yield * inner.recover()
    }
    return records()
  }

  trim (position: WalPosition): Promise<void> {
    return this.#injector.apply(this.#injector.decide('trim'), { method: 'trim', changes: true }, () => this.#inner.trim(position))
  }

  usage (): WalUsage { return this.#inner.usage() }

  async close (): Promise<void> {
    this.#injector.close()
    await this.#lastAppend
    await this.#inner.close()
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  async #appendAfter (before: Promise<unknown>, effect: () => Promise<WalPosition>): Promise<WalPosition> {
    this.#waitingCount++
    try {
      await before
      if (this.#failure !== undefined) throw this.#failure
      if (this.#failureOfWaiting !== undefined) throw this.#failureOfWaiting
      return await effect()
    } catch (error) {
      if (StreambedError.is(error, 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'FENCED', 'CLOSED')) this.#failure = error
      else if (!StreambedError.is(error, 'OVER_CAPACITY', 'INVALID_ARGUMENT')) this.#failureOfWaiting = error
      throw error
    } finally {
      if (--this.#waitingCount === 0) this.#failureOfWaiting = undefined
    }
  }
}
