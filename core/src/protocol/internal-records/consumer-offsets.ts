import { corrupt } from '../protocol-error.ts'
import { Reader } from '../primitives/reader.ts'
import { groupMetadataKey, groupMetadataValue } from './group-metadata.ts'
import type { GroupMetadataValue, GroupMetadataValueInput } from './group-metadata.ts'
import { offsetCommitKey, offsetCommitValue } from './offset-commit.ts'
import type { OffsetCommitKey, OffsetCommitValue, OffsetCommitValueInput } from './offset-commit.ts'
import { decodeVersioned, encodePrefixed, encodeVersioned } from './versioned.ts'

/** Types of `__consumer_offsets` keys. Types above 2 belong to group protocols that have no tables here yet. */
const legacyOffsetCommitType = 0
const offsetCommitType = 1
const groupMetadataType = 2

/** What Kafka 4.3 writes: 4, or 1 for the rare commit with an expiry of its own, which no other version holds. */
const offsetCommitValueVersion = 4
const offsetCommitValueVersionWithExpiry = 1
const groupMetadataValueVersion = 3

/** One record of `__consumer_offsets`. A null value deletes; `unknown` types are to be kept and ignored. */
export type ConsumerOffsetsRecord =
  | { readonly kind: 'offsetCommit', readonly key: OffsetCommitKey, readonly value: OffsetCommitValue | null }
  | { readonly kind: 'groupMetadata', readonly group: string, readonly value: GroupMetadataValue | null }
  | { readonly kind: 'unknown', readonly type: number }

/** Throws CORRUPT, or UNSUPPORTED for a value version newer than ours. Byte fields are views of `value`. */
export function decodeConsumerOffsetsRecord (key: Uint8Array, value: Uint8Array | null): ConsumerOffsetsRecord {
  const reader = new Reader(key)
  const type = reader.int16()
  switch (type) {
    case legacyOffsetCommitType:
    case offsetCommitType:
      return {
        kind: 'offsetCommit',
        key: offsetCommitKey.decode(reader, 0),
        value: value === null ? null : decodeVersioned(offsetCommitValue, value)
      }
    case groupMetadataType:
      return {
        kind: 'groupMetadata',
        group: groupMetadataKey.decode(reader, 0).group,
        value: value === null ? null : decodeVersioned(groupMetadataValue, value)
      }
    default:
      if (type < 0) throw corrupt(`negative record type. type=${type}`)
      return { kind: 'unknown', type }
  }
}

export function encodeOffsetCommitKey (key: OffsetCommitKey): Buffer {
  return encodePrefixed(offsetCommitType, offsetCommitKey, 0, key)
}

/** `expireTimestamp` other than −1 makes it a version 1 value, which loses leader epoch and topic id, as in Kafka. */
export function encodeOffsetCommitValue (value: OffsetCommitValueInput): Buffer {
  const hasExpiry = value.expireTimestamp !== undefined && value.expireTimestamp !== -1
  return encodeVersioned(offsetCommitValue, hasExpiry ? offsetCommitValueVersionWithExpiry : offsetCommitValueVersion, value)
}

export function encodeGroupMetadataKey (group: string): Buffer {
  return encodePrefixed(groupMetadataType, groupMetadataKey, 0, { group })
}

export function encodeGroupMetadataValue (value: GroupMetadataValueInput): Buffer {
  return encodeVersioned(groupMetadataValue, groupMetadataValueVersion, value)
}
