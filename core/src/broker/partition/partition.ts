import { StreambedError, clampInt64, toInt64, type Clock, type Int64, type Logger } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import {
  TimestampType, baseOffset, baseSequence, lastOffset, lastOffsetDelta, lastSequence, maxTimestamp, partitionLeaderEpoch, patchBatch,
  patchTimestamps, producerEpoch, producerId
} from '../../protocol/records/batch-header.ts'
import { endOffsetOf } from '../../storage/stream/stream-batch.ts'
import type { FetchOptions, FetchResult } from '../../storage/stream/stream-reader.ts'
import type { Stream } from '../../storage/stream/stream.ts'
import { KafkaError } from '../kafka-error.ts'
import type { BatchChecks } from './batch-checks.ts'
import { checkSize, validateBatch, type ValidBatch } from './batch-validation.ts'
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from './checkpoint.ts'
import { LeaderEpochs, type LeaderEpochStart } from './leader-epochs.ts'
import type { PartitionConfig } from './partition-config.ts'
import { ProducerStates, type ProducerBatchHeader } from './producer-states.ts'
import { recompress } from './recompression.ts'
import { findInBatch, type TimestampedOffset } from './timestamp-search.ts'

export interface PartitionParts {
  readonly topicName: string
  readonly topicId: string
  readonly index: number
  readonly data: Stream
  readonly checkpoints: Stream
  readonly leaderEpoch: number
  readonly clock: Clock
  readonly logger: Logger
  /** The settings in force; read anew at each use. */
  readonly config: () => PartitionConfig
  readonly checks: BatchChecks
  /** A checkpoint is written after this many bytes of batches. */
  readonly checkpointBytes: number
  /** `producer.id.expiration.ms`: how long an idle producer is remembered. */
  readonly producerExpirationMs: () => number
}

export interface AppendResult {
  readonly baseOffset: number
  /** -1 with CreateTime. */
  readonly logAppendTimeMs: number
}

const replayBytesMax = 4 * 1024 * 1024
/** Older checkpoints are trimmed away only now and then: a trim is a change of the cluster's metadata. */
const checkpointsBetweenTrims = 16

/**
 * One Kafka log over a data stream: stream offset = Kafka offset. Appends go to the stream in call order; what is known
 * of producers and epochs lives beside it and is rebuilt from the newest checkpoint and the batches after it.
 */
export class Partition {
  readonly topicName: string
  readonly topicId: string
  readonly index: number
  readonly leaderEpoch: number
  readonly #parts: PartitionParts
  readonly #data: Stream
  readonly #listeners = new Set<() => void>()
  #producers = new ProducerStates()
  #epochs = new LeaderEpochs()
  #bytesSinceCheckpoint = 0
  #checkpointing: Promise<void> = Promise.resolve()
  #isClosed = false

  private constructor (parts: PartitionParts) {
    this.#parts = parts
    this.#data = parts.data
    this.topicName = parts.topicName
    this.topicId = parts.topicId
    this.index = parts.index
    this.leaderEpoch = parts.leaderEpoch
    parts.data.onAdvanced = () => this.#wake()
  }

  static async open (parts: PartitionParts): Promise<Partition> {
    const partition = new Partition(parts)
    await partition.#load()
    return partition
  }

