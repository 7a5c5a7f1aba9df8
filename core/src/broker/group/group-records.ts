import {
  decodeConsumerOffsetsRecord, encodeGroupMetadataKey, encodeGroupMetadataValue, encodeOffsetCommitKey, encodeOffsetCommitValue
} from '../../protocol/internal-records/consumer-offsets.ts'
import type { GroupMetadataValue } from '../../protocol/internal-records/group-metadata.ts'
import type { OffsetCommitValue } from '../../protocol/internal-records/offset-commit.ts'
import type { Group, SavedGroup } from './group.ts'

/** A position that a group committed. */
export interface CommittedOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
  /** Wall-clock ms. */
  readonly committedMs: number
  readonly topicId: string
}

/** A record of `__consumer_offsets` as it is read back; null values are deletions. */
export type GroupRecord =
  | { readonly kind: 'offset', readonly groupId: string, readonly topic: string, readonly partition: number, readonly value: CommittedOffset | null }
  | { readonly kind: 'group', readonly groupId: string, readonly value: SavedGroup | null }
  /** Of another protocol, which this coordinator does not speak; left where it is. */
  | { readonly kind: 'foreign' }

export interface KeyedRecord { readonly key: Uint8Array, readonly value: Uint8Array | null }

export function offsetRecord (groupId: string, topic: string, partition: number, value: CommittedOffset | null): KeyedRecord {
  return {
    key: encodeOffsetCommitKey({ group: groupId, topic, partition }),
    value: value === null
      ? null
      : encodeOffsetCommitValue({ offset: value.offset, leaderEpoch: value.leaderEpoch, metadata: value.metadata, commitTimestamp: value.committedMs, topicId: value.topicId })
  }
}

export function groupRecord (group: Group, nowMs: number): KeyedRecord {
  return {
    key: encodeGroupMetadataKey(group.groupId),
    value: encodeGroupMetadataValue({
      protocolType: group.protocolType,
      generation: group.generationId,
      protocol: group.protocolName,
      leader: group.leaderId,
      currentStateTimestamp: nowMs,
      members: [...group.members].map(member => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: Buffer.from(member.protocols.find(({ name }) => name === group.protocolName)?.metadata ?? []),
        assignment: Buffer.from(member.assignment)
      }))
    })
  }
}

export function groupTombstone (groupId: string): KeyedRecord { return { key: encodeGroupMetadataKey(groupId), value: null } }

/** Throws a ProtocolError for bytes that are no such record. */
export function decodeGroupRecord (key: Uint8Array, value: Uint8Array | null): GroupRecord {
  const record = decodeConsumerOffsetsRecord(key, value)
  switch (record.kind) {
    case 'offsetCommit': {
      const { group, partition, topic } = record.key
      return { kind: 'offset', groupId: group, topic, partition, value: record.value === null ? null : committedOffset(record.value) }
    }
    case 'groupMetadata': return { kind: 'group', groupId: record.group, value: record.value === null ? null : savedGroup(record.value) }
    default: return { kind: 'foreign' }
  }
}

function committedOffset ({ commitTimestamp, leaderEpoch, metadata, offset, topicId }: OffsetCommitValue): CommittedOffset {
  return { offset, leaderEpoch, metadata, committedMs: commitTimestamp, topicId }
}

function savedGroup ({ generation, leader, members, protocol, protocolType }: GroupMetadataValue): SavedGroup {
  return {
    protocolType,
    protocolName: protocol,
    generationId: generation,
    leaderId: leader,
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
