import { StreambedError } from '@streambed/sdk'
import type { ObjectCommit, ObjectFacts, ObjectId, StreamId } from '../storage/catalog/catalog.ts'

/** Where brokers can be reached; `name` is the listener's. */
export interface Endpoint { readonly name: string, readonly host: string, readonly port: number }

/**
 * Which WAL a node uses, as its configuration named it, and which one that is: what recovery goes by, whatever today's
 * configuration says. Plugin options as the operator wrote them.
 */
export interface WalRegistration {
  readonly plugin: string
  readonly options: unknown
  /** The configured name of the object store that it lives in. */
  readonly store?: string
  /** Absent: recorded before WALs had identities, or by a WAL that has none. */
  readonly id?: string
}

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
  /**
   * Mints the node's next epoch, which is the position of this entry; earlier ones are fenced. `incarnation` is of the process.
   * The node shows to others once it has opened.
   */
  | { readonly type: 'nodeEpochTaken', readonly nodeId: number, readonly incarnation: string }
  /** The WAL that the node has opened, before it confirms anything there; it reaches to `walPosition`. */
  | { readonly type: 'nodeWalOpened', readonly nodeId: number, readonly epoch: number, readonly wal: WalRegistration, readonly walPosition: number }
  /** All that the node needs is open: it serves. Its WAL reaches to `walPosition`, the mark that it began with where there was room for one. */
  | { readonly type: 'nodeOpened', readonly nodeId: number, readonly epoch: number, readonly endpoints: readonly Endpoint[], readonly rack: string | null, readonly walPosition: number }
  /** A clean end: the WAL's last record is at `walPosition`. */
  | { readonly type: 'nodeStopped', readonly nodeId: number, readonly epoch: number, readonly walPosition: number }
  /** It was proven that this log lost its end: the node does not start on it before an operator gives that up. */
  | { readonly type: 'nodeEndLost', readonly nodeId: number, readonly epoch: number }
  /** The node owns nothing and comes back as a new one, if ever. */
  | { readonly type: 'nodeRemoved', readonly nodeId: number }
  /** Of earlier releases: the epoch was a count. */
  | { readonly type: 'nodeRegistered', readonly nodeId: number, readonly epoch: number, readonly endpoints: readonly Endpoint[], readonly rack: string | null }
  /** Of earlier releases: written before the WAL was open. */
  | { readonly type: 'nodeWalChanged', readonly nodeId: number, readonly epoch: number, readonly wal: WalRegistration }
  | { readonly type: 'topicCreated', readonly topicId: string, readonly name: string, readonly partitionCount: number, readonly ownerNodeId: number, readonly firstStreamId: StreamId, readonly configs: Readonly<Record<string, string>> }
  | { readonly type: 'partitionsAdded', readonly topicId: string, readonly count: number, readonly ownerNodeId: number, readonly firstStreamId: StreamId }
  | { readonly type: 'topicDeleted', readonly topicId: string, readonly atMs: number }
  /** The whole set of overrides of one resource; an empty one removes it. */
  | { readonly type: 'configsSet', readonly resource: ConfigResource, readonly configs: Readonly<Record<string, string>> }
  | { readonly type: 'producerIdsReserved', readonly nodeId: number, readonly nodeEpoch: number, readonly first: number, readonly count: number }
  | { readonly type: 'objectIdsReserved', readonly nodeId: number, readonly nodeEpoch: number, readonly first: ObjectId, readonly count: number }
  /**
   * Objects become part of their streams, and all that the node's WAL holds up to `walPosition` is needed no more.
   * Pieces of another epoch than their stream's, or of a stream that another node owns, are dropped.
   */
  | { readonly type: 'segmentCommitted', readonly nodeId: number, readonly nodeEpoch: number, readonly walPosition: number, readonly objects: readonly ObjectCommit[], readonly atMs: number }
  /** The object holds all that is live of `inputs`, piece by piece, and takes their place. */
  | { readonly type: 'objectsReplaced', readonly nodeId: number, readonly nodeEpoch: number, readonly inputs: readonly ObjectId[], readonly object: ObjectCommit, readonly atMs: number }
  /** Of earlier releases: one piece of another owner refused all. */
  | { readonly type: 'objectsCommitted', readonly nodeId: number, readonly nodeEpoch: number, readonly objects: readonly ObjectCommit[], readonly atMs: number }
  | { readonly type: 'streamTrimmed', readonly streamId: StreamId, readonly startOffset: number, readonly atMs: number }
  /** Ids that an earlier epoch reserved and never committed: their names were deleted once, and will be again. */
  | { readonly type: 'objectsAbandoned', readonly objectIds: readonly ObjectId[], readonly atMs: number }
  | { readonly type: 'objectsForgotten', readonly objectIds: readonly ObjectId[] }
  /** An operator gave up what was lost: ids that may have been given out in what is lost are never given out again. */
  | { readonly type: 'idsSkipped', readonly nextStreamId: StreamId, readonly nextObjectId: ObjectId, readonly nextProducerId: number }
  /**
   * An operator gave up what the node's WAL held and objects do not. The objects carry each stream past every offset that may have been
   * given out; the streams get new epochs, and the node has no WAL until it opens one.
   */
  | { readonly type: 'lossAccepted', readonly nodeId: number, readonly nodeEpoch: number, readonly objects: readonly ObjectCommit[], readonly atMs: number }

/** `topic`: named by topic id. `broker`: by node id, or '' for the default of all. `group`: by group id. */
export interface ConfigResource { readonly kind: 'topic' | 'broker' | 'group', readonly name: string }

export interface AbandonedObject { readonly objectId: ObjectId, readonly sinceMs: number }
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
  'clusterFounded', 'nodeEpochTaken', 'nodeWalOpened', 'nodeOpened', 'nodeStopped', 'nodeEndLost', 'nodeRemoved', 'nodeRegistered', 'nodeWalChanged',
  'topicCreated', 'partitionsAdded', 'topicDeleted', 'configsSet', 'producerIdsReserved', 'objectIdsReserved', 'segmentCommitted',
  'objectsCommitted', 'objectsReplaced', 'streamTrimmed', 'objectsAbandoned', 'objectsForgotten', 'idsSkipped', 'lossAccepted'
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
