import type { Clock } from '@streambed/sdk'
import type { ConnectionContext, Reply } from '../broker/dispatcher.ts'
import { RequestOrder } from '../broker/request-order.ts'
import type { Connection } from '../runtime/network.ts'
import type { FrameMemory } from '../protocol/frame-memory.ts'
import { FrameReader } from '../protocol/frame-reader.ts'
import { apiKeyOf } from '../protocol/headers.ts'
import type { ServerLimits } from './limits.ts'

export interface SessionParts {
  readonly connection: Connection
  readonly listener: string
  readonly clock: Clock
  readonly limits: ServerLimits
  readonly memory: FrameMemory
  readonly dispatch: (frame: Uint8Array, context: ConnectionContext) => Promise<Reply>
  /** Told of every change of the bytes held for this client; may call `close`. */
  readonly onHeldBytes: (change: HeldBytes) => void
  readonly onClosed: (session: Session) => void
}

/** What requests that wait for answers and answers not taken cost, and bytes of requests that have come only in part. */
export interface HeldBytes { readonly inFlight?: number, readonly unsent?: number, readonly incomplete?: number }

/** How long a client that is hung up on may take for its last answers. */
const hangUpMsMax = 1_000

/** What a request takes in memory besides its bytes, until it is answered: what it was decoded to, promises and closures. Measured: a waiting Fetch of one partition takes 4,900. */
export const requestOverheadBytes = 5 * 1_024
/** What a piece of an answer takes besides its bytes, until the client has taken it: its place in the socket's queue, and the batch that it is of. */
export const pieceOverheadBytes = 512

interface Pending { reply: Reply | undefined, readonly cost: number }

/**
 * One client's connection: frames in, replies out in the order of the requests, however they finish. Several are served at a time,
 * as far as none could tell from its answer (see RequestOrder). Reading stops while too much is in flight, while the client does not take its answers, and while it is throttled.
 */
export class Session {
  readonly #parts: SessionParts
  readonly #reader: FrameReader
  readonly #gone = new AbortController()
  /** Aborts when the connection is gone or is to end: long polls answer with what there is. */
  readonly #ending = new AbortController()
  readonly #order = new RequestOrder()
  readonly #pending: Pending[] = []
  /** Why reading is stopped; it goes on when none is left. */
  readonly #holds = new Set<'inFlight' | 'unsent' | 'throttled' | 'server'>()
  #inFlightCost = 0
  #unsentCost = 0
  /** Of the answers that wait in the socket, as long as it is not empty. */
  #unsentPieces = 0
  #incompleteBytes = 0
  #isDraining = false
  #lastActiveMs: number
  /** Monotonic ms since which the client has taken nothing of what waits for it. */
  #stalledSinceMs = Infinity

  constructor (parts: SessionParts) {
    this.#parts = parts
    this.#lastActiveMs = parts.clock.monotonicMs()
    this.#reader = new FrameReader({ frameBytesMax: parts.limits.requestBytesMax, onFrame: frame => this.#serve(frame), memory: parts.memory })
    parts.connection.start({
      onData: bytes => this.#onData(bytes),
      onDrained: () => this.#onDrained(),
      onClosed: () => this.#onClosed()
    })
  }

