import { clampInt64, type Int64 } from '@streambed/sdk'
import {
  decodeConsumerOffsetsRecord, encodeGroupMetadataKey, encodeGroupMetadataValue, encodeOffsetCommitKey, encodeOffsetCommitValue
} from '../../protocol/internal-records/consumer-offsets.ts'
import type { GroupMetadataValue } from '../../protocol/internal-records/group-metadata.ts'
import type { OffsetCommitValue } from '../../protocol/internal-records/offset-commit.ts'
import type { KeyedRecord, ShardCodec } from '../state-shard/shard-state.ts'
import type { Membership } from './membership.ts'

/** A position that a group committed. */
export interface CommittedOffset {
  /** Whatever the client gave. */
  readonly offset: Int64
  readonly leaderEpoch: number
  readonly metadata: string
  /** Wall-clock ms. */
  readonly committedMs: number
  /** Of the topic that it is a position in; ZERO_UUID in commits that were stored without one. */
  readonly topicId: string
}

/** What the log holds of a group. */
export interface SavedGroup extends Membership {
  /** Wall-clock ms since which it has been so. */
  readonly sinceMs: number
}

export interface OffsetRecord {
  readonly kind: 'offset'
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly value: CommittedOffset | null
}

/** A record of `__consumer_offsets`; null values are deletions. */
export type GroupRecord =
  | OffsetRecord
  /** Deleting a group deletes its offsets. */
  | { readonly kind: 'group', readonly groupId: string, readonly value: SavedGroup | null }
  /** Of another protocol, which this coordinator does not speak; kept as it is. */
  | { readonly kind: 'foreign', readonly key: Uint8Array, readonly value: Uint8Array | null }

export const groupCodec: ShardCodec<GroupRecord> = { encode: encodeGroupRecord, decode: decodeGroupRecord }

function encodeGroupRecord (record: GroupRecord): KeyedRecord {
  switch (record.kind) {
    case 'offset': {
      const { groupId, partition, topic, value } = record
      return { key: encodeOffsetCommitKey({ group: groupId, topic, partition }), value: value === null ? null : encodeOffset(value) }
    }
    case 'group': return { key: encodeGroupMetadataKey(record.groupId), value: record.value === null ? null : encodeGroup(record.value) }
    case 'foreign': return record
    default: return record satisfies never
  }
}

function decodeGroupRecord (key: Uint8Array, value: Uint8Array | null): GroupRecord {
  const record = decodeConsumerOffsetsRecord(key, value)
  switch (record.kind) {
    case 'offsetCommit': {
      const { group, partition, topic } = record.key
      return { kind: 'offset', groupId: group, topic, partition, value: record.value === null ? null : committedOffset(record.value) }
    }
    case 'groupMetadata': return { kind: 'group', groupId: record.group, value: record.value === null ? null : savedGroup(record.value) }
    default: return { kind: 'foreign', key: Uint8Array.from(key), value: value === null ? null : Uint8Array.from(value) }
  }
}

function encodeOffset ({ committedMs, leaderEpoch, metadata, offset, topicId }: CommittedOffset): Uint8Array {
  return encodeOffsetCommitValue({ offset, leaderEpoch, metadata, commitTimestamp: committedMs, topicId })
}

function encodeGroup ({ generationId, leaderId, members, protocolName, protocolType, sinceMs }: SavedGroup): Uint8Array {
  return encodeGroupMetadataValue({
    protocolType,
    generation: generationId,
    protocol: protocolName,
    leader: leaderId,
    currentStateTimestamp: sinceMs,
    members: members.map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: Buffer.from(member.protocols.find(({ name }) => name === protocolName)?.metadata ?? []),
      assignment: Buffer.from(member.assignment)
    }))
  })
}

function committedOffset ({ commitTimestamp, leaderEpoch, metadata, offset, topicId }: OffsetCommitValue): CommittedOffset {
  return { offset, leaderEpoch, metadata, committedMs: clampInt64(commitTimestamp), topicId }
}

function savedGroup ({ currentStateTimestamp, generation, leader, members, protocol, protocolType }: GroupMetadataValue): SavedGroup {
  return {
    protocolType,
    protocolName: protocol,
    generationId: generation,
    leaderId: leader,
    sinceMs: clampInt64(currentStateTimestamp),
    members: members.map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      sessionTimeoutMs: member.sessionTimeout,
      rebalanceTimeoutMs: member.rebalanceTimeout < 0 ? member.sessionTimeout : member.rebalanceTimeout,
      // Copies: views would keep the whole batch in memory for as long as the group lives.
      protocols: protocol === null ? [] : [{ name: protocol, metadata: Uint8Array.from(member.subscription) }],
      assignment: Uint8Array.from(member.assignment)
    }))
  }
}
