import { sleep, type Clock, type Logger, type Random } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { coordinatorPartition } from '../../protocol/hash.ts'
import type { Configs } from '../config/configs.ts'
import { KafkaError } from '../kafka-error.ts'
import { offsetsTopic } from '../topics/internal-topics.ts'
import type { TopicRegistry } from '../topics/topic-registry.ts'
import { GroupShard, type GroupEntry } from './group-shard.ts'

export interface GroupCoordinatorParts {
  readonly topics: TopicRegistry
  readonly configs: Configs
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** A group as a handler works with it. */
export interface FoundGroup { readonly shard: GroupShard, readonly entry: GroupEntry }

/** Finds the shard of each group, loads shards at their first use, and expires offsets that nobody needs. */
export class GroupCoordinator {
  readonly #parts: GroupCoordinatorParts
  readonly #shards = new Map<number, Promise<GroupShard>>()
  readonly #stop = new AbortController()
  readonly #expiring: Promise<void>
  readonly #stopFollowing: () => void

  constructor (parts: GroupCoordinatorParts) {
    this.#parts = parts
    this.#expiring = this.#expireOffsets()
    this.#stopFollowing = parts.topics.onChanged(() => { void this.#dropDeletedTopics() })
  }

  /** Loads all shards that there are, so that the first group need not wait. */
  async openAll (): Promise<void> {
    await Promise.allSettled(this.#indexes().map(index => this.#shard(index)))
  }

  /** The group, made when there is none. Throws COORDINATOR_NOT_AVAILABLE before the offsets topic exists. */
  async ensure (groupId: string): Promise<FoundGroup> {
    const shard = await this.#shardOf(groupId)
    return { shard, entry: shard.ensure(groupId) }
  }

  /** The group, if there is one. Throws as `ensure`. */
  async find (groupId: string): Promise<FoundGroup | undefined> {
    const shard = await this.#shardOf(groupId)
    const entry = shard.entry(groupId)
    return entry === undefined ? undefined : { shard, entry }
  }

  /** Every group there is, over all shards that load. */
  async all (): Promise<GroupEntry[]> {
    const shards = await Promise.all(this.#indexes().map(index => this.#shard(index)))
    return shards.flatMap(shard => [...shard.entries()])
  }

  /** From now on everybody is told to look for the coordinator again, and so are those who wait in a group. Idempotent. */
  async close (): Promise<void> {
    this.#stop.abort()
    this.#stopFollowing()
    await this.#expiring
    const opened = await Promise.allSettled(this.#shards.values())
    await Promise.all(opened.map(result => result.status === 'fulfilled' ? result.value.close() : undefined))
  }

  #indexes (): number[] {
    return Array.from({ length: this.#parts.topics.byName(offsetsTopic)?.partitionCount ?? 0 }, (_, index) => index)
  }

  async #shardOf (groupId: string): Promise<GroupShard> {
    const count = this.#parts.topics.byName(offsetsTopic)?.partitionCount ?? 0
    if (count === 0) throw new KafkaError(KafkaErrorCode.COORDINATOR_NOT_AVAILABLE, `the topic ${offsetsTopic} does not exist yet`)
    const shard = await this.#shard(coordinatorPartition(groupId, count))
    // A shard that was still loading when the coordinator closed must not take in members: nobody would answer them.
    if (this.#stop.signal.aborted) throw closing()
    return shard
  }

  #shard (index: number): Promise<GroupShard> {
    const known = this.#shards.get(index)
    if (known !== undefined) return known
    const opening = this.#open(index)
    this.#shards.set(index, opening)
    opening.catch((error: unknown) => {
      this.#shards.delete(index)
      if (this.#stop.signal.aborted) return
      this.#parts.logger.error('groups cannot be loaded', { partition: index, error: String(error) })
    })
    return opening
  }

  async #open (index: number): Promise<GroupShard> {
    const { clock, configs, logger, random, topics } = this.#parts
    if (this.#stop.signal.aborted) throw closing()
    const slot = topics.byName(offsetsTopic)?.slot(index)
    if (slot === undefined) throw new KafkaError(KafkaErrorCode.COORDINATOR_NOT_AVAILABLE, `${offsetsTopic} has no partition ${index}`)
    return await GroupShard.open({
      partition: await slot.whenOpen(),
      clock,
      logger,
      options: () => {
        const { groupInitialRebalanceDelayMs, groupMaxSessionTimeoutMs, groupMaxSize, groupMinSessionTimeoutMs } = configs.broker
        return { minSessionTimeoutMs: groupMinSessionTimeoutMs, maxSessionTimeoutMs: groupMaxSessionTimeoutMs, maxSize: groupMaxSize, initialRebalanceDelayMs: groupInitialRebalanceDelayMs }
      },
      newId: () => uuidOf(random.bytes(16))
    })
  }

  async #loadedShards (): Promise<GroupShard[]> {
    const results = await Promise.allSettled(this.#shards.values())
    return results.flatMap(result => result.status === 'fulfilled' ? [result.value] : [])
  }

  async #dropDeletedTopics (): Promise<void> {
    const { topics } = this.#parts
    for (const shard of await this.#loadedShards()) {
      for (const entry of [...shard.entries()]) {
        const gone = [...entry.offsets.topics()].filter(topic => topics.byName(topic) === undefined)
        const commits = gone.flatMap(topic => [...entry.offsets.partitions(topic)].map(partition => ({ topic, partition, value: null })))
        if (commits.length > 0) await shard.commit(entry, commits)
      }
    }
  }

  /** Offsets of groups that have been empty for `offsets.retention.minutes`, and then the groups themselves. */
  async #expireOffsets (): Promise<void> {
    const { clock, configs } = this.#parts
    while (!this.#stop.signal.aborted) {
      await sleep(clock, configs.broker.offsetsRetentionCheckIntervalMs, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#stop.signal.aborted) return
      const beforeMs = clock.wallMs() - configs.broker.offsetsRetentionMs
      for (const shard of await this.#loadedShards()) {
        for (const entry of [...shard.entries()]) if (isExpired(entry, beforeMs)) await shard.delete(entry)
      }
    }
  }
}

function closing (): KafkaError { return new KafkaError(KafkaErrorCode.NOT_COORDINATOR, 'the group coordinator is closing') }

function isExpired ({ emptySinceMs, group, offsets }: GroupEntry, beforeMs: number): boolean {
  if (group.state !== 'Empty' || group.hasPendingIds) return false
  // A group that was never joined counts from its last commit.
  const isSimple = group.protocolType === ''
  const latestMs = [...offsets.entries()].reduce((latest, { value }) => Math.max(latest, value.committedMs), isSimple ? 0 : emptySinceMs)
  return latestMs < beforeMs
}

/** Random bytes as the text of a version 4 UUID: member ids end with one. */
function uuidOf (bytes: Uint8Array): string {
  const hex = Buffer.from(bytes)
  hex[6] = hex[6]! & 0x0f | 0x40
  hex[8] = hex[8]! & 0x3f | 0x80
  return hex.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
