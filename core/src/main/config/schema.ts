import { z } from 'zod'
import { defaultBatchChecks } from '../../broker/partition/batch-checks.ts'
import { defaultServerLimits } from '../../server/limits.ts'
import { defaultStorageOptions } from '../../storage/options.ts'
import type { BackendConfig, ListenerConfig } from './broker-config.ts'
import { parseListener } from './listener.ts'
import { bytes, duration } from '@streambed/sdk/options'

const MiB = 1024 * 1024
const GiB = 1024 * MiB
const day = 86_400_000

/** What runs when nothing is configured: everything under ./data, for one broker on this host. */
export const embeddedDefault = Object.freeze({
  listeners: ['plaintext://127.0.0.1:9092'],
  wal: { plugin: 'regional-disk', path: './data/wal' },
  objects: { plugin: 'fs', path: './data/objects' },
  metadata: { plugin: 'file', path: './data/metadata' }
})

export const embeddedObjects: BackendConfig = { plugin: embeddedDefault.objects.plugin, options: { path: embeddedDefault.objects.path } }

const listener = z.string().transform((text, context): Omit<ListenerConfig, 'advertised'> => {
  const parsed = parseListener(text)
  if (!('problem' in parsed)) return parsed
  context.addIssue({ code: 'custom', message: parsed.problem })
  return z.NEVER
})

const backend = z.looseObject({ plugin: z.string().min(1) }).transform(({ plugin, ...options }): BackendConfig => ({ plugin, options }))
/** Of a backend that may live in an object store: `store` is for the host, the rest for the plugin. */
const backendInStore = z.looseObject({ plugin: z.string().min(1), store: z.string().min(1).optional() })
  .transform(({ plugin, store, ...options }): BackendConfig => ({ plugin, options, ...store === undefined ? {} : { store } }))
const storeName = z.string().regex(/^[a-z][a-zA-Z0-9-]{0,62}$/, { error: issue => `expected the name of a store, letters, digits and hyphens, got '${String(issue.input)}'` })

const count = (min: number, max: number): z.ZodNumber => z.int({ error: issue => `expected a whole number, got ${JSON.stringify(issue.input)}` })
  .min(min, { error: issue => `expected ${min} to ${max}, got ${String(issue.input)}` })
  .max(max, { error: issue => `expected ${min} to ${max}, got ${String(issue.input)}` })

