import type { FileHandle, FileSystem, MetadataLog, ObjectStore, Wal } from '@streambed/sdk'
import type { GroupRecord } from '../../src/broker/group/group-records.ts'
import { GroupShard } from '../../src/broker/group/group-shard.ts'
import { StoredGroups } from '../../src/broker/group/stored-groups.ts'
import { Partition } from '../../src/broker/partition/partition.ts'
import { ProducerStates } from '../../src/broker/partition/producer-states.ts'
import { LogRewrite } from '../../src/broker/state-shard/log-rewrite.ts'
import { PartitionLog } from '../../src/broker/state-shard/shard-log.ts'
import { StateShard } from '../../src/broker/state-shard/state-shard.ts'
import { findsAll, overriding, patched, type Mutant } from './mutant.ts'
import type { Profile } from './profile.ts'

/** Much that can be lost, and crashes that lose it. */
const crashing: Partial<Profile> = { crashEveryMs: 200, failedFileRate: 0, fullDiskRate: 0 }
/** Group logs that are written anew all the time, in small pieces. */
const committing: Partial<Profile> = {
  ...crashing,
  committers: 2,
  tuning: { snapshotEveryEntries: 20, checkpointBytes: 20_000, groupLog: { bytesMin: 200, rewriteFactor: 1, pieceRecords: 1, checksRewrites: false } }
}
const onFiles = { wal: 'regional-disk', store: 'fs', metadata: 'file' } as const

/** A disk under `folder` that says that bytes are durable when they are not. */
function lyingDisk (folder: string): (fileSystem: FileSystem) => FileSystem {
  const lying = (handle: FileHandle): FileHandle => overriding(handle, { datasync: async () => undefined })
  return fileSystem => overriding(fileSystem, {
    open: async (path, mode, options) => path.startsWith(folder) && !path.endsWith('epoch') ? lying(await fileSystem.open(path, mode)) : await fileSystem.open(path, mode, options)
  })
}

let earlyPuts = 0