  get lastActiveMs (): number { return this.#lastActiveMs }
  get stalledSinceMs (): number { return this.#stalledSinceMs }
  /** Of the answers that the client has not taken, in bytes. */
  get unsentCost (): number { return this.#unsentCost }
  get incompleteBytes (): number { return this.#incompleteBytes }
  get isIdle (): boolean { return this.#pending.length === 0 && this.#unsentCost === 0 }

  /** Reads no further until `resume`: the server as a whole holds too much. */
  pause (): void { this.#hold('server') }
  resume (): void { this.#release('server') }

  /** Answers what is in flight, reads nothing more, then closes. */
  drain (): void {
    this.#isDraining = true
    this.#ending.abort()
    this.#hold('server')
    this.#closeIfDrained()
  }

  close (): void {
    this.#order.end()
    this.#parts.connection.destroy()
  }

  #onData (bytes: Uint8Array): void {
    if (this.#isDraining) return
    this.#lastActiveMs = this.#parts.clock.monotonicMs()
    if (!this.#reader.push(bytes)) return this.close()
    const incomplete = this.#reader.heldBytes
    if (incomplete === this.#incompleteBytes) return
    const change = incomplete - this.#incompleteBytes
    this.#incompleteBytes = incomplete
    this.#parts.onHeldBytes({ incomplete: change })
  }

  #serve (frame: Uint8Array): void {
    if (this.#gone.signal.aborted) return
    const cost = frame.length + requestOverheadBytes
    const pending: Pending = { reply: undefined, cost }
    this.#pending.push(pending)
    this.#inFlightCost += cost
    this.#parts.onHeldBytes({ inFlight: cost })
    if (this.#pending.length >= this.#parts.limits.inFlightMax) this.#hold('inFlight')
    const { connection, dispatch, listener } = this.#parts
    this.#order.add(apiKeyOf(frame), ({ hangsUp, tookEffect }) => {
      void dispatch(frame, { clientHost: connection.remoteAddress, listener, signal: this.#ending.signal, tookEffect }).then(reply => {
        pending.reply = reply
        if (reply.kind === 'close') hangsUp()
        this.#flush()
        tookEffect()
      })
    })
  }

  /** Sends the replies that are ready, from the oldest on. */
  #flush (): void {
    while (this.#pending[0]?.reply !== undefined && !this.#gone.signal.aborted) {
      const { cost, reply } = this.#pending.shift()!
      this.#inFlightCost -= cost
      this.#parts.onHeldBytes({ inFlight: -cost })
      if (reply!.kind === 'close') return this.#hangUp()
      if (reply!.kind === 'send') this.#send(reply!.chunks, reply!.throttleMs)
    }
    if (this.#pending.length < this.#parts.limits.inFlightMax) this.#release('inFlight')
    this.#closeIfDrained()
  }

  /** Sends what was written, answers nothing more, and does not wait for a client that never hangs up itself. */
  #hangUp (): void {
    const { clock, connection } = this.#parts
    this.#abort()
    this.#dropPending()
    connection.end()
    clock.schedule(hangUpMsMax, () => connection.destroy())
  }

  #dropPending (): void {
    this.#parts.onHeldBytes({ inFlight: -this.#inFlightCost })
    this.#inFlightCost = 0
    this.#pending.length = 0
  }

  #send (chunks: readonly Uint8Array[], throttleMs: number): void {
    const { clock, connection } = this.#parts
    this.#lastActiveMs = clock.monotonicMs()
    if (!connection.write(chunks)) {
      if (this.#stalledSinceMs === Infinity) this.#stalledSinceMs = clock.monotonicMs()
      // What the socket took at once is little, and nobody would be told when it is gone.
      this.#unsentPieces += chunks.length
      this.#hold('unsent')
    }
    this.#noteUnsent()
    if (throttleMs > 0) {
      this.#hold('throttled')
      clock.schedule(throttleMs, () => this.#release('throttled'))
    }
  }

  #onDrained (): void {
    this.#stalledSinceMs = Infinity
    this.#unsentPieces = 0
    this.#lastActiveMs = this.#parts.clock.monotonicMs()
    this.#noteUnsent()
    this.#release('unsent')
    this.#closeIfDrained()
  }

  #noteUnsent (): void {
    const unsent = this.#parts.connection.unsentBytes + this.#unsentPieces * pieceOverheadBytes
    const change = unsent - this.#unsentCost
    this.#unsentCost = unsent
    if (change !== 0) this.#parts.onHeldBytes({ unsent: change })
  }

  #onClosed (): void {
    this.#abort()
    this.#dropPending()
    this.#parts.onHeldBytes({ unsent: -this.#unsentCost, incomplete: -this.#incompleteBytes })
    this.#unsentCost = 0
    this.#incompleteBytes = 0
    this.#parts.onClosed(this)
  }

  #abort (): void {
    this.#gone.abort()
    this.#ending.abort()
  }

  #closeIfDrained (): void {
    if (this.#isDraining && this.#pending.length === 0) this.#parts.connection.end()
  }

  #hold (reason: 'inFlight' | 'unsent' | 'throttled' | 'server'): void {
    if (this.#holds.size === 0) this.#parts.connection.pause()
    this.#holds.add(reason)
  }

  #release (reason: 'inFlight' | 'unsent' | 'throttled' | 'server'): void {
    if (this.#holds.delete(reason) && this.#holds.size === 0 && !this.#gone.signal.aborted) this.#parts.connection.resume()
  }
}
