import type { Clock, Logger, Timer } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { KafkaError } from '../kafka-error.ts'
import { recordsPerBatch } from '../state-shard/shard-batches.ts'
import type { Appended, ShardLog } from '../state-shard/shard-log.ts'
import { StateShard, type ShardTuning } from '../state-shard/state-shard.ts'
import { groupCodec, type CommittedOffset, type GroupRecord } from './group-records.ts'
import { StoredGroups, type StoredGroup } from './stored-groups.ts'
import { Group, type GroupOptions } from './group.ts'
import { adoptedOffsets, deadOffsets, isOfTopic, type TopicIdOf } from './topic-offsets.ts'

export interface GroupShardParts {
  /** The partition of `__consumer_offsets` whose groups this shard coordinates. */
  readonly log: ShardLog
  readonly clock: Clock
  readonly logger: Logger
  readonly tuning: ShardTuning
  readonly topicIdOf: TopicIdOf
  readonly options: () => GroupOptions
  readonly newId: () => string
}

/** A group as it lives: its membership, which only in part is in the log. */
export interface GroupEntry {
  readonly group: Group
  /** Wall-clock ms since which the group has no members: what offset expiry counts from. */
  emptySinceMs: number
}

/**
 * The groups of one partition of `__consumer_offsets`. What is durable of them is the state shard's, decided and changed there;
 * here are the members who wait, and the timers. See StateShard for what may be told when.
 */
export class GroupShard {
  readonly #parts: GroupShardParts
  readonly #shard: StateShard<StoredGroups, GroupRecord>
  readonly #entries = new Map<string, GroupEntry>()
  readonly #failed = Promise.withResolvers<unknown>()
  #timer: Timer | undefined
  #timerDueMs = Infinity
  #isOver = false

