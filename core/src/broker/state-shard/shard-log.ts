import type { StreamBatch } from '../../storage/stream/stream-batch.ts'
import type { Partition } from '../partition/partition.ts'

/** What becomes of an append. */
export interface Appended {
  /** False: nothing happened and nothing will, and `durable` rejects with the reason. */
  readonly isTaken: boolean
  /** Resolves once it is durable, in the order of the appends. After a rejection of what was taken, its outcome is unknown. */
  readonly durable: Promise<void>
}

/** The log under a shard, whose only writer the shard is. */
export interface ShardLog {
  /** For messages. */
  readonly name: string
  readonly startOffset: number
  /** All below is durable. */
  readonly endOffset: number
  /** What the next append gets; ahead of `endOffset` by what is in flight. */
  readonly nextOffset: number
  /** Takes its place in the log, or is refused, before this returns. */
  append (batch: Uint8Array): Appended
  /** Whole batches from `offset` on, at least one. */
  read (offset: number): Promise<readonly StreamBatch[]>
  /** Deletes all below `offset`, which is at most `endOffset`. */
  deleteBefore (offset: number): Promise<void>
}

const readBytesMax = 4 * 1024 * 1024

/** A partition as the log of a shard. */
export class PartitionLog implements ShardLog {
  readonly #partition: Partition
  constructor (partition: Partition) { this.#partition = partition }

  get name (): string { return `${this.#partition.topicName}-${this.#partition.index}` }
  get startOffset (): number { return this.#partition.logStartOffset }
  get endOffset (): number { return this.#partition.highWatermark }
  get nextOffset (): number { return this.#partition.nextOffset }

  append (batch: Uint8Array): Appended {
    const before = this.#partition.nextOffset
    const durable = this.#partition.appendInternal(batch).then(() => undefined)
    // A refused append leaves the offset free.
    return { isTaken: this.#partition.nextOffset !== before, durable }
  }

  async read (offset: number): Promise<readonly StreamBatch[]> {
    const { batches } = await this.#partition.fetch(offset, { bytesMax: readBytesMax, atLeastOneBatch: true })
    return batches
  }

  async deleteBefore (offset: number): Promise<void> { await this.#partition.deleteBefore(offset) }
}
