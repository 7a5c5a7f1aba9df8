import { StreambedError } from '@streambed/sdk'
import type { Appended, ShardLog } from '../../../src/broker/state-shard/shard-log.ts'
import { lastOffsetDelta } from '../../../src/protocol/records/batch-header.ts'
import { endOffsetOf, type StreamBatch } from '../../../src/storage/stream/stream-batch.ts'

interface Waiting { readonly batch: StreamBatch, readonly resolve: () => void, readonly reject: (error: unknown) => void }

/** A shard's log in memory, whose appends are confirmed, refused or left in doubt when the test says so. */
export class MemoryShardLog implements ShardLog {
  readonly name = 'memory'
  /** Everything that was ever appended and is not known to be lost, trimmed or not: what a log without deletions would hold. */
  readonly history: StreamBatch[]
  startOffset: number
  /** The next append is refused. */
  refusesNext = false
  deletionsFail = false
  deletionCount = 0
  #waiting: Waiting[] = []

  constructor (history: readonly StreamBatch[] = [], startOffset = 0) {
    this.history = [...history]
    this.startOffset = startOffset
  }

  get nextOffset (): number { return this.history.length === 0 ? 0 : endOffsetOf(this.history.at(-1)!) }
  get endOffset (): number { return this.#waiting[0]?.batch.baseOffset ?? this.nextOffset }
  get inFlightCount (): number { return this.#waiting.length }

  append (bytes: Uint8Array): Appended {
    if (this.refusesNext) {
      this.refusesNext = false
      return { isTaken: false, durable: Promise.reject(new StreambedError('OVER_CAPACITY', 'refused')) }
    }
    const batch = { baseOffset: this.nextOffset, count: lastOffsetDelta(bytes) + 1, largestTimestamp: -1, bytes }
    this.history.push(batch)
    const { promise, reject, resolve } = Promise.withResolvers<void>()
    this.#waiting.push({ batch, resolve, reject })
    return { isTaken: true, durable: promise }
  }

  /** Confirms the oldest of those in flight. */
  confirm (count = Infinity): void {
    for (const { resolve } of this.#waiting.splice(0, count)) resolve()
  }

  /** Nothing in flight is ever confirmed. */
  fail (): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new StreambedError('UNAVAILABLE', 'the write path failed'))
  }

  /** What a crash leaves: what was confirmed, and of what was in flight the oldest `survivors`. */
  afterCrash (survivors: number): MemoryShardLog {
    const confirmedCount = this.history.length - this.#waiting.length
    return new MemoryShardLog(this.history.slice(0, confirmedCount + Math.min(survivors, this.#waiting.length)), this.startOffset)
  }

  async read (offset: number): Promise<readonly StreamBatch[]> {
    if (offset < this.startOffset || offset > this.endOffset) throw new StreambedError('OUT_OF_RANGE', `offset=${offset}`)
    const readable = this.history.filter(batch => endOffsetOf(batch) > offset && endOffsetOf(batch) <= this.endOffset)
    return readable.slice(0, 3)
  }

  async deleteBefore (offset: number): Promise<void> {
    if (offset > this.endOffset) throw new StreambedError('OUT_OF_RANGE', `offset=${offset} end=${this.endOffset}`)
    if (this.deletionsFail) throw new StreambedError('UNAVAILABLE', 'the metadata cannot be written')
    this.deletionCount++
    this.startOffset = Math.max(this.startOffset, offset)
  }
}