  get logStartOffset (): number { return this.#data.startOffset }
  /** All below is durable and readable; no replicas lag here, so it is the log end offset too. */
  get highWatermark (): number { return this.#data.confirmedOffset }
  /** The offset that the next append will get. */
  get nextOffset (): number { return this.#data.nextOffset }
  /** Without transactions nothing is ever unstable. */
  get lastStableOffset (): number { return this.highWatermark }
  get producers (): ProducerStates { return this.#producers }

  /** Calls `listener` whenever there is more to read, or the partition closes; gives a function that ends it. */
  onAdvanced (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Validates and appends one batch from a producer, which is changed in place (offset, epoch, perhaps append time) and then
   * belongs to the log. Offsets are assigned in call order, before this returns; the promise resolves once the batch is
   * durable. Rejects with a KafkaError for a bad batch, or as `Stream.append`.
   */
  append (bytes: Uint8Array, produceVersion: number): Promise<AppendResult> {
    try {
      const config = this.#parts.config()
      const nowMs = this.#parts.clock.wallMs()
      this.#checkFits(bytes)
      const valid = validateBatch(bytes, { config, checks: this.#parts.checks, nowMs, produceVersion })
      const stored = prepare(bytes, valid, config, nowMs)
      if (stored !== bytes) this.#checkFits(stored)
      return this.#appendValid(stored, config.usesLogAppendTime ? nowMs : -1, nowMs)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** Appends a batch that the broker itself made; see `append`. */
  appendInternal (bytes: Uint8Array): Promise<AppendResult> {
    try {
      return this.#appendValid(bytes, -1, this.#parts.clock.wallMs())
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** See `Stream.fetchCached`. */
  fetchCached (offset: number, options: FetchOptions): FetchResult | undefined { return this.#data.fetchCached(offset, options) }
  /** See `Stream.fetch`. */
  fetch (offset: number, options: FetchOptions): Promise<FetchResult> { return this.#data.fetch(offset, options) }

  /** The first record, in offset order, whose timestamp is at least `timestamp`; undefined when there is none. */
  async findTimestamp (timestamp: Int64): Promise<TimestampedOffset | undefined> {
    for (let from = this.logStartOffset; ;) {
      const batch = await this.#data.findTimestamp(clampInt64(timestamp), from)
      if (batch === undefined || batch.baseOffset >= this.highWatermark) return undefined
      const found = findInBatch(batch.bytes, timestamp, from)
      if (found !== undefined) return found
      from = endOffsetOf(batch)
    }
  }

  /** The first record with the largest timestamp of all; undefined while the log is empty. */
  async largestTimestamp (): Promise<TimestampedOffset | undefined> {
    const ofIndex = this.#data.largestTimestamp()
    if (ofIndex < 0) return undefined
    const bound = ofIndex < Number.MAX_SAFE_INTEGER ? ofIndex : await this.#largestWideTimestamp()
    return await this.findTimestamp(bound) ?? await this.#largestBelow(bound)
  }

  /** As `largestTimestamp`, where the index still counts records before the log's start: nothing that is left is as late as `bound`. */
  async #largestBelow (bound: Int64): Promise<TimestampedOffset | undefined> {
    let largest = await this.findTimestamp(0)
    for (let above = bound; largest !== undefined;) {
      const middle = middleOf(largest.timestamp, above)
      if (middle === largest.timestamp) return largest
      const later = await this.findTimestamp(middle)
      if (later === undefined) above = middle
      else largest = later
    }
    return undefined
  }

  /** The largest timestamp where the index does not tell, since no number holds it: all batches with such times are looked at. */
  async #largestWideTimestamp (): Promise<Int64> {
    let largest: Int64 = Number.MAX_SAFE_INTEGER
    for (let from = this.logStartOffset; ;) {
      const batch = await this.#data.findTimestamp(Number.MAX_SAFE_INTEGER, from)
      if (batch === undefined || batch.baseOffset >= this.highWatermark) return largest
      const ofBatch = maxTimestamp(batch.bytes)
      if (ofBatch > largest) largest = ofBatch
      from = endOffsetOf(batch)
    }
  }

  /** The leader epoch of the record at `offset`, -1 when unknown. */
  epochAt (offset: number): number { return this.#epochs.epochAt(offset) }

  /** Which leader epochs there were, and where each began. */
  get leaderEpochStarts (): readonly LeaderEpochStart[] { return this.#epochs.values() }

  /** See OffsetForLeaderEpoch. */
  endOfEpoch (leaderEpoch: number): { readonly leaderEpoch: number, readonly endOffset: number } {
    return this.#epochs.endOf(leaderEpoch, this.leaderEpoch, this.highWatermark)
  }

  /** Deletes all below `offset`; at most the high watermark, else OUT_OF_RANGE. Resolves with the new start. */
  async deleteBefore (offset: number): Promise<number> {
    await this.#data.trim(offset)
    return this.logStartOffset
  }

  /** Writes what opening needs, unless the last checkpoint says it all. */
  async checkpoint (): Promise<void> {
    await this.#checkpointing
    if (this.#bytesSinceCheckpoint === 0) return
    this.#startCheckpoint()
    await this.#checkpointing
  }

  /** Wakes whoever waits, and refuses further appends. */
  close (): void {
    this.#isClosed = true
    this.#wake()
  }

  get isClosed (): boolean { return this.#isClosed }

  #wake (): void { for (const listener of [...this.#listeners]) listener() }

  #checkFits (bytes: Uint8Array): void {
    const max = this.#data.batchBytesMax
    if (bytes.length > max) throw new KafkaError(KafkaErrorCode.MESSAGE_TOO_LARGE, `batch is larger than the WAL takes. bytes=${bytes.length} max=${max}`)
  }

  #appendValid (bytes: Uint8Array, logAppendTimeMs: number, nowMs: number): Promise<AppendResult> {
    if (this.#isClosed) throw new StreambedError('CLOSED', `partition is closed. topic=${this.topicName} partition=${this.index}`)
    const producer = producerOf(bytes)
    const repeated = producer === undefined ? undefined : this.#producers.check(producer)
    if (repeated !== undefined) return confirmed(repeated.durable, { baseOffset: repeated.firstOffset, logAppendTimeMs: logAppendTimeMs < 0 ? -1 : repeated.timestamp })
    const firstOffset = this.#data.nextOffset
    patchBatch(bytes, firstOffset, this.leaderEpoch)
    const { durable } = this.#data.append({ baseOffset: firstOffset, count: lastOffsetDelta(bytes) + 1, largestTimestamp: clampInt64(maxTimestamp(bytes)), bytes })
    this.#remember(bytes, producer, nowMs, durable)
    if (this.#bytesSinceCheckpoint >= this.#parts.checkpointBytes) this.#startCheckpoint()
    return confirmed(durable, { baseOffset: firstOffset, logAppendTimeMs })
  }

  #remember (bytes: Uint8Array, producer: ProducerBatchHeader | undefined, nowMs: number, durable?: Promise<void>): void {
    this.#epochs.record(partitionLeaderEpoch(bytes), baseOffset(bytes))
    if (producer !== undefined) this.#producers.record(producer, { firstOffset: baseOffset(bytes), lastOffset: lastOffset(bytes) }, nowMs, durable)
    this.#bytesSinceCheckpoint += bytes.length
  }

  #startCheckpoint (): void {
    const { checkpoints, clock, producerExpirationMs } = this.#parts
    const bytesBefore = this.#bytesSinceCheckpoint
    this.#bytesSinceCheckpoint = 0
    this.#producers.expire(clock.wallMs() - producerExpirationMs())
    const bytes = encodeCheckpoint({ endOffset: this.#data.nextOffset, producers: this.#producers.stored(), leaderEpochs: this.#epochs.values() })
    this.#checkpointing = this.#writeCheckpoint(checkpoints.nextOffset, bytes).catch(() => {
      // The next one will do; until then, opening replays more.
      this.#bytesSinceCheckpoint += bytesBefore
    })
  }

  async #writeCheckpoint (baseOffset: number, bytes: Uint8Array): Promise<void> {
    const { checkpoints } = this.#parts
    // WAL order makes every batch that it accounts for durable before the checkpoint itself.
    await checkpoints.append({ baseOffset, count: 1, largestTimestamp: -1, bytes }).durable
    if (baseOffset % checkpointsBetweenTrims === checkpointsBetweenTrims - 1) await checkpoints.trim(baseOffset)
  }

  async #load (): Promise<void> {
    let from = this.logStartOffset
    const checkpoint = await this.#newestCheckpoint()
    if (checkpoint !== undefined) {
      this.#producers = new ProducerStates(checkpoint.producers)
      this.#epochs = new LeaderEpochs(checkpoint.leaderEpochs)
      from = Math.max(from, checkpoint.endOffset)
    }
    while (from < this.#data.confirmedOffset) {
      const { batches } = await this.#data.fetch(from, { bytesMax: replayBytesMax, atLeastOneBatch: true })
      // The clock's time, not the batch's: clients stamp as they like, and a producer known too long does no harm.
      for (const { bytes } of batches) this.#remember(bytes, producerOf(bytes), this.#parts.clock.wallMs())
      from = endOffsetOf(batches.at(-1)!)
    }
  }

  /** Undefined when there is none, or it is damaged: all that it says can be had from the batches, if slowly. */
  async #newestCheckpoint (): Promise<Checkpoint | undefined> {
    const { checkpoints, index, logger, topicName } = this.#parts
    // After a loss the start may be past the end: trims are noted in the metadata, what they left was in the WAL alone.
    if (checkpoints.confirmedOffset <= checkpoints.startOffset) return undefined
    try {
      const newest = await checkpoints.fetch(checkpoints.confirmedOffset - 1, { bytesMax: 1, atLeastOneBatch: true })
      return decodeCheckpoint(newest.batches[0]!.bytes)
    } catch (error) {
      if (!StreambedError.is(error, 'CORRUPT')) throw error
      logger.error('the newest checkpoint of a partition is damaged: its whole log is read instead', { topic: topicName, partition: index, error: error.message })
      return undefined
    }
  }
}

/** Half-way from `low` to `high`, rounded down: `low` itself where nothing lies between. */
function middleOf (low: Int64, high: Int64): Int64 { return toInt64((BigInt(low) + BigInt(high)) / 2n) }

/** `result`, once the batch that it tells of is durable. */
async function confirmed (durable: Promise<void> | undefined, result: AppendResult): Promise<AppendResult> {
  await durable
  return result
}

function producerOf (bytes: Uint8Array): ProducerBatchHeader | undefined {
  const id = producerId(bytes)
  if (id < 0) return undefined
  return { producerId: id, producerEpoch: producerEpoch(bytes), firstSequence: baseSequence(bytes), lastSequence: lastSequence(bytes) }
}

/**
 * The batch as the topic wants it stored: its codec, its kind of timestamp, and the largest one as it is. A batch that is framed anew
 * must still be one that the topic takes.
 */
function prepare (bytes: Uint8Array, { codec, largestTimestamp, reframed }: ValidBatch, config: PartitionConfig, nowMs: number): Uint8Array {
  const stored = reframed === undefined ? bytes : recompress(bytes, reframed, codec)
  if (stored !== bytes) checkSize(stored.length, config)
  if (config.usesLogAppendTime) patchTimestamps(stored, TimestampType.LogAppendTime, nowMs)
  else patchTimestamps(stored, TimestampType.CreateTime, largestTimestamp)
  return stored
}
