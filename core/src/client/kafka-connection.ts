import { StreambedError } from '@streambed/sdk'
import { decodeResponse, encodeRequest } from '../protocol/frames.ts'
import type { ApiKey, RequestInputOf, ResponseOf } from '../protocol/messages/apis.ts'
import type { Connection, Network } from '../runtime/network.ts'
import { FrameMemory } from '../protocol/frame-memory.ts'
import { FrameReader } from '../protocol/frame-reader.ts'

interface Waiting {
  readonly decode: (frame: Uint8Array) => unknown
  readonly resolve: (response: never) => void
  readonly reject: (error: unknown) => void
}

const responseBytesMax = 2 ** 31 - 1
/** Of all connections of this thread: few answers come at a time, and each reader would take a slab of its own. */
const memory = new FrameMemory()

/** One connection to a broker. Requests may be sent before earlier ones are answered; answers come in their order. */
export class KafkaConnection implements AsyncDisposable {
  readonly #connection: Connection
  readonly #clientId: string
  readonly #waiting: Waiting[] = []
  readonly #closed = Promise.withResolvers<void>()
  #correlationId = 0
  #isClosed = false

  private constructor (connection: Connection, clientId: string) {
    this.#connection = connection
    this.#clientId = clientId
    const reader = new FrameReader({ frameBytesMax: responseBytesMax, memory, onFrame: frame => this.#onFrame(frame) })
    connection.start({
      onData: bytes => { if (!reader.push(bytes)) connection.destroy() },
      onDrained: () => undefined,
      onClosed: () => this.#onClosed()
    })
  }

  static async open (network: Network, address: { readonly host: string, readonly port: number }, clientId: string): Promise<KafkaConnection> {
    return new KafkaConnection(await network.connect(address), clientId)
  }

  /** Known to be at its end: nothing that is asked now is sent. */
  get isClosed (): boolean { return this.#isClosed }

  /** Rejects with UNAVAILABLE when the connection ends before the answer: the broker may have acted on the request. */
  request<K extends ApiKey> (apiKey: K, version: number, body: RequestInputOf<K>): Promise<ResponseOf<K>> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(lost())
      const decode = (frame: Uint8Array): unknown => decodeResponse(apiKey, version, frame).body
      this.#waiting.push({ decode, resolve, reject })
      this.#connection.write([encodeRequest(apiKey, version, ++this.#correlationId, this.#clientId, body)])
    })
  }

  /** Sends a request that has no answer (Produce with acks 0). */
  send<K extends ApiKey> (apiKey: K, version: number, body: RequestInputOf<K>): void {
    this.#connection.write([encodeRequest(apiKey, version, ++this.#correlationId, this.#clientId, body)])
  }

  async close (): Promise<void> {
    this.#connection.end()
    await this.#closed.promise
  }

  /** Hangs up at once. */
  destroy (): void { this.#connection.destroy() }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  #onFrame (frame: Uint8Array): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) return this.#connection.destroy()
    try {
      waiting.resolve(waiting.decode(frame) as never)
    } catch (error) {
      waiting.reject(error)
    }
  }

  #onClosed (): void {
    this.#isClosed = true
    for (const { reject } of this.#waiting.splice(0)) reject(lost())
    this.#closed.resolve()
  }
}

function lost (): StreambedError { return new StreambedError('UNAVAILABLE', 'the broker closed the connection') }
