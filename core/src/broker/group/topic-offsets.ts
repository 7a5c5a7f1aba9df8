import { ZERO_UUID } from '../../protocol/primitives/uuid.ts'
import type { OffsetRecord } from './group-records.ts'
import type { StoredGroups } from './stored-groups.ts'

/** The id of the topic that has a name now; undefined when there is none. */
export type TopicIdOf = (topic: string) => string | undefined

/** Whether a commit belongs to the topic that has this name now, not to an earlier one. Committed offsets are keyed by name. */
export function isOfTopic (topicId: string, topic: string, topicIdOf: TopicIdOf): boolean { return topicId === topicIdOf(topic) }

/** What deletes the offsets of topics that are gone. */
export function deadOffsets (state: StoredGroups, topicIdOf: TopicIdOf): OffsetRecord[] {
  const records: OffsetRecord[] = []
  for (const [groupId, { offsets }] of state.groups()) {
    for (const { partition, topic, value } of offsets.entries()) {
      if (!isOfTopic(value.topicId, topic, topicIdOf)) records.push({ kind: 'offset', groupId, topic, partition, value: null })
    }
  }
  return records
}

/**
 * What gives an id to offsets that were stored without one: they belong to the topic that has their name when they are first
 * loaded, or to none.
 */
export function adoptedOffsets (state: StoredGroups, topicIdOf: TopicIdOf): OffsetRecord[] {
  const records: OffsetRecord[] = []
  for (const [groupId, { offsets }] of state.groups()) {
    for (const { partition, topic, value } of offsets.entries()) {
      if (value.topicId !== ZERO_UUID) continue
      const topicId = topicIdOf(topic)
      records.push({ kind: 'offset', groupId, topic, partition, value: topicId === undefined ? null : { ...value, topicId } })
    }
  }
  return records
}
