import type { ShardState } from '../state-shard/shard-state.ts'
import type { GroupRecord, SavedGroup } from './group-records.ts'
import { OffsetStore } from './offset-store.ts'

/** What the log says of one group. */
export interface StoredGroup {
  /** Undefined for a group that only commits: it was never joined. */
  readonly saved: SavedGroup | undefined
  readonly offsets: OffsetStore
}

type Foreign = GroupRecord & { readonly kind: 'foreign' }

const groupPart = 'g'
const foreignPart = 'f'

/**
 * The groups and offsets of one partition of `__consumer_offsets`, as its log has them: the last generation that was saved, not
 * the rebalance that may be on its way.
 */
export class StoredGroups implements ShardState<GroupRecord> {
  readonly #groups = new Map<string, StoredGroup>()
  readonly #foreign = new Map<string, Foreign>()

  group (groupId: string): StoredGroup | undefined { return this.#groups.get(groupId) }
  groups (): Iterable<readonly [groupId: string, group: StoredGroup]> { return this.#groups }

  apply (record: GroupRecord): void {
    switch (record.kind) {
      case 'offset': {
        const { groupId, partition, topic, value } = record
        const group = this.#groups.get(groupId)
        if (value !== null) this.#ensure(groupId).offsets.set(topic, partition, value)
        else if (group !== undefined) {
          group.offsets.delete(topic, partition)
          if (group.offsets.isEmpty && group.saved === undefined) this.#groups.delete(groupId)
        }
        return
      }
      case 'group':
        if (record.value === null) this.#groups.delete(record.groupId)
        else this.#groups.set(record.groupId, { saved: record.value, offsets: this.#ensure(record.groupId).offsets })
        return
      case 'foreign': {
        const name = Buffer.from(record.key).toString('latin1')
        if (record.value === null) this.#foreign.delete(name)
        else this.#foreign.set(name, record)
        return
      }
      default: record satisfies never
    }
  }

  * parts (): Generator<string> {
    for (const groupId of this.#groups.keys()) yield groupPart + groupId
    for (const name of this.#foreign.keys()) yield foreignPart + name
  }

  recordsOf (part: string): readonly GroupRecord[] {
    const name = part.slice(1)
    if (part.startsWith(foreignPart)) {
      const record = this.#foreign.get(name)
      return record === undefined ? [] : [record]
    }
    const group = this.#groups.get(name)
    if (group === undefined) return []
    const records: GroupRecord[] = []
    for (const { partition, topic, value } of group.offsets.entries()) records.push({ kind: 'offset', groupId: name, topic, partition, value })
    if (group.saved !== undefined) records.push({ kind: 'group', groupId: name, value: group.saved })
    return records
  }

  #ensure (groupId: string): StoredGroup {
    let group = this.#groups.get(groupId)
    if (group === undefined) {
      group = { saved: undefined, offsets: new OffsetStore() }
      this.#groups.set(groupId, group)
    }
    return group
  }
}
