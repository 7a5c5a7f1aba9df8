import type { Clock, Logger, Timer } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { encodeBatch } from '../../protocol/records/encode-batch.ts'
import { decodeRecords } from '../../protocol/records/decode-records.ts'
import { endOffsetOf } from '../../storage/stream/stream-batch.ts'
import type { Partition } from '../partition/partition.ts'
import { decodeGroupRecord, groupRecord, groupTombstone, offsetRecord, type CommittedOffset, type KeyedRecord } from './group-records.ts'
import { Group, type GroupOptions } from './group.ts'
import { OffsetStore } from './offset-store.ts'

export interface GroupShardParts {
  /** The partition of `__consumer_offsets` whose groups this shard coordinates. */
  readonly partition: Partition
  readonly clock: Clock
  readonly logger: Logger
  readonly options: () => GroupOptions
  readonly newId: () => string
}

/** A group and its offsets. Either may be there without the other. */
export interface GroupEntry {
  readonly group: Group
  readonly offsets: OffsetStore
  /** Wall-clock ms since which the group has no members: what offset expiry counts from. */
  emptySinceMs: number
}

const loadBytesMax = 4 * 1024 * 1024
const recordsPerBatch = 500
const recordBytesMax = 256 * 1024 * 1024
/** The log is rewritten once it is this large … */
const rewriteBytesMin = 4 * 1024 * 1024
/** … and this many times what the state itself took when it was last written. */
const rewriteFactor = 4

/**
 * The groups of one partition of `__consumer_offsets`: loaded from its log, changed only by what was appended to it. The log
 * is kept short by writing the whole state anew and deleting what came before.
 */
export class GroupShard {
  readonly #parts: GroupShardParts
  readonly #entries = new Map<string, GroupEntry>()
  #timer: Timer | undefined
  #timerDueMs = Infinity
  #logBytes = 0
  #stateBytes = 0
  #rewriting: Promise<void> | undefined
  #isClosed = false

