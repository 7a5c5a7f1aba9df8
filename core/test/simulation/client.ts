import { StreambedError } from '@streambed/sdk'
import type { SeededRandom } from '@streambed/sdk/testing'
import { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { KafkaErrorCode, kafkaErrorName } from '../../src/protocol/error-codes.ts'
import { ApiKey, apis, type RequestInputOf, type ResponseOf } from '../../src/protocol/messages/apis.ts'
import type { World } from './world.ts'

const requestTimeoutMs = 3_000
const cutMsMax = 20
/** What these answer is a promise, whoever gives it. */
const confirming: ReadonlySet<number> = new Set([ApiKey.Produce, ApiKey.OffsetCommit, ApiKey.SyncGroup, ApiKey.CreateTopics, ApiKey.DeleteTopics, ApiKey.DeleteRecords, ApiKey.OffsetDelete, ApiKey.DeleteGroups])

/** There was nobody to ask: the broker knows nothing of the request. */
class Unsent extends Error {}

/** A client of the broker: one connection, made anew when it breaks, and requests that time out. */
export class SimulatedClient {
  readonly world: World
  readonly name: string
  readonly random: SeededRandom
  #connection: Promise<KafkaConnection> | undefined
  /** The process that it is connected to. */
  #peer = 0

  constructor (world: World, name: string) {
    this.world = world
    this.name = name
    this.random = world.random.fork(`client ${name}`)
  }

  /** Rejects when the connection breaks or the answer takes too long: the broker may have acted on the request. */
  async request<K extends ApiKey> (apiKey: K, version: number, body: RequestInputOf<K>): Promise<ResponseOf<K>> {
    if (this.#connection === undefined) this.#peer = this.world.address.port
    const opening = this.#connection ??= KafkaConnection.open(this.world.network, this.world.address, this.name)
    const peer = this.#peer
    let connection: KafkaConnection | undefined
    const timer = this.world.clock.schedule(requestTimeoutMs, () => connection?.destroy())
    try {
      connection = await opening.catch((error: unknown) => { throw new Unsent(String(error)) })
      if (connection.isClosed) throw new Unsent('the connection is closed')
      this.note(`asks ${apis[apiKey].name} ${version}`)
      if (this.world.isChaotic && this.random.fraction() < this.world.profile.lives.cutRate) this.#cutSoon(connection)
      const answer = await connection.request(apiKey, version, body)
      // Who was overtaken may show what was; what it confirms must hold.
      if (peer !== this.world.address.port && !confirming.has(apiKey)) throw refused('the answer is of a process that was overtaken', KafkaErrorCode.NONE)
      this.note(`has an answer to ${apis[apiKey].name}`)
      return answer
    } catch (error) {
      this.note(`has no answer to ${apis[apiKey].name}: ${String(error)}`)
      if (this.#connection === opening) this.#connection = undefined
      connection?.destroy()
      throw error
    } finally {
      timer.cancel()
    }
  }

  /** Sends all at once on one connection; each answer, or where there is none, whether it was sent at all. */
  async pipeline<K extends ApiKey> (apiKey: K, version: number, bodies: readonly RequestInputOf<K>[]): Promise<(ResponseOf<K> | 'unsent' | 'unanswered')[]> {
    return await Promise.all(bodies.map(body => this.request(apiKey, version, body).catch((error: unknown) => error instanceof Unsent ? 'unsent' : 'unanswered')))
  }

  /** As `request`, but again and again until `isDone` says so. */
  async until<K extends ApiKey> (apiKey: K, version: number, body: () => RequestInputOf<K>, isDone: (response: ResponseOf<K>) => boolean): Promise<ResponseOf<K>> {
    for (;;) {
      const response = await this.request(apiKey, version, body()).catch(() => undefined)
      if (response !== undefined && isDone(response)) return response
      await this.pause(20)
    }
  }

  /** Up to twice `meanMs` of virtual time. */
  pause (meanMs: number): Promise<void> { return this.world.sleep(this.random.fraction() * 2 * meanMs) }

  note (text: string): void { this.world.trace.add(`${this.name}: ${text}`) }

  /** While the request is on its way, or its answer, or after it. */
  #cutSoon (connection: KafkaConnection): void {
    this.world.clock.schedule(this.random.fraction() * cutMsMax, () => connection.destroy())
  }

  hangUp (): void {
    const opening = this.#connection
    this.#connection = undefined
    void opening?.then(connection => connection.destroy(), () => undefined)
  }
}

/** For codes that a client may get at any time in this world. */
export function refused (what: string, code: number): StreambedError {
  return new StreambedError('UNAVAILABLE', `${what}: ${code === KafkaErrorCode.NONE ? 'NONE' : kafkaErrorName(code)}`)
}
