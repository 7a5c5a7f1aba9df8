import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { Compression, TimestampType, patchTimestamps } from '../../src/protocol/records/batch-header.ts'
import { SimulatedAdmin } from './admin.ts'
import { Violation } from './checker.ts'
import { SimulatedClient } from './client.ts'
import { batchOf } from './records.ts'
import type { World } from './world.ts'

const topic = 'aging'
const retentionMs = 200
/** Once the faults are over, all that has had its time must be gone within it. */
const patienceMs = 20_000
const earliest = -2
const latest = -1

/**
 * A topic whose records have their time, written by clients that say what they like of the largest timestamp of a batch, or leave its
 * records without any. None may go before its time, whatever its header says; and none stays.
 */
export class SimulatedAging {
  readonly #client: SimulatedClient
  readonly #admin: SimulatedAdmin
  /** When the records of acknowledged batches were sent, in wall-clock ms, which is their time too. */
  readonly #sent: { readonly endOffset: number, readonly sentMs: number }[] = []
  /** All or none: where both are in one piece, as in a segment of Kafka, the piece has the age of those that have times. */
  readonly #hasTimes: boolean
  #count = 0

  constructor (world: World) {
    this.#client = new SimulatedClient(world, topic)
    this.#admin = new SimulatedAdmin(world, `${topic} admin`)
    this.#hasTimes = this.#client.random.below(3) > 0
  }

  async run (): Promise<void> {
    const { world } = this.#client
    await this.#admin.create(topic, 1, [{ name: 'retention.ms', value: String(retentionMs) }])
    while (world.isChaotic) {
      await this.#produce()
      await this.#check().catch(ignoreTrouble)
      await this.#client.pause(20)
    }
    await this.#untilEmpty()
    this.#client.hangUp()
  }

  async deleteTopic (): Promise<void> { await this.#admin.delete(topic) }

  async #produce (): Promise<void> {
    const { random, world } = this.#client
    const nowMs = world.clock.wallMs()
    const size = 1 + random.below(300)
    const ids = [`aging#${this.#count++}#${size}`]
    const bytes = batchOf(ids, { timestamp: this.#hasTimes ? nowMs : -1, compression: Compression.None })
    const claimed = [undefined, -1, 1, nowMs + 1_000_000][random.below(4)]
    if (claimed !== undefined) patchTimestamps(bytes, TimestampType.CreateTime, claimed)
    const answer = await this.#client.request(ApiKey.Produce, 9, { acks: -1, timeoutMs: 1_000, topicData: [{ name: topic, partitionData: [{ index: 0, records: bytes }] }] }).catch(() => undefined)
    const result = answer?.responses[0]?.partitionResponses[0]
    if (result?.errorCode === KafkaErrorCode.NONE) this.#sent.push({ endOffset: result.baseOffset + 1, sentMs: nowMs })
  }

  async #check (): Promise<number> {
    const startOffset = await this.#offset(earliest)
    const nowMs = this.#client.world.clock.wallMs()
    for (const { endOffset, sentMs } of this.#sent) {
      if (endOffset <= startOffset && sentMs + retentionMs > nowMs) throw new Violation('lost-write', `a record was deleted before its time. offset=${endOffset - 1} ageMs=${nowMs - sentMs} retentionMs=${retentionMs}`)
    }
    return startOffset
  }

  async #untilEmpty (): Promise<void> {
    const { world } = this.#client
    for (let waitedMs = 0; ; waitedMs += 100) {
      const { engine } = await world.untilReady()
      await engine.flush().catch(() => undefined)
      const found = await Promise.all([this.#check(), this.#offset(latest)]).catch(ignoreTrouble)
      if (found !== undefined && found[0] === found[1]) return
      if (waitedMs > patienceMs) throw new Violation('kept-too-long', `records that have had their time are still there. start=${found?.[0]} end=${found?.[1]}`)
      await world.sleep(100)
    }
  }

  /** Rejects when there is no answer. */
  async #offset (timestamp: number): Promise<number> {
    const answer = await this.#client.request(ApiKey.ListOffsets, 5, { replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }] })
    const { errorCode, offset } = answer.topics[0]!.partitions[0]!
    if (errorCode !== KafkaErrorCode.NONE) throw new Error(`list offsets: ${errorCode}`)
    return offset
  }
}

function ignoreTrouble (error: unknown): undefined {
  if (error instanceof Violation) throw error
  return undefined
}
