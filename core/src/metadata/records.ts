import { StreambedError } from '@streambed/sdk'
import type { ObjectCommit, ObjectFacts, ObjectId, StreamId } from '../storage/catalog/catalog.ts'

/** Where brokers can be reached; `name` is the listener's. */
export interface Endpoint { readonly name: string, readonly host: string, readonly port: number }

/** Which WAL a node uses, as its configuration named it: what recovery goes by, whatever today's configuration says. */
export interface WalRegistration { readonly plugin: string, readonly options: unknown }

export interface PartitionFacts {
  readonly dataStreamId: StreamId
  /** Holds checkpoints of producer state and epochs, so that a partition opens fast. */
  readonly checkpointStreamId: StreamId
}

/**
 * The facts that the metadata log holds, one union member each. A type is never changed once released: a new shape is a
 * new type. All are JSON; offsets and ids are safe integers, times are wall-clock ms.
 */
export type MetadataRecord =
  | { readonly type: 'clusterFounded', readonly clusterId: string }
  /** Mints the node's next epoch; earlier ones are fenced. */
  | { readonly type: 'nodeRegistered', readonly nodeId: number, readonly epoch: number, readonly endpoints: readonly Endpoint[], readonly rack: string | null }
  | { readonly type: 'nodeWalChanged', readonly nodeId: number, readonly epoch: number, readonly wal: WalRegistration }
  | { readonly type: 'topicCreated', readonly topicId: string, readonly name: string, readonly partitionCount: number, readonly ownerNodeId: number, readonly firstStreamId: StreamId, readonly configs: Readonly<Record<string, string>> }
  | { readonly type: 'partitionsAdded', readonly topicId: string, readonly count: number, readonly ownerNodeId: number, readonly firstStreamId: StreamId }
  | { readonly type: 'topicDeleted', readonly topicId: string, readonly atMs: number }
  /** The whole set of overrides of one resource; an empty one removes it. */
  | { readonly type: 'configsSet', readonly resource: ConfigResource, readonly configs: Readonly<Record<string, string>> }
  | { readonly type: 'producerIdsReserved', readonly nodeId: number, readonly nodeEpoch: number, readonly first: number, readonly count: number }
  | { readonly type: 'objectIdsReserved', readonly nodeId: number, readonly nodeEpoch: number, readonly first: ObjectId, readonly count: number }
  | { readonly type: 'objectsCommitted', readonly nodeId: number, readonly nodeEpoch: number, readonly objects: readonly ObjectCommit[], readonly atMs: number }
  | { readonly type: 'streamTrimmed', readonly streamId: StreamId, readonly startOffset: number, readonly atMs: number }
  | { readonly type: 'objectsForgotten', readonly objectIds: readonly ObjectId[] }

/** `topic`: named by topic id. `broker`: by node id, or '' for the default of all. `group`: by group id. */
export interface ConfigResource { readonly kind: 'topic' | 'broker' | 'group', readonly name: string }

export type CondemnedObject = ObjectFacts & { readonly sinceMs: number }

/** One proposal as the log holds it. */
export interface MetadataEntry {
  /** Tells a proposer's own entry from another's after a lost answer. */
  readonly proposer: string
  readonly sequence: number
  readonly records: readonly MetadataRecord[]
}

const entryVersion = 1
const knownTypes: ReadonlySet<string> = new Set<MetadataRecord['type']>([
  'clusterFounded', 'nodeRegistered', 'nodeWalChanged', 'topicCreated', 'partitionsAdded', 'topicDeleted', 'configsSet',
  'producerIdsReserved', 'objectIdsReserved', 'objectsCommitted', 'streamTrimmed', 'objectsForgotten'
])
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeEntry (entry: MetadataEntry): Uint8Array {
  return encoder.encode(JSON.stringify({ version: entryVersion, ...entry }))
}

/** UNSUPPORTED for entries or record types of a newer program: the node must stop, not skip them. CORRUPT otherwise. */
export function decodeEntry (bytes: Uint8Array, position: number): MetadataEntry {
  let entry: MetadataEntry & { readonly version: number }
  try {
    entry = JSON.parse(decoder.decode(bytes)) as typeof entry
  } catch (cause) {
    throw new StreambedError('CORRUPT', `metadata entry cannot be read. position=${position}`, { cause })
  }
  if (entry.version !== entryVersion) {
    throw new StreambedError('UNSUPPORTED', `metadata entry is of another version. position=${position} version=${entry.version} supported=${entryVersion}; start a newer Streambed`)
  }
  for (const record of entry.records) {
    if (!knownTypes.has(record.type)) throw new StreambedError('UNSUPPORTED', `metadata record is of a type that this program does not know. position=${position} type=${record.type}; start a newer Streambed`)
  }
  return entry
}
