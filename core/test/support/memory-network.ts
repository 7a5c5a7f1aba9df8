import { StreambedError, type Clock } from '@streambed/sdk'
import type { Connection, ConnectionEvents, Listening, Network } from '../../src/runtime/network.ts'

export interface MemoryNetworkOptions {
  readonly clock: Clock
  /** How long each piece of data travels. */
  readonly latencyMs: () => number
  /** Bytes on their way to a reader that does not read, at which the writer is told to stop. */
  readonly windowBytes?: number
}

/** TCP in one process, under a clock: ordered, delayed, with back-pressure, and cut when a host dies. */
export class MemoryNetwork implements Network {
  readonly #options: MemoryNetworkOptions
  readonly #listeners = new Map<number, (connection: Connection) => void>()
  readonly #ends = new Set<End>()
  #nextPort = 40_000

  constructor (options: MemoryNetworkOptions) { this.#options = options }

  async listen ({ port }: { readonly host: string, readonly port: number }, onConnection: (connection: Connection) => void): Promise<Listening> {
    const chosen = port === 0 ? this.#nextPort++ : port
    if (this.#listeners.has(chosen)) throw new StreambedError('MISCONFIGURED', `port is in use. port=${chosen}`)
    this.#listeners.set(chosen, onConnection)
    return { port: chosen, close: async () => { this.#listeners.delete(chosen) } }
  }

  async connect ({ port }: { readonly host: string, readonly port: number }): Promise<Connection> {
    await new Promise<void>(resolve => { this.#options.clock.schedule(this.#options.latencyMs(), resolve) })
    const accept = this.#listeners.get(port)
    if (accept === undefined) throw new StreambedError('UNAVAILABLE', `nobody listens. port=${port}`)
    const [client, server] = End.pair(this.#options)
    for (const end of [client, server]) {
      this.#ends.add(end)
      end.whenGone = () => this.#ends.delete(end)
    }
    accept(server)
    return client
  }

  /** The host that listens dies: nobody listens any more, every connection is cut, what was on its way is lost. */
  cutAll (): void {
    this.#listeners.clear()
    for (const end of this.#ends) end.cut()
  }
}

class End implements Connection {
  readonly remoteAddress = '127.0.0.1'
  whenGone: () => void = () => undefined
  readonly #options: MemoryNetworkOptions
  readonly #windowBytes: number
  #peer!: End
  #events: ConnectionEvents | undefined
  #inbox: Uint8Array[] = []
  #unsent = 0
  #isPaused = true
  #mustDrain = false
  #isClosed = false
  #lastArrivalMs = 0
  #isEnding = false

  static pair (options: MemoryNetworkOptions): [End, End] {
    const [left, right] = [new End(options), new End(options)]
    left.#peer = right
    right.#peer = left
    return [left, right]
  }

  constructor (options: MemoryNetworkOptions) {
    this.#options = options
    this.#windowBytes = options.windowBytes ?? 64 * 1024
  }

  get unsentBytes (): number { return this.#unsent }

  start (events: ConnectionEvents): void {
    this.#events = events
    if (this.#isClosed) return events.onClosed()
    this.#isPaused = false
    // As a socket, which delivers nothing within the call: whoever starts it may pause it still.
    queueMicrotask(() => this.#deliver())
  }

  write (chunks: readonly Uint8Array[]): boolean {
    if (this.#isClosed || this.#isEnding) return true
    // A copy: bytes in a real socket buffer no longer change with the writer's memory.
    const bytes = Uint8Array.from(Buffer.concat(chunks))
    this.#unsent += bytes.length
    this.#peer.#arrive(() => this.#peer.#receive(bytes))
    if (this.#unsent > this.#windowBytes) this.#mustDrain = true
    return !this.#mustDrain
  }

  pause (): void { this.#isPaused = true }

  resume (): void {
    this.#isPaused = false
    this.#deliver()
  }

  end (): void {
    if (this.#isClosed || this.#isEnding) return
    this.#isEnding = true
    this.#peer.#arrive(() => { this.#peer.cut(); this.cut() })
  }

  destroy (): void {
    this.cut()
    this.#peer.#arrive(() => this.#peer.cut())
  }

  cut (): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#inbox = []
    this.#unsent = 0
    this.whenGone()
    this.#events?.onClosed()
  }

  /** In order: nothing overtakes what was sent before it. */
  #arrive (action: () => void): void {
    const { clock, latencyMs } = this.#options
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, clock.monotonicMs() + latencyMs())
    clock.schedule(this.#lastArrivalMs - clock.monotonicMs(), action)
  }

  #receive (bytes: Uint8Array): void {
    if (this.#isClosed) return
    this.#inbox.push(bytes)
    this.#deliver()
  }

  #deliver (): void {
    while (!this.#isPaused && !this.#isClosed && this.#events !== undefined && this.#inbox.length > 0) {
      const bytes = this.#inbox.shift()!
      this.#events.onData(bytes)
      this.#peer.#taken(bytes.length)
    }
  }

  #taken (count: number): void {
    this.#unsent = Math.max(0, this.#unsent - count)
    if (!this.#mustDrain || this.#unsent > 0) return
    this.#mustDrain = false
    this.#events?.onDrained()
  }
}
