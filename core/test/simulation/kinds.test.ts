import { StreambedError, clampInt64, type MetadataLog, type Wal } from '@streambed/sdk'
import { Partition } from '../../src/broker/partition/partition.ts'
import { ProducerStates } from '../../src/broker/partition/producer-states.ts'
import { Metadata } from '../../src/metadata/metadata.ts'
import { StreamCatalog } from '../../src/metadata/stream-catalog.ts'
import type { WalRegistration } from '../../src/metadata/records.ts'
import { maxTimestamp } from '../../src/protocol/records/batch-header.ts'
import { GarbageCollector } from '../../src/storage/garbage/garbage-collector.ts'
import { defaultStorageOptions, type StorageOptions } from '../../src/storage/options.ts'
import { Stream } from '../../src/storage/stream/stream.ts'
import { findsAll, overriding, patched, patchedGetter, type Mutant } from './mutant.ts'
import type { Profile } from './profile.ts'

type Breakable = NonNullable<Mutant['profile']>

/** Nothing but what a mutant needs. */
const calm: Breakable = { crashEveryMs: Infinity, crashEveryOperations: Infinity, failedFileRate: 0, fullDiskRate: 0, storeFaultRate: 0, metadataFaultRate: 0 }
const crashing: Breakable = { ...calm, crashEveryMs: 150, chaosMs: 1_500 }
/** Little room for what waits for upload, so that appends are refused. */
const cramped: StorageOptions = {
  ...defaultStorageOptions, pendingBytesMax: 16 * 1024, uploadBytes: 4 * 1024, uploadIntervalMs: 100, streamObjectBytesMin: 1024, deletionGraceMs: 50, garbageIntervalMs: 100
}
const remote: Profile['backends'] = { wal: 'efs', store: 'remote', metadata: 'object' }
const lost = ['lost-write', 'inconsistent-offsets', 'refused-to-open', 'lost-commit', 'undead-commit', 'state-diverged'] as const
const mixed = [...lost, 'lost-topic', 'undead-topic', 'epoch-went-back', 'invented-record', 'duplicate', 'leak', 'stuck', 'reordering'] as const

/** What a WAL says of itself hides what would show that it, or the metadata, is not the one it was. */
function hiding (wal: Wal, hidden: readonly ('last' | 'trimmed' | 'writerEpoch')[]): Wal {
  const values = { last: Number.MAX_SAFE_INTEGER, trimmed: -1, writerEpoch: Number.MAX_SAFE_INTEGER }
  return overriding(wal, { identity: { ...wal.identity!, ...Object.fromEntries(hidden.map(name => [name, values[name]])) } })
}

let epochsAhead = 0
let configured: WalRegistration | undefined