/** Each setting: its schema with range and default, and what the reference says of it. The one table of our settings. */
export const sections = {
  node: {
    id: { schema: count(0, 2 ** 31 - 1).default(1), doc: 'Number of this broker, unique in the cluster; clients know it as broker id.' },
    rack: { schema: z.string().min(1).nullable().default(null), doc: 'Zone of this broker, told to clients.' },
    listeners: { schema: z.array(listener).min(1).max(1).prefault([...embeddedDefault.listeners]), doc: 'Where to listen, as plaintext://HOST:PORT. One in this release. Port 0 takes a free one.' },
    advertised: { schema: listener.nullable().default(null), doc: 'The address that clients are told, where it is not the one to listen on.' }
  },
  storage: {
    wal: { schema: backendInStore.prefault({ ...embeddedDefault.wal }), doc: 'The write-ahead log: `plugin` by alias, package name or path, and its options. `store`: for plugins that live in an object store, its name; the default store where absent.' },
    objects: { schema: backend.nullable().default(null), doc: 'The object store named `default`: `plugin` and its options. Without any store: `fs` below `./data/objects`. Secrets are best given as `{ env: NAME }` or `{ file: PATH }`.' },
    stores: { schema: z.record(storeName, backend).default({}), doc: 'More object stores, by name. What was ever written to a store is read from there: keep it here for as long as it holds objects.' },
    defaultStore: { schema: storeName.nullable().default(null), doc: 'The store that new objects go to; `default`, or the only one, where absent. May change at a restart.' },
    metadata: { schema: backendInStore.prefault({ ...embeddedDefault.metadata }), doc: 'The metadata log: `plugin` and its options. `store`: for plugins that live in an object store, its name; required once there are several.' },
    logCacheBytesMax: { schema: bytes(MiB, 64 * GiB).default(defaultStorageOptions.logCacheBytesMax), doc: 'Memory for recent records, for readers near the end. A batch counts as its bytes and 512 more, as wherever memory is bounded.' },
    pendingBytesMax: { schema: bytes(8 * MiB, 64 * GiB).default(defaultStorageOptions.pendingBytesMax), doc: 'Memory for records that wait for upload, at most; producers are slowed down near it and refused at it. From a quarter of it on what waits is uploaded, however few bytes it holds.' },
    blockCacheBytesMax: { schema: bytes(MiB, 64 * GiB).default(defaultStorageOptions.blockCacheBytesMax), doc: 'Memory for blocks of objects, for readers that lag.' },
    uploadBytes: { schema: bytes(MiB, GiB).default(defaultStorageOptions.uploadBytes), doc: 'Records are uploaded once there are this many bytes of them.' },
    uploadIntervalMs: { schema: duration(0, day).default(defaultStorageOptions.uploadIntervalMs), doc: 'Records are uploaded once they are this old. 0: by size alone.' },
    streamObjectBytesMin: { schema: bytes(64 * 1024, GiB).default(defaultStorageOptions.streamObjectBytesMin), doc: 'A partition with this much in one upload gets an object of its own.' },
    blockBytes: { schema: bytes(4 * 1024, 64 * MiB).default(defaultStorageOptions.blockBytes), doc: 'What one block of an object takes in memory, the unit of reads.' },
    readAheadBytesMax: { schema: bytes(0, GiB).default(defaultStorageOptions.readAheadBytesMax), doc: 'How far to read ahead of a consumer that reads on and on.' },
    deletionGraceMs: { schema: duration(0, 30 * day).default(defaultStorageOptions.deletionGraceMs), doc: 'How long an object that nobody needs is kept.' },
    garbageIntervalMs: { schema: duration(100, day).default(defaultStorageOptions.garbageIntervalMs), doc: 'How often such objects are looked for.' }
  },
  produce: {
    trustCompressed: { schema: z.boolean({ error: issue => `expected true or false, got ${JSON.stringify(issue.input)}` }).default(defaultBatchChecks.trustCompressed), doc: 'Whether to believe what the header of a compressed batch says of its records. `false`: each batch is opened and every record checked, as Kafka does. `true` spares that work, but a client that lies, or is broken, stops every consumer at its batch for good. Batches whose records are needed are opened in any case: in compacted topics, and where `compression.type` names another codec.' },
    decompressedBytesMax: { schema: bytes(MiB, GiB).default(defaultBatchChecks.decompressedBytesMax), doc: 'The most that the records of one compressed batch may decompress to. A batch with more is refused as too large: producers split it.' }
  },
  limits: {
    requestBytesMax: { schema: bytes(1024, 2 * GiB - 1).default(defaultServerLimits.requestBytesMax), doc: 'The largest request; a client that sends a larger one is cut off.' },
    connectionsMax: { schema: count(1, 1_000_000).default(defaultServerLimits.connectionsMax), doc: 'Connections at a time.' },
    idleMsMax: { schema: duration(1_000, 30 * day).default(defaultServerLimits.idleMsMax), doc: 'A connection idle for this long is closed.' },
    inFlightMax: { schema: count(1, 100_000).default(defaultServerLimits.inFlightMax), doc: 'Requests of one connection that may wait for their answers before it is read no further.' },
    inFlightBytesMax: { schema: bytes(MiB, 64 * GiB).default(defaultServerLimits.inFlightBytesMax), doc: 'Memory for all requests that wait for their answers, long polls too; each counts as its bytes and 5 KiB. Also bytes of all that have come only in part.' },
    unsentBytesMax: { schema: bytes(MiB, 64 * GiB).default(defaultServerLimits.unsentBytesMax), doc: 'Memory for all answers that clients have not taken, 512 bytes for each batch besides; past it those that stall longest are cut off.' }
  },
  log: {
    level: { schema: z.enum(['debug', 'info', 'warn', 'error']).default('info'), doc: 'The least important messages to write to standard error.' }
  }
} as const

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)

type Section = Readonly<Record<string, { readonly schema: z.ZodType, readonly doc: string }>>
type Shape<S extends Section> = { [K in keyof S]: S[K]['schema'] }

function section<S extends Section> (settings: S): z.ZodPrefault<z.ZodObject<Shape<S>, z.core.$strict>> {
  const shape = Object.fromEntries(Object.entries(settings).map(([name, { schema }]) => [name, schema])) as Shape<S>
  return (z.strictObject(shape) as z.ZodObject<Shape<S>, z.core.$strict>).prefault({} as never)
}

/** A configuration file. `kafka` holds broker settings by their Kafka names; broker/config has their table. */
export const fileSchema = z.strictObject({
  node: section(sections.node),
  storage: section(sections.storage),
  kafka: z.record(z.string(), scalar).default({}),
  produce: section(sections.produce),
  limits: section(sections.limits),
  log: section(sections.log)
})
