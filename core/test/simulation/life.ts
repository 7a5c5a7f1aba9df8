import type { OpenBroker } from '../../src/main/open-broker.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** How a process came to its end. */
export type Ending =
  | { readonly kind: 'died' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed', readonly error: unknown }

/** One process of the node, from its start to its end, over pauses. */
export class Life {
  readonly number: number
  readonly process: SimulatedProcess
  readonly stop = new AbortController()
  readonly ended: Promise<Ending>
  /** Resolves when it serves for the first time. */
  readonly ready: Promise<'ready'>
  /** The broker that it opened last. */
  broker: OpenBroker | undefined
  /** Whether another process of the node ever lived beside it: only then may it be fenced, or locked out. */
  hadCompany = false
  readonly #ended = Promise.withResolvers<Ending>()
  readonly #ready = Promise.withResolvers<'ready'>()
  #paused = Promise.withResolvers<'paused'>()

  constructor (number: number, process: SimulatedProcess) {
    this.number = number
    this.process = process
    this.ended = this.#ended.promise
    this.ready = this.#ready.promise
  }

  get isAlive (): boolean { return this.process.isAlive }
  /** Resolves at its next pause, seen from the call. */
  get paused (): Promise<'paused'> { return this.#paused.promise }

  follow (running: Promise<void>): void {
    running.then(() => this.#ended.resolve({ kind: 'stopped' }), (error: unknown) => this.#ended.resolve({ kind: 'failed', error }))
  }

  opened (broker: OpenBroker): void {
    this.broker = broker
    this.#ready.resolve('ready')
  }

  pause (): void {
    this.process.pause()
    const { resolve } = this.#paused
    this.#paused = Promise.withResolvers()
    resolve('paused')
  }

  /** `flushes`: see `SimulatedProcess.die`. */
  die (flushes: boolean): void {
    this.process.die(flushes)
    this.#ended.resolve({ kind: 'died' })
  }
}
