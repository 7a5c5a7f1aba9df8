import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { KafkaError } from '../kafka-error.ts'
import { groupCodeOf } from './group-code.ts'
import type { CommittedOffset, GroupRecord } from './group-records.ts'
import type { GroupShard } from './group-shard.ts'
import type { Group, GroupState } from './group.ts'
import {
  joinFailure, noBytes, syncFailure, type JoinRequest, type JoinResult, type MemberClaim, type SyncRequest, type SyncResult
} from './member.ts'
import { OffsetStore } from './offset-store.ts'
import { subscriptionsOf } from './subscriptions.ts'

export interface TopicPartition { readonly topic: string, readonly partition: number }
export interface Commit extends TopicPartition { readonly value: CommittedOffset }
/** `value` is undefined where nothing is committed. */
export interface FoundOffset extends TopicPartition { readonly value: CommittedOffset | undefined }

export interface CommitResult {
  /**
   * Whether the group takes commits of this member: NONE, or what every partition is told. GROUP_ID_NOT_FOUND for a generation
   * of no group.
   */
  readonly verdict: KafkaErrorCode
  /** What became of the commits. */
  readonly stored: KafkaErrorCode
}

export interface GroupDescription {
  readonly state: GroupState
  readonly protocolType: string
  /** Empty, as are subscriptions and assignments, unless the group is stable: only then they are in force. */
  readonly protocolName: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly subscription: Uint8Array
    readonly assignment: Uint8Array
  }[]
}

/**
 * All that a handler can do with one group. Each operation decides in one turn, against everything appended before, and answers
 * when what its answer rests on is durable. Rejects with NOT_COORDINATOR once the shard has closed or failed, else as an append
 * to the log; after a rejection of a change its outcome is unknown, unless it was refused.
 */
export class GroupHandle {
  readonly #shard: GroupShard
  readonly #groupId: string
  constructor (shard: GroupShard, groupId: string) {
    this.#shard = shard
    this.#groupId = groupId
  }

