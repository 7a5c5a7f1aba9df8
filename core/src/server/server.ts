import { sleep, type Clock, type Logger } from '@streambed/sdk'
import type { ConnectionContext, Reply } from '../broker/dispatcher.ts'
import { FrameMemory } from '../protocol/frame-memory.ts'
import type { Connection, Listening, Network } from '../runtime/network.ts'
import type { ServerLimits } from './limits.ts'
import { Session, type HeldBytes } from './session.ts'

export interface ListenerOptions { readonly name: string, readonly host: string, readonly port: number }

export interface ServerParts {
  readonly network: Network
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: ServerLimits
}

export type Dispatch = (frame: Uint8Array, context: ConnectionContext) => Promise<Reply>

/** How much of the room a release must leave before held connections are read again. */
const resumeBelow = 0.75

/** Accepts clients on the listeners and keeps what it holds for all of them within limits. */
export class Server implements AsyncDisposable {
  readonly #parts: ServerParts
  readonly #sessions = new Set<Session>()
  readonly #memory = new FrameMemory()
  readonly #stop = new AbortController()
  #listening: { readonly name: string, readonly host: string, readonly socket: Listening }[] = []
  #sweeping: Promise<void> = Promise.resolve()
  #inFlightCost = 0
  #unsentCost = 0
  #incompleteBytes = 0
  /** Connections are not read: there is nobody to serve them yet, or too much is in flight. */
  #isHolding = true
  #dispatch: Dispatch | undefined
  #whenEmpty: (() => void) | undefined

  private constructor (parts: ServerParts) { this.#parts = parts }

  /**
   * Listens everywhere or nowhere. Clients may connect at once; they are read from `serve` on. Rejects with MISCONFIGURED for
   * an address that cannot be listened on.
   */
  static async open (parts: ServerParts, listeners: readonly ListenerOptions[]): Promise<Server> {
    const server = new Server(parts)
    try {
      for (const { host, name, port } of listeners) {
        const socket = await parts.network.listen({ host, port }, connection => server.#accept(connection, name))
        server.#listening.push({ name, host, socket })
      }
    } catch (error) {
      await server.close({ drainMsMax: 0 })
      throw error
    }
    server.#sweeping = server.#sweepIdle()
    return server
  }

  /** Begins to read what clients send. */
  serve (dispatch: Dispatch): void {
    this.#dispatch = dispatch
    this.#resumeAll()
  }

  /** The ports in use, by listener; they differ from the options where those said 0. */
  get addresses (): readonly ListenerOptions[] { return this.#listening.map(({ host, name, socket }) => ({ name, host, port: socket.port })) }
  get connectionCount (): number { return this.#sessions.size }

  /** Answers what is in flight for at most `drainMsMax`, then hangs up on everybody. Idempotent. */
  async close (options: { readonly drainMsMax: number } = { drainMsMax: 3_500 }): Promise<void> {
    this.#stop.abort()
    const closed = this.#listening.map(({ socket }) => socket.close())
    this.#listening = []
    for (const session of this.#sessions) session.drain()
    if (this.#sessions.size > 0 && options.drainMsMax > 0) {
      const emptied = new Promise<void>(resolve => { this.#whenEmpty = resolve })
      const giveUp = new AbortController()
      await Promise.race([emptied, sleep(this.#parts.clock, options.drainMsMax, { signal: giveUp.signal }).catch(() => undefined)])
      giveUp.abort()
    }
    for (const session of this.#sessions) session.close()
    await this.#sweeping
    await Promise.all(closed)
  }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  #accept (connection: Connection, listener: string): void {
    const { clock, limits, logger } = this.#parts
    if (this.#stop.signal.aborted || this.#sessions.size >= limits.connectionsMax) {
      if (!this.#stop.signal.aborted) logger.warn('refused a connection: there are too many', { client: connection.remoteAddress, connections: this.#sessions.size })
      connection.destroy()
      return
    }
    const session = new Session({
      connection,
      listener,
      clock,
      limits,
      memory: this.#memory,
      dispatch: (frame, context) => this.#dispatch!(frame, context),
      onHeldBytes: change => this.#onHeldBytes(change),
      onClosed: closed => this.#onClosed(closed)
    })
    this.#sessions.add(session)
    if (this.#isHolding) session.pause()
  }

  #onClosed (session: Session): void {
    this.#sessions.delete(session)
    if (this.#sessions.size === 0) this.#whenEmpty?.()
  }

  #onHeldBytes ({ incomplete = 0, inFlight = 0, unsent = 0 }: HeldBytes): void {
    this.#inFlightCost += inFlight
    this.#unsentCost += unsent
    this.#incompleteBytes += incomplete
    const { inFlightBytesMax } = this.#parts.limits
    if (!this.#isHolding && this.#inFlightCost > inFlightBytesMax) {
      this.#isHolding = true
      for (const session of this.#sessions) session.pause()
    } else if (this.#isHolding && this.#dispatch !== undefined && this.#inFlightCost < inFlightBytesMax * resumeBelow) {
      this.#resumeAll()
    }
    if (unsent > 0) this.#cutOffStalled()
    if (incomplete > 0 && this.#incompleteBytes > inFlightBytesMax) this.#cutOffLargest()
  }

  #resumeAll (): void {
    this.#isHolding = false
    if (!this.#stop.signal.aborted) for (const session of this.#sessions) session.resume()
  }

  /** Requests that never become whole must not use up the memory either: the largest of them is given up. */
  #cutOffLargest (): void {
    let largest: Session | undefined
    for (const session of this.#sessions) if (session.incompleteBytes > (largest?.incompleteBytes ?? 0)) largest = session
    if (largest === undefined) return
    this.#parts.logger.warn('hung up on a client with a large request that is not complete', { bytes: largest.incompleteBytes })
    largest.close()
  }

  /** Clients that take nothing must not use up the memory of those who do. */
  #cutOffStalled (): void {
    let unsent = this.#unsentCost
    if (unsent <= this.#parts.limits.unsentBytesMax) return
    const stalled = [...this.#sessions].filter(session => session.unsentCost > 0).sort((left, right) => left.stalledSinceMs - right.stalledSinceMs)
    for (const session of stalled) {
      if (unsent <= this.#parts.limits.unsentBytesMax) return
      unsent -= session.unsentCost
      this.#parts.logger.warn('hung up on a client that does not take its answers', { unsentBytes: session.unsentCost })
      session.close()
    }
  }

  async #sweepIdle (): Promise<void> {
    const { clock, limits } = this.#parts
    while (!this.#stop.signal.aborted) {
      await sleep(clock, limits.idleMsMax / 10, { signal: this.#stop.signal }).catch(() => undefined)
      const beforeMs = clock.monotonicMs() - limits.idleMsMax
      for (const session of this.#sessions) if (session.lastActiveMs <= beforeMs && (session.isIdle || session.stalledSinceMs !== Infinity)) session.close()
    }
  }
}