/** What broke one kind of promise each, once, or would have: of `docs/simulation.md`, by its numbers there. */
const mutants: readonly Mutant[] = [
  {
    name: '1: a WAL that makes a new log wherever it finds none',
    caughtAs: lost,
    sabotage: { walContext: context => ({ ...context, opening: { mode: 'create' } }) },
    profile: crashing,
    lives: { exchangeRate: 1 }
  },
  {
    name: '1: an older copy of a WAL that nobody recognises',
    caughtAs: lost,
    sabotage: { wal: wal => hiding(wal, ['last', 'writerEpoch']) },
    profile: crashing,
    lives: { exchangeRate: 1 }
  },
  {
    name: '2: metadata that nobody holds against the WAL',
    caughtAs: mixed,
    sabotage: {
      wal: wal => hiding(wal, ['last', 'trimmed', 'writerEpoch']),
      walContext: context => ({ ...context, writer: { ...context.writer, writerEpoch: context.writer.writerEpoch + 1_000 * ++epochsAhead } })
    },
    break: () => {
      const mends = [patchedGetter(StreamCatalog.prototype, 'foundPosition', Infinity), patchedGetter(StreamCatalog.prototype, 'nextStreamId', Infinity)]
      return () => { for (const mend of mends) mend() }
    },
    profile: { ...crashing, hasTopicChurn: true },
    lives: { exchangeRate: 1 }
  },
  {
    name: '3: a WAL that takes its damaged end for a torn write',
    caughtAs: lost,
    sabotage: { wal: wal => overriding(wal, { recover: () => allButLast(wal.recover()) }) },
    profile: crashing
  },
  {
    name: '4: an accepted loss that passes over no offsets',
    caughtAs: ['inconsistent-offsets', 'stuck'],
    sabotage: { metadata: (log: MetadataLog) => overriding(log, { append: (end, entries) => log.append(end, entries.map(withoutGaps)) }) },
    profile: calm,
    lives: { losesWal: true }
  },
  {
    name: '5: a WAL that is recorded before it has opened',
    caughtAs: lost,
    sabotage: { onConfigured: wal => { configured = { ...wal, ...wal.plugin === 'object' ? { store: 'default' } : {} } } },
    break: () => patched(Metadata.prototype, 'propose', original => function propose (this: Metadata, change) {
      return original.call(this, (image, position) => {
        const { records, result } = change(image, position)
        const [taken] = records
        if (taken?.type !== 'nodeEpochTaken' || image.node(1)?.wal == null) return { records, result }
        return { records: [taken, { type: 'nodeWalOpened', nodeId: 1, epoch: position, wal: configured!, walPosition: -1 }], result }
      }) as never
    }),
    profile: crashing,
    lives: { walChangeRate: 0.7 }
  },
  {
    name: '5: a process that was overtaken and still carries out what it was asked for',
    caughtAs: ['lost-topic', 'undead-topic', 'undead-commit', 'lost-commit', 'inconsistent-offsets', 'invented-record', 'lost-write', 'stuck'],
    break: () => patched(Metadata.prototype, 'proposeOnlyWhile', () => () => undefined),
    profile: { ...calm, backends: remote, hasTopicChurn: true, chaosMs: 1_500 },
    lives: { pauseEveryMs: 100, pauseMsMax: 2_000 }
  },
  {
    name: '7: after one refused append, repeats of what is confirmed are refused, too',
    caughtAs: ['stuck'],
    break: () => {
      const refused = new WeakSet<ProducerStates>()
      const mends = [
        patched(Partition.prototype, 'append', original => async function append (this: Partition, bytes, version) {
          return await original.call(this, bytes, version).catch((error: unknown) => {
            refused.add(this.producers)
            throw error
          })
        }),
        patched(ProducerStates.prototype, 'check', original => function check (this: ProducerStates, batch) {
          const repeated = original.call(this, batch)
          if (repeated !== undefined && refused.has(this)) throw new StreambedError('UNAVAILABLE', 'an earlier append was refused')
          return repeated
        })
      ]
      return () => { for (const mend of mends) mend() }
    },
    profile: { ...calm, storage: cramped, idempotentProducers: 2, plainProducers: 1, chaosMs: 1_500, recordBytesMax: 5_000 },
    lives: { cutRate: 0.2 }
  },
  {
    name: '8: an append in doubt is called not written',
    caughtAs: ['duplicate'],
    break: () => patched(Partition.prototype, 'append', original => async function append (this: Partition, bytes, version) {
      return await original.call(this, bytes, version).catch((error: unknown) => {
        throw StreambedError.is(error, 'OUTCOME_UNKNOWN') ? new StreambedError('UNAVAILABLE', error.message, { cause: error }) : error
      })
    }),
    profile: calm,
    lives: { cautiousProducers: 3, walFaultRate: 0.1 }
  },
  {
    name: '10: the largest timestamp is what the client says',
    caughtAs: ['lost-write', 'kept-too-long'],
    break: () => {
      let said: number | undefined
      const mends = [
        patched(Partition.prototype, 'append', original => function append (this: Partition, bytes, version) {
          said = clampInt64(maxTimestamp(bytes))
          try {
            return original.call(this, bytes, version)
          } finally {
            said = undefined
          }
        }),
        patched(Stream.prototype, 'append', original => function append (this: Stream, batch) {
          return original.call(this, said === undefined ? batch : { ...batch, largestTimestamp: said })
        })
      ]
      return () => { for (const mend of mends) mend() }
    },
    profile: calm,
    lives: { hasAging: true }
  },
  {
    name: '11: what the store says of an object is told of the offset',
    caughtAs: ['lost-write'],
    break: () => patched(Partition.prototype, 'fetch', original => async function fetch (this: Partition, offset, options) {
      return await original.call(this, offset, options).catch((error: unknown) => {
        throw StreambedError.is(error, 'UNAVAILABLE', 'CORRUPT') ? new StreambedError('OUT_OF_RANGE', error.message, { cause: error }) : error
      })
    }),
    profile: calm,
    lives: { lieRate: 0.4 }
  },
  {
    name: '12: objects that arrive late, for which nobody looks',
    caughtAs: ['leak'],
    break: () => {
      const mends = [patched(GarbageCollector.prototype, 'sweep', () => () => Promise.resolve(0)), patched(StreamCatalog.prototype, 'lateObjectIds', () => () => [])]
      return () => { for (const mend of mends) mend() }
    },
    profile: { ...crashing, backends: { ...remote, metadata: 'file' } },
    lives: { lateRequestRate: 0.3 }
  }
]

findsAll('simulation finds, of each kind of promise,', mutants)

async function * allButLast<T> (items: AsyncIterable<T>): AsyncGenerator<T> {
  let held: { readonly item: T } | undefined
  for await (const item of items) {
    if (held !== undefined) yield held.item
    held = { item }
  }
}

function withoutGaps (entry: Uint8Array): Uint8Array {
  const decoded = JSON.parse(Buffer.from(entry).toString()) as { readonly records: readonly { readonly type: string }[] }
  return Buffer.from(JSON.stringify({ ...decoded, records: decoded.records.map(record => record.type === 'lossAccepted' ? { ...record, objects: [] } : record) }))
}