  /** A newcomer, without a member id, makes the group if there is none. */
  async join (request: JoinRequest): Promise<JoinResult> {
    // Who names itself must be known.
    const entry = request.memberId === '' ? this.#shard.ensure(this.#groupId) : this.#shard.entry(this.#groupId)
    if (entry === undefined) return joinFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID, request.memberId)
    return await this.#shard.act(entry, (group, nowMs) => group.join(request, nowMs))
  }

  async sync (request: SyncRequest): Promise<SyncResult> {
    const entry = this.#shard.entry(this.#groupId)
    if (entry === undefined) return syncFailure(KafkaErrorCode.UNKNOWN_MEMBER_ID)
    return await this.#shard.act(entry, (group, nowMs) => group.sync(request, nowMs))
  }

  /** Whether the group exists and this member assigns for all: its `sync` waits for the log alone, that of others for it. */
  isLedBy (memberId: string): boolean { return this.#shard.entry(this.#groupId)?.group.leaderId === memberId }

  heartbeat (claim: MemberClaim): KafkaErrorCode {
    const entry = this.#shard.entry(this.#groupId)
    return entry === undefined ? KafkaErrorCode.UNKNOWN_MEMBER_ID : this.#shard.act(entry, (group, nowMs) => group.heartbeat(claim, nowMs))
  }

  /** Each leaves by member id, or by instance id with an empty member id; resolves with what becomes of each, in order. */
  async leave (members: readonly Pick<MemberClaim, 'memberId' | 'groupInstanceId'>[]): Promise<readonly KafkaErrorCode[]> {
    const entry = this.#shard.entry(this.#groupId)
    if (entry === undefined) return members.map(() => KafkaErrorCode.UNKNOWN_MEMBER_ID)
    const codes = members.map(member => this.#shard.act(entry, (group, nowMs) => group.leave(member, nowMs)))
    // The last to leave empties the group, which is saved.
    await this.#shard.settled()
    return codes
  }

  /** Never rejects for what became of the commits: other partitions of the request have other answers. */
  async commit (claim: MemberClaim, commits: readonly Commit[]): Promise<CommitResult> {
    const known = this.#shard.entry(this.#groupId)
    if (known === undefined && claim.generationId >= 0) {
      await this.#shard.settled()
      return { verdict: KafkaErrorCode.GROUP_ID_NOT_FOUND, stored: KafkaErrorCode.NONE }
    }
    const entry = known ?? this.#shard.ensure(this.#groupId)
    const verdict = this.#shard.act(entry, (group, nowMs) => group.validateCommit(claim, nowMs))
    if (verdict !== KafkaErrorCode.NONE || commits.length === 0) return { verdict, stored: KafkaErrorCode.NONE }
    const groupId = this.#groupId
    try {
      await this.#shard.append(commits.map((commit): GroupRecord => ({ kind: 'offset', groupId, ...commit }))).durable
      return { verdict, stored: KafkaErrorCode.NONE }
    } catch (error) {
      return { verdict, stored: groupCodeOf(error) }
    }
  }

  /** The offsets asked for, in order; null asks for all that there are. Those of a topic that is gone count as not there. */
  async fetch (asked: readonly TopicPartition[] | null): Promise<readonly FoundOffset[]> {
    this.#shard.entry(this.#groupId)
    const offsets = this.#shard.stored(this.#groupId)?.offsets ?? new OffsetStore()
    const all = asked ?? Array.from(offsets.entries())
    const living = all.map(({ partition, topic }) => {
      return { topic, partition, value: this.#shard.living(topic, offsets.get(topic, partition)) }
    })
    const found = asked === null ? living.filter(({ value }) => value !== undefined) : living
    await this.#shard.settled()
    return found
  }

  /** Deletes the group and its offsets. Resolves with NONE, GROUP_ID_NOT_FOUND or NON_EMPTY_GROUP. */
  async delete (): Promise<KafkaErrorCode> {
    const entry = this.#shard.entry(this.#groupId)
    if (entry === undefined) {
      await this.#shard.settled()
      return KafkaErrorCode.GROUP_ID_NOT_FOUND
    }
    if (entry.group.state !== 'Empty') return KafkaErrorCode.NON_EMPTY_GROUP
    await this.#shard.remove(entry)
    return KafkaErrorCode.NONE
  }

  /**
   * Deletes offsets; those of topics that a member is subscribed to stay, and resolve with GROUP_SUBSCRIBED_TO_TOPIC. Rejects
   * with GROUP_ID_NOT_FOUND, or NON_EMPTY_GROUP for members that are no consumers.
   */
  async deleteOffsets (wanted: readonly TopicPartition[]): Promise<readonly KafkaErrorCode[]> {
    const entry = this.#shard.entry(this.#groupId)
    if (entry === undefined) {
      await this.#shard.settled()
      throw new KafkaError(KafkaErrorCode.GROUP_ID_NOT_FOUND, `no such group. group=${this.#groupId}`)
    }
    const { group } = entry
    if (group.state !== 'Empty' && group.protocolType !== 'consumer') {
      throw new KafkaError(KafkaErrorCode.NON_EMPTY_GROUP, `the group has members. group=${this.#groupId}`)
    }
    const subscribed = subscriptionsOf(group.members)
    const isSubscribed = (topic: string): boolean => subscribed === 'all' || subscribed.has(topic)
    const deletions = wanted.filter(({ topic }) => !isSubscribed(topic)).map(({ partition, topic }): GroupRecord => {
      return { kind: 'offset', groupId: this.#groupId, topic, partition, value: null }
    })
    await this.#shard.append(deletions).durable
    return wanted.map(({ topic }) => isSubscribed(topic) ? KafkaErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : KafkaErrorCode.NONE)
  }

  /** Undefined when there is no such group. */
  async describe (): Promise<GroupDescription | undefined> {
    const group = this.#shard.entry(this.#groupId)?.group
    const description = group === undefined ? undefined : this.#describe(group)
    await this.#shard.settled()
    return description
  }

  #describe (group: Group): GroupDescription {
    const isStable = group.state === 'Stable'
    return {
      state: group.state,
      protocolType: group.protocolType,
      protocolName: isStable ? group.protocolName ?? '' : '',
      members: Array.from(group.members, ({ assignment, clientHost, clientId, groupInstanceId, memberId, protocols }) => ({
        memberId,
        groupInstanceId,
        clientId,
        clientHost,
        subscription: (isStable ? protocols.find(({ name }) => name === group.protocolName)?.metadata : undefined) ?? noBytes,
        assignment: isStable ? assignment : noBytes
      }))
    }
  }
}
