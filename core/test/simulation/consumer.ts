import { KafkaErrorCode, kafkaErrorName } from '../../src/protocol/error-codes.ts'
import { ApiKey, type ResponseOf } from '../../src/protocol/messages/apis.ts'
import { Violation } from './checker.ts'
import { SimulatedClient } from './client.ts'
import type { Target } from './producer.ts'
import { readBatches } from './records.ts'
import type { World } from './world.ts'

const versions = [4, 7, 11, 12]
const attemptsMax = 200

/** Outcome of reading one partition once. */
export interface Found { readonly nextOffset: number, readonly highWatermark: number, readonly logStartOffset: number, readonly recordIds: readonly string[] }

/** Reads partitions by Fetch and holds every answer against their histories. */
export class SimulatedReader {
  readonly client: SimulatedClient
  constructor (world: World, name: string) { this.client = new SimulatedClient(world, name) }

  /** One fetch of several partitions; undefined for each that could not be read, with why. */
  async fetch (wanted: readonly { readonly target: Target, readonly offset: number }[], options: { readonly bytesMax: number, readonly maxWaitMs: number }): Promise<(Found | { readonly error: string, readonly isOutOfRange: boolean })[]> {
    const owed = wanted.map(({ target }) => target.history.obligation())
    let answer: ResponseOf<typeof ApiKey.Fetch>
    try {
      answer = await this.client.request(ApiKey.Fetch, versions[this.client.random.below(versions.length)]!, {
        maxWaitMs: options.maxWaitMs,
        minBytes: 1,
        maxBytes: 4 * options.bytesMax,
        topics: wanted.map(({ offset, target }) => ({ topic: target.topic, partitions: [{ partition: target.partition, fetchOffset: offset, partitionMaxBytes: options.bytesMax }] }))
      })
    } catch (error) {
      return wanted.map(() => ({ error: String(error), isOutOfRange: false }))
    }
    return wanted.map(({ offset, target }, index) => {
      const partition = answer.responses[index]!.partitions[0]!
      if (partition.errorCode !== KafkaErrorCode.NONE) {
        const isOutOfRange = partition.errorCode === KafkaErrorCode.OFFSET_OUT_OF_RANGE
        if (partition.errorCode === KafkaErrorCode.CORRUPT_MESSAGE) this.client.world.reached.note('damage is told to a reader')
        if (partition.errorCode === KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION) throw new Violation('lost-topic', `topic ${target.topic} was created, and a fetch is told that there is none`)
        if (isOutOfRange) target.history.outOfRange(offset, owed[index]!)
        return { error: kafkaErrorName(partition.errorCode), isOutOfRange }
      }
      const batches = readBatches(partition.records ?? new Uint8Array(0), target.history)
      const { highWatermark, logStartOffset } = partition
      // The answer is cut by the response's own limit too: an empty one says nothing of the second partition.
      const isCut = batches.length === 0 && index > 0
      if (!isCut) target.history.read({ fetchOffset: offset, highWatermark, logStartOffset, batches }, owed[index]!)
      const last = batches.at(-1)
      const nextOffset = last === undefined ? offset : last.baseOffset + last.recordIds.length
      const skipped = batches[0] === undefined ? 0 : offset - batches[0].baseOffset
      return { nextOffset, highWatermark, logStartOffset, recordIds: batches.flatMap(({ recordIds }) => recordIds).slice(skipped) }
    })
  }

  /** The whole log, from its start to its end. Once the faults are over, what cannot be read is lost. */
  async readAll (target: Target): Promise<{ readonly startOffset: number, readonly recordIds: readonly string[] }> {
    const startOffset = await this.#startOffset(target)
    const recordIds: string[] = []
    for (let offset = startOffset, attempt = 0; ;) {
      const [found] = await this.fetch([{ target, offset }], { bytesMax: 1 + this.client.random.below(100_000), maxWaitMs: 0 })
      if ('error' in found!) {
        if (!this.client.world.isChaotic && ++attempt > attemptsMax) target.history.unreadable(offset, found.error)
        await this.client.pause(20)
        continue
      }
      recordIds.push(...found!.recordIds)
      offset = found!.nextOffset
      if (offset >= found!.highWatermark) return { startOffset, recordIds }
      attempt = 0
    }
  }

  async #startOffset ({ partition, topic }: Target): Promise<number> {
    const earliest = -2
    const answer = await this.client.until(ApiKey.ListOffsets, 5, () => ({ replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: earliest }] }] }),
      ({ topics }) => topics[0]!.partitions[0]!.errorCode === KafkaErrorCode.NONE)
    return answer.topics[0]!.partitions[0]!.offset
  }
}

/** Follows all partitions from their starts, and now and then goes back to any offset. */
export async function runConsumer (world: World, name: string, targets: readonly Target[]): Promise<void> {
  const reader = new SimulatedReader(world, name)
  const { client } = reader
  const positions = targets.map(() => 0)
  while (world.isChaotic) {
    const wanted = targets.map((target, index) => ({ target, offset: positions[index]! }))
    client.note(`fetch ${positions.join(' ')}`)
    const found = await reader.fetch(wanted, { bytesMax: 1 + client.random.below(20_000), maxWaitMs: client.random.below(100) })
    for (const [index, one] of found.entries()) {
      const { history } = targets[index]!
      if ('error' in one) {
        client.note(`not read: ${one.error}`)
        if (one.isOutOfRange) positions[index] = history.deletableBefore
      } else positions[index] = one.nextOffset
      if (client.random.below(10) === 0) positions[index] = history.deletableBefore + client.random.below(1 + Math.max(0, history.highWatermark - history.deletableBefore))
    }
    await client.pause(10)
  }
  client.hangUp()
}