const mutants: readonly Mutant[] = [
  {
    name: 'a WAL that confirms before its bytes are durable',
    caughtAs: ['lost-write', 'inconsistent-offsets', 'refused-to-open', 'lost-commit', 'undead-commit', 'state-diverged'],
    sabotage: { fileSystem: lyingDisk('/data/wal') },
    profile: { ...crashing, backends: onFiles }
  },
  {
    name: 'a shared file system that confirms before its bytes are durable',
    caughtAs: ['lost-write', 'inconsistent-offsets', 'refused-to-open', 'lost-commit', 'undead-commit', 'state-diverged'],
    sabotage: { fileSystem: lyingDisk('/data/wal') },
    profile: { ...crashing, backends: { ...onFiles, wal: 'efs' } }
  },
  {
    name: 'a service that answers puts of the WAL before it has them',
    caughtAs: ['lost-write', 'inconsistent-offsets', 'refused-to-open', 'lost-commit', 'undead-commit', 'state-diverged'],
    sabotage: { objects: (store: ObjectStore) => overriding(store, { put: async (key, body, options) => key.startsWith('wal/') && ++earlyPuts % 3 === 0 ? { key, size: 0, versionToken: '' } : await store.put(key, body, options) }) },
    profile: { ...crashing, storeFaultRate: 0, backends: { wal: 'object', store: 'remote', metadata: 'file' } }
  },
  {
    name: 'a WAL that forgets the newest record when it recovers',
    caughtAs: ['lost-write', 'inconsistent-offsets', 'lost-commit', 'undead-commit'],
    sabotage: { wal: (wal: Wal) => overriding(wal, { recover: () => allButLast(wal.recover()) }) },
    profile: crashing
  },
  {
    name: 'a WAL that is trimmed as soon as it is written',
    caughtAs: ['lost-write', 'inconsistent-offsets', 'refused-to-open', 'lost-commit', 'undead-commit', 'state-diverged'],
    sabotage: { wal: (wal: Wal) => overriding(wal, { append: async chunks => { const position = await wal.append(chunks); await wal.trim(position); return position } }) },
    profile: crashing
  },
  {
    name: 'an object store that loses some puts',
    // A partition whose checkpoint is gone does not open.
    caughtAs: ['lost-write', 'stuck'],
    sabotage: {
      objects: (store: ObjectStore) => {
        let count = 0
        return overriding(store, { put: async (key, body, options) => ++count % 3 === 0 ? { key, size: 0, versionToken: '', modifiedMs: 0 } : await store.put(key, body, options) })
      }
    },
    profile: { storeFaultRate: 0, failedFileRate: 0, metadataFaultRate: 0, crashEveryMs: Infinity, crashEveryOperations: Infinity, hasTopicChurn: false, backends: onFiles }
  },
  {
    name: 'an object store that does not delete',
    caughtAs: ['leak'],
    sabotage: { objects: (store: ObjectStore) => overriding(store, { delete: async keys => keys.map(key => ({ kind: 'deleted' as const, key })) }) }
  },
  {
    name: 'a metadata log that is not durable',
    caughtAs: ['lost-topic', 'undead-topic', 'epoch-went-back', 'lost-write', 'refused-to-open', 'inconsistent-offsets', 'duplicate', 'lost-commit', 'undead-commit', 'state-diverged'],
    sabotage: { fileSystem: lyingDisk('/data/metadata') },
    profile: { ...crashing, backends: onFiles }
  },
  {
    name: 'a metadata log that forgets every deletion',
    caughtAs: ['undead-topic', 'refused-to-open'],
    sabotage: { metadata: (log: MetadataLog) => overriding(log, { append: (end, entries) => log.append(end, entries.map(withoutDeletions)) }) },
    profile: { ...crashing, hasTopicChurn: true, backends: onFiles }
  },
  {
    name: 'a partition that does not recognise repeated batches',
    caughtAs: ['duplicate', 'reordering'],
    break: () => patched(ProducerStates.prototype, 'check', () => () => undefined),
    profile: { ...crashing, idempotentProducers: 2 }
  },
  {
    name: 'a partition that takes batches out of order',
    caughtAs: ['reordering', 'inconsistent-offsets'],
    // One batch of four is refused; what follows it is not.
    break: () => {
      let count = 0
      const mends = [
        patched(ProducerStates.prototype, 'check', original => function check (this: ProducerStates, batch) { try { return original.call(this, batch) } catch { return undefined } }),
        patched(Partition.prototype, 'append', original => function append (this: Partition, bytes, version) { return ++count % 4 === 0 ? Promise.reject(new Error('refused')) : original.call(this, bytes, version) })
      ]
      return () => { for (const mend of mends) mend() }
    }
  },
  {
    name: 'a partition that hands out an offset twice',
    caughtAs: ['inconsistent-offsets'],
    break: () => patched(Partition.prototype, 'append', original => async function append (this: Partition, bytes, version) {
      const result = await original.call(this, bytes, version)
      return { ...result, baseOffset: Math.max(0, result.baseOffset - 1) }
    })
  },
  {
    name: 'a group that answers commits without storing them',
    caughtAs: ['lost-commit', 'undead-commit', 'state-diverged'],
    break: () => patched(StateShard.prototype, 'append', original => function append (this: StateShard<StoredGroups, GroupRecord>, records) {
      if (records.some(record => (record as GroupRecord).kind !== 'offset')) return original.call(this, records)
      for (const record of records) this.state.apply(record as GroupRecord)
      return { isTaken: true, durable: Promise.resolve() }
    }),
    profile: { ...crashing, groupMembers: 2 }
  },
  {
    name: 'a group log that is written anew with the values of when that began',
    caughtAs: ['lost-commit', 'undead-commit', 'state-diverged'],
    break: () => {
      let old = new Map<string, readonly GroupRecord[]>()
      const mends = [
        patched(LogRewrite.prototype, 'run', original => async function run (this: LogRewrite<unknown>) {
          old = new Map()
          await original.call(this).finally(() => { old = new Map() })
        }),
        patched(StoredGroups.prototype, 'recordsOf', original => function recordsOf (this: StoredGroups, part) {
          if (old.size === 0) for (const name of this.parts()) old.set(name, original.call(this, name))
          return old.get(part) ?? original.call(this, part)
        })
      ]
      return () => { for (const mend of mends) mend() }
    },
    profile: committing
  },
  {
    name: 'a group log whose start moves past what came while it was written anew',
    caughtAs: ['lost-commit', 'undead-commit', 'state-diverged'],
    break: () => patched(PartitionLog.prototype, 'deleteBefore', original => function deleteBefore (this: PartitionLog) { return original.call(this, this.endOffset) }),
    profile: committing
  },
  {
    name: 'a group that is dropped from memory only after its deletion was awaited',
    caughtAs: ['lost-commit', 'undead-commit', 'state-diverged'],
    break: () => patched(GroupShard.prototype, 'remove', () => async function remove (this: GroupShard, { group: { groupId } }) {
      const offsets = Array.from(this.stored(groupId)?.offsets.entries() ?? [])
      await this.append(offsets.map(({ partition, topic }) => ({ kind: 'offset', groupId, topic, partition, value: null }))).durable
      const stored = this.stored(groupId)?.offsets
      for (const { partition, topic } of Array.from(stored?.entries() ?? [])) stored!.delete(topic, partition)
    }),
    profile: { ...committing, committers: 6 }
  },
  {
    name: 'committed offsets that are keyed by the name of their topic',
    caughtAs: ['undead-commit'],
    break: () => patched(GroupShard.prototype, 'living', () => (_topic, value) => value),
    profile: committing
  }
]

findsAll('simulation finds', mutants)

async function * allButLast<T> (items: AsyncIterable<T>): AsyncGenerator<T> {
  let held: { readonly item: T } | undefined
  for await (const item of items) {
    if (held !== undefined) yield held.item
    held = { item }
  }
}

function withoutDeletions (entry: Uint8Array): Uint8Array {
  const decoded = JSON.parse(Buffer.from(entry).toString()) as { readonly records: readonly { readonly type: string }[] }
  return Buffer.from(JSON.stringify({ ...decoded, records: decoded.records.filter(({ type }) => type !== 'topicDeleted') }))
}
