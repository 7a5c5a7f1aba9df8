import { sleep, type Clock, type Logger, type Random } from '@streambed/sdk'
import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { coordinatorPartition } from '../../protocol/hash.ts'
import type { Configs } from '../config/configs.ts'
import { KafkaError } from '../kafka-error.ts'
import { PartitionLog } from '../state-shard/shard-log.ts'
import type { ShardTuning } from '../state-shard/state-shard.ts'
import { offsetsTopic } from '../topics/internal-topics.ts'
import type { TopicRegistry } from '../topics/topic-registry.ts'
import { GroupHandle } from './group-handle.ts'
import { GroupShard } from './group-shard.ts'
import type { GroupState } from './group.ts'

export interface GroupCoordinatorParts {
  readonly topics: TopicRegistry
  readonly configs: Configs
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly tuning: ShardTuning
}

export interface GroupSummary { readonly groupId: string, readonly protocolType: string, readonly state: GroupState }

/** Finds the shard of each group, loads shards at their first use, and expires offsets that nobody needs. */
export class GroupCoordinator {
  readonly #parts: GroupCoordinatorParts
  readonly #shards = new Map<number, Promise<GroupShard>>()
  /** Shards that failed, until nothing of theirs is in flight: only then their log can be loaded again. */
  readonly #ending = new Map<number, Promise<void>>()
  readonly #stop = new AbortController()
  readonly #expiring: Promise<void>

  constructor (parts: GroupCoordinatorParts) {
    this.#parts = parts
    this.#expiring = this.#expireOffsets()
  }

  /** Loads all shards that there are, so that the first group need not wait. */
  async openAll (): Promise<void> {
    await Promise.allSettled(this.#indexes().map(index => this.#shard(index)))
  }

  /** A group to work with, whether it exists or not. Throws COORDINATOR_NOT_AVAILABLE before the offsets topic exists. */
  async handle (groupId: string): Promise<GroupHandle> {
    const count = this.#parts.topics.byName(offsetsTopic)?.partitionCount ?? 0
    if (count === 0) throw new KafkaError(KafkaErrorCode.COORDINATOR_NOT_AVAILABLE, `the topic ${offsetsTopic} does not exist yet`)
    const shard = await this.#shard(coordinatorPartition(groupId, count))
    // It closes one shard after another: none of them may take in members any more, nobody would answer them.
    if (this.#stop.signal.aborted) throw closing()
    return new GroupHandle(shard, groupId)
  }

  /** Every group there is, over all shards that load. */
  async all (): Promise<GroupSummary[]> {
    const shards = await Promise.all(this.#indexes().map(index => this.#shard(index)))
    const groups = shards.flatMap(shard => Array.from(shard.entries(), ({ group: { groupId, protocolType, state } }) => ({ groupId, protocolType, state })))
    await Promise.all(shards.map(shard => shard.settled()))
    return groups
  }

  /** Rejects when what a loaded shard holds is not what its log says: for tests and simulations. */
  async check (): Promise<void> {
    for (const shard of await this.#loadedShards()) await shard.check()
  }

  /** From now on everybody is told to look for the coordinator again, and so are those who wait in a group. Idempotent. */
  async close (): Promise<void> {
    this.#stop.abort()
    await this.#expiring
    const opened = await Promise.allSettled(this.#shards.values())
    await Promise.all(opened.map(result => result.status === 'fulfilled' ? result.value.close() : undefined))
  }

  #indexes (): number[] {
    return Array.from({ length: this.#parts.topics.byName(offsetsTopic)?.partitionCount ?? 0 }, (_, index) => index)
  }

  #shard (index: number): Promise<GroupShard> {
    const known = this.#shards.get(index)
    if (known !== undefined) return known
    const opening = this.#open(index)
    this.#shards.set(index, opening)
    opening.then(shard => shard.failed.then(() => this.#endShard(index, shard)), (error: unknown) => {
      this.#shards.delete(index)
      if (this.#stop.signal.aborted) return
      this.#parts.logger.error('groups cannot be loaded', { partition: index, error: String(error) })
    })
    return opening
  }

  #endShard (index: number, shard: GroupShard): void {
    if (this.#stop.signal.aborted) return
    this.#shards.delete(index)
    this.#ending.set(index, shard.close().finally(() => this.#ending.delete(index)))
  }

  async #open (index: number): Promise<GroupShard> {
    const { clock, configs, logger, random, topics, tuning } = this.#parts
    await this.#ending.get(index)
    if (this.#stop.signal.aborted) throw closing()
    const slot = topics.byName(offsetsTopic)?.slot(index)
    if (slot === undefined) throw new KafkaError(KafkaErrorCode.COORDINATOR_NOT_AVAILABLE, `${offsetsTopic} has no partition ${index}`)
    const shard = await GroupShard.open({
      log: new PartitionLog(await slot.whenOpen()),
      clock,
      logger,
      tuning,
      topicIdOf: topic => topics.byName(topic)?.topicId,
      options: () => {
        const { groupInitialRebalanceDelayMs, groupMaxSessionTimeoutMs, groupMaxSize, groupMinSessionTimeoutMs } = configs.broker
        return {
          minSessionTimeoutMs: groupMinSessionTimeoutMs,
          maxSessionTimeoutMs: groupMaxSessionTimeoutMs,
          maxSize: groupMaxSize,
          initialRebalanceDelayMs: groupInitialRebalanceDelayMs
        }
      },
      newId: () => uuidOf(random.bytes(16))
    })
    if (this.#stop.signal.aborted) {
      await shard.close()
      throw closing()
    }
    return shard
  }

  async #loadedShards (): Promise<GroupShard[]> {
    const results = await Promise.allSettled(this.#shards.values())
    return results.flatMap(result => result.status === 'fulfilled' ? [result.value] : [])
  }

  /** Offsets of groups that have been empty for `offsets.retention.minutes`, and then the groups themselves. */
  async #expireOffsets (): Promise<void> {
    const { clock, configs, logger } = this.#parts
    while (!this.#stop.signal.aborted) {
      await sleep(clock, configs.broker.offsetsRetentionCheckIntervalMs, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#stop.signal.aborted) return
      const beforeMs = clock.wallMs() - configs.broker.offsetsRetentionMs
      for (const shard of await this.#loadedShards()) {
        await shard.expire(beforeMs).catch((error: unknown) => {
          logger.warn('expired groups cannot be removed, trying again later', { error: String(error) })
        })
      }
    }
  }
}

function closing (): KafkaError { return new KafkaError(KafkaErrorCode.NOT_COORDINATOR, 'the group coordinator is closing') }

/** Random bytes as the text of a version 4 UUID: member ids end with one. */
function uuidOf (bytes: Uint8Array): string {
  const hex = Buffer.from(bytes)
  hex[6] = hex[6]! & 0x0f | 0x40
  hex[8] = hex[8]! & 0x3f | 0x80
  return hex.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