  private constructor (parts: GroupShardParts) { this.#parts = parts }

  /** Reads the partition's log. Rejects as `Partition.fetch`, or with CORRUPT for records that cannot be read. */
  static async open (parts: GroupShardParts): Promise<GroupShard> {
    const shard = new GroupShard(parts)
    await shard.#load()
    return shard
  }

  entries (): Iterable<GroupEntry> { return this.#entries.values() }
  entry (groupId: string): GroupEntry | undefined { return this.#entries.get(groupId) }

  /** The entry of a group, made when there is none. */
  ensure (groupId: string): GroupEntry {
    const known = this.#entries.get(groupId)
    if (known !== undefined) return known
    const { clock, newId, options } = this.#parts
    const group = new Group({ groupId, options, newId, save: saved => this.#append([groupRecord(saved, clock.wallMs())]) })
    const entry = { group, offsets: new OffsetStore(), emptySinceMs: clock.wallMs() }
    this.#entries.set(groupId, entry)
    return entry
  }

  /** Runs `action` on a group at the present time, and sees that its timers are kept. */
  act<T> (entry: GroupEntry, action: (group: Group, nowMs: number) => T): T {
    const result = action(entry.group, this.#parts.clock.monotonicMs())
    this.#afterChange(entry)
    if (result instanceof Promise) void result.finally(() => this.#afterChange(entry)).catch(() => undefined)
    return result
  }

  /** Stores offsets, durably before it resolves; null deletes one. Resolves with NONE or the error to tell the client. */
  async commit (entry: GroupEntry, commits: readonly { readonly topic: string, readonly partition: number, readonly value: CommittedOffset | null }[]): Promise<KafkaErrorCode> {
    const { groupId } = entry.group
    const saved = await this.#append(commits.map(({ partition, topic, value }) => offsetRecord(groupId, topic, partition, value)))
    if (saved !== KafkaErrorCode.NONE) return saved
    for (const { partition, topic, value } of commits) {
      if (value === null) entry.offsets.delete(topic, partition)
      else entry.offsets.set(topic, partition, value)
    }
    return KafkaErrorCode.NONE
  }

  /** Forgets a group and its offsets. */
  async delete (entry: GroupEntry): Promise<KafkaErrorCode> {
    const { groupId } = entry.group
    const records = [...entry.offsets.entries()].map(({ partition, topic }) => offsetRecord(groupId, topic, partition, null))
    const saved = await this.#append([...records, groupTombstone(groupId)])
    if (saved !== KafkaErrorCode.NONE) return saved
    entry.group.kill(KafkaErrorCode.GROUP_ID_NOT_FOUND)
    this.#entries.delete(groupId)
    return KafkaErrorCode.NONE
  }

  /** Tells everybody who waits to look for the coordinator again. */
  async close (): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    for (const { group } of this.#entries.values()) group.kill(KafkaErrorCode.NOT_COORDINATOR)
    await this.#rewriting
  }

  /** In call order; batches of many records are split. */
  async #append (records: readonly KeyedRecord[]): Promise<KafkaErrorCode> {
    const { clock, logger, partition } = this.#parts
    if (this.#isClosed) return KafkaErrorCode.NOT_COORDINATOR
    const appends: Promise<unknown>[] = []
    for (let start = 0; start < records.length; start += recordsPerBatch) {
      const batch = encodeBatch(records.slice(start, start + recordsPerBatch), { timestamp: clock.wallMs() })
      this.#logBytes += batch.length
      appends.push(partition.appendInternal(batch))
    }
    try {
      await Promise.all(appends)
    } catch (error) {
      logger.warn('storing group state failed', { partition: partition.index, error: String(error) })
      return KafkaErrorCode.COORDINATOR_NOT_AVAILABLE
    }
    this.#maybeRewrite()
    return KafkaErrorCode.NONE
  }

  async #load (): Promise<void> {
    const { clock, partition } = this.#parts
    for (let offset = partition.logStartOffset; offset < partition.highWatermark;) {
      const { batches, bytes } = await partition.fetch(offset, { bytesMax: loadBytesMax, atLeastOneBatch: true })
      for (const batch of batches) {
        for (const { key, value } of decodeRecords(batch.bytes, recordBytesMax)) if (key !== null) this.#replay(key, value)
      }
      this.#logBytes += bytes
      offset = endOffsetOf(batches.at(-1)!)
    }
    for (const entry of this.#entries.values()) this.#afterChange(entry)
    for (const [groupId, { group, offsets }] of this.#entries) {
      if (offsets.isEmpty && group.memberCount === 0 && group.generationId === 0) this.#entries.delete(groupId)
    }
    this.#parts.logger.debug('loaded groups', { partition: partition.index, groups: this.#entries.size, atMs: clock.monotonicMs() })
  }

  #replay (key: Uint8Array, value: Uint8Array | null): void {
    const record = decodeGroupRecord(key, value)
    switch (record.kind) {
      case 'offset': {
        const { offsets } = this.ensure(record.groupId)
        // A name read from a batch pins the batch: strings are copies already, nothing else is kept.
        if (record.value === null) offsets.delete(record.topic, record.partition)
        else offsets.set(record.topic, record.partition, record.value)
        return
      }
      case 'group':
        if (record.value === null) this.#entries.delete(record.groupId)
        else this.ensure(record.groupId).group.restore(record.value, this.#parts.clock.monotonicMs())
        return
      default:
    }
  }

  /** Once the log is mostly history: the whole state again at its end, then the start moves there. */
  #maybeRewrite (): void {
    if (this.#rewriting !== undefined || this.#logBytes < Math.max(rewriteBytesMin, rewriteFactor * this.#stateBytes)) return
    this.#rewriting = this.#rewrite().catch((error: unknown) => {
      this.#parts.logger.warn('rewriting group state failed, trying again later', { partition: this.#parts.partition.index, error: String(error) })
    }).finally(() => { this.#rewriting = undefined })
  }

  async #rewrite (): Promise<void> {
    const { clock, partition } = this.#parts
    const startOffset = partition.nextOffset
    const before = this.#logBytes
    const records = [...this.#entries.values()].flatMap(({ group, offsets }) => [
      ...[...offsets.entries()].map(({ partition: index, topic, value }) => offsetRecord(group.groupId, topic, index, value)),
      ...(group.generationId > 0 ? [groupRecord(group, clock.wallMs())] : [])
    ])
    const saved = await this.#append(records)
    if (saved !== KafkaErrorCode.NONE) return
    this.#stateBytes = this.#logBytes - before
    await partition.deleteBefore(startOffset)
    this.#logBytes -= before
  }

  #afterChange (entry: GroupEntry): void {
    if (entry.group.state !== 'Empty') entry.emptySinceMs = this.#parts.clock.wallMs()
    if (this.#isClosed || entry.group.dueMs >= this.#timerDueMs) return
    this.#schedule(entry.group.dueMs)
  }

  #schedule (dueMs: number): void {
    const { clock } = this.#parts
    this.#timer?.cancel()
    this.#timerDueMs = dueMs
    this.#timer = clock.schedule(Math.max(0, dueMs - clock.monotonicMs()), () => this.#onTimer())
  }

  #onTimer (): void {
    const nowMs = this.#parts.clock.monotonicMs()
    this.#timerDueMs = Infinity
    let next = Infinity
    for (const entry of [...this.#entries.values()]) {
      if (entry.group.dueMs <= nowMs) {
        entry.group.onTime(nowMs)
        this.#afterChange(entry)
      }
      next = Math.min(next, entry.group.dueMs)
    }
    if (next < this.#timerDueMs && !this.#isClosed) this.#schedule(next)
  }
}