  private constructor (parts: GroupShardParts, shard: StateShard<StoredGroups, GroupRecord>) {
    this.#parts = parts
    this.#shard = shard
    const nowMs = parts.clock.monotonicMs()
    for (const [groupId, { saved }] of shard.state.groups()) {
      const entry = this.#make(groupId)
      if (saved === undefined) continue
      entry.group.restore(saved, nowMs)
      if (saved.members.length === 0 && saved.sinceMs >= 0) entry.emptySinceMs = saved.sinceMs
    }
    for (const entry of this.#entries.values()) this.#afterChange(entry)
  }

  /** Loads the groups. Rejects as `StateShard.open`, or when older offsets cannot be given their topic's id now. */
  static async open (parts: GroupShardParts): Promise<GroupShard> {
    const { clock, log, logger, topicIdOf, tuning } = parts
    // No append is in doubt before the groups are there, but for those that adopt: then this rejects.
    let onFailed = (): void => undefined
    const shard = await StateShard.open({
      log,
      codec: groupCodec,
      emptyState: () => new StoredGroups(),
      clock,
      logger,
      tuning,
      obsolete: state => deadOffsets(state, topicIdOf),
      onFailed: () => onFailed()
    })
    const adopted = adoptedOffsets(shard.state, topicIdOf)
    for (let start = 0; start < adopted.length; start += recordsPerBatch) {
      await shard.append(adopted.slice(start, start + recordsPerBatch)).durable
    }
    const opened = new GroupShard(parts, shard)
    onFailed = () => opened.#end()
    logger.debug('loaded groups', { log: log.name, groups: opened.#entries.size, adopted: adopted.length })
    return opened
  }

  /** Resolves once what this shard knows is a guess: it must be closed, and its log loaded again. */
  get failed (): Promise<unknown> { return this.#failed.promise }

  /** All groups. Throws NOT_COORDINATOR once the shard is closed or has failed; so do `entry` and `ensure`. */
  entries (): Iterable<GroupEntry> {
    this.#checkOpen()
    return this.#entries.values()
  }

  /** The group, if there is one. */
  entry (groupId: string): GroupEntry | undefined {
    this.#checkOpen()
    return this.#entries.get(groupId)
  }

  /** The group, made when there is none. */
  ensure (groupId: string): GroupEntry {
    this.#checkOpen()
    return this.#entries.get(groupId) ?? this.#make(groupId)
  }

  /** What the log, with all that is in flight, says of a group. */
  stored (groupId: string): StoredGroup | undefined { return this.#shard.state.group(groupId) }

  /** A commit of the topic that has the name now; undefined for one of an earlier topic. */
  living (topic: string, value: CommittedOffset | undefined): CommittedOffset | undefined {
    return value !== undefined && isOfTopic(value.topicId, topic, this.#parts.topicIdOf) ? value : undefined
  }

  /** Runs `action` on a group at the present time, and sees that its timers are kept. */
  act<T> (entry: GroupEntry, action: (group: Group, nowMs: number) => T): T {
    const result = action(entry.group, this.#parts.clock.monotonicMs())
    this.#afterChange(entry)
    return result
  }

  /** See `StateShard.append`. */
  append (records: readonly GroupRecord[]): Appended { return this.#shard.append(records) }

  /** See `StateShard.settled`. */
  settled (): Promise<void> { return this.#shard.settled() }

  /** See `StateShard.check`. */
  check (): Promise<void> { return this.#shard.check() }

  /** Forgets a group and its offsets, at once; resolves when that is durable. */
  remove ({ group }: GroupEntry): Promise<void> {
    const { groupId } = group
    const offsets = this.stored(groupId)?.offsets.entries() ?? []
    const records = Array.from(offsets, ({ partition, topic }): GroupRecord => ({ kind: 'offset', groupId, topic, partition, value: null }))
    const { durable, isTaken } = this.append([...records, { kind: 'group', groupId, value: null }])
    if (isTaken) {
      group.kill(KafkaErrorCode.GROUP_ID_NOT_FOUND)
      this.#entries.delete(groupId)
    }
    return durable
  }

  /** Removes groups that have been empty, and not committed, since `beforeMs`, and offsets of topics that are gone. */
  async expire (beforeMs: number): Promise<void> {
    if (this.#isOver) return
    const dead = deadOffsets(this.#shard.state, this.#parts.topicIdOf)
    if (dead.length > 0) await this.append(dead).durable
    for (const entry of [...this.#entries.values()]) {
      const { groupId } = entry.group
      // Decided anew for each: while one is removed, another may be joined, or be another by now.
      if (this.#entries.get(groupId) === entry && this.#isExpired(entry, beforeMs)) await this.remove(entry)
    }
  }

  /** Tells everybody who waits to look for the coordinator again; resolves once nothing is in flight. Idempotent. */
  async close (): Promise<void> {
    this.#end()
    await this.#shard.close()
  }

  #make (groupId: string): GroupEntry {
    const { clock, newId, options } = this.#parts
    const group = new Group({
      groupId,
      options,
      newId,
      save: (membership, onDurable) => {
        const { durable, isTaken } = this.append([{ kind: 'group', groupId, value: { ...membership, sinceMs: clock.wallMs() } }])
        if (!isTaken) return KafkaErrorCode.COORDINATOR_NOT_AVAILABLE
        // In doubt, the whole shard ends, and with it the group.
        durable.then(() => this.act(entry, (_, nowMs) => onDurable(nowMs)), () => undefined)
        return KafkaErrorCode.NONE
      }
    })
    const entry: GroupEntry = { group, emptySinceMs: clock.wallMs() }
    this.#entries.set(groupId, entry)
    return entry
  }

  #isExpired ({ emptySinceMs, group }: GroupEntry, beforeMs: number): boolean {
    if (group.state !== 'Empty' || group.hasPendingIds) return false
    // A group that was never joined counts from its last commit.
    let latestMs = group.protocolType === '' ? 0 : emptySinceMs
    for (const { topic, value } of this.stored(group.groupId)?.offsets.entries() ?? []) {
      latestMs = Math.max(latestMs, this.living(topic, value)?.committedMs ?? 0)
    }
    return latestMs < beforeMs
  }

  #checkOpen (): void {
    if (this.#isOver) throw new KafkaError(KafkaErrorCode.NOT_COORDINATOR, `the group coordinator is closing. log=${this.#parts.log.name}`)
  }

  #end (): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    for (const { group } of this.#entries.values()) group.kill(KafkaErrorCode.NOT_COORDINATOR)
    this.#failed.resolve(undefined)
  }

  #afterChange (entry: GroupEntry): void {
    if (entry.group.state !== 'Empty') entry.emptySinceMs = this.#parts.clock.wallMs()
    if (this.#isOver || entry.group.dueMs >= this.#timerDueMs) return
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
    if (next < this.#timerDueMs && !this.#isOver) this.#schedule(next)
  }
}
