import { StreambedError, invariant } from '@streambed/sdk'
import type { ObjectCommit, ObjectFacts, ObjectId, RangeCommit, StreamFacts, StreamId, StreamRange } from '../storage/catalog/catalog.ts'
import { LayeredMap } from './layered-map.ts'
import type { AbandonedObject, CondemnedObject, ConfigResource, Endpoint, MetadataRecord, PartitionFacts, WalRegistration } from './records.ts'

export interface NodeFacts {
  readonly nodeId: number
  readonly epoch: number
  /** Random, of the process that took the epoch; null for one of an earlier release. */
  readonly incarnation: string | null
  /** Empty until the node has opened once. */
  readonly endpoints: readonly Endpoint[]
  readonly rack: string | null
  readonly wal: WalRegistration | null
  /** How far that WAL is known to reach; it was never trimmed past it. Null where an earlier release did not say. */
  readonly walPosition: number | null
  /** Position of the first epoch that was taken since the node last opened: how far the log reached when it came back. */
  readonly triedAt: number | null
  /** The node found out that this log lost its end. */
  readonly hasLostEnd?: boolean
}

export interface TopicFacts {
  readonly topicId: string
  readonly name: string
  readonly partitions: readonly PartitionFacts[]
}

/** An object in use: how many streams' ranges still point into it. */
export type LiveObject = ObjectFacts & { readonly rangeCount: number }

/** Ids handed to one epoch of one node that no commit has named yet. */
export interface ObjectReservation { readonly nodeId: number, readonly nodeEpoch: number, readonly objectIds: readonly ObjectId[] }

export interface ImageCounters {
  readonly clusterId: string
  readonly nextStreamId: StreamId
  readonly nextObjectId: ObjectId
  readonly nextProducerId: number
  /** Names of objects below are never looked for to be deleted: metadata that was lost may have known them. Absent: 1. */
  readonly sweptFrom?: ObjectId
}

/** The tables of the image by name: what a snapshot holds. Values are never modified, only replaced. */
export interface ImageTables {
  readonly counters: Table<'all', ImageCounters>
  readonly nodes: Table<number, NodeFacts>
  readonly topics: Table<string, TopicFacts>
  readonly topicIds: Table<string, string>
  readonly configs: Table<string, Readonly<Record<string, string>>>
  readonly streams: Table<StreamId, StreamFacts>
  readonly ranges: Table<StreamId, readonly StreamRange[]>
  readonly objects: Table<ObjectId, LiveObject>
  readonly condemned: Table<ObjectId, CondemnedObject>
  readonly reservations: Table<string, ObjectReservation>
  /** Ids never committed whose names were deleted once, with the wall-clock ms of that. */
  readonly abandoned: Table<ObjectId, AbandonedObject>
}
export type TableName = keyof ImageTables
type Table<K, V> = Map<K, V> | LayeredMap<K, V>

const emptyCounters: ImageCounters = Object.freeze({ clusterId: '', nextStreamId: 1, nextObjectId: 1, nextProducerId: 0 })

/**
 * The cluster's state: a deterministic function of the metadata log. `apply` takes a record and the position of its entry. It
 * refuses, with FENCED, CONFLICT, NOT_FOUND, ALREADY_EXISTS or INVALID_ARGUMENT, a record that does not hold in this state, and
 * then has changed nothing.
 */
export class ClusterImage {
  readonly tables: ImageTables
  constructor (tables: ImageTables = emptyTables()) { this.tables = tables }

  /** A layer over this image; `commit` on it changes this one. */
  fork (): { readonly image: ClusterImage, readonly commit: () => void } {
    const layers = mapTables(this.tables, table => new LayeredMap<never, never>(table))
    return { image: new ClusterImage(layers), commit: () => { for (const table of Object.values(layers)) (table as LayeredMap<unknown, unknown>).commit() } }
  }

  get clusterId (): string { return this.#counters.clusterId }
  get nextStreamId (): StreamId { return this.#counters.nextStreamId }
  get nextObjectId (): ObjectId { return this.#counters.nextObjectId }
  get sweptFrom (): ObjectId { return this.#counters.sweptFrom ?? 1 }
  get nextProducerId (): number { return this.#counters.nextProducerId }

  node (nodeId: number): NodeFacts | undefined { return this.tables.nodes.get(nodeId) }
  nodes (): Iterable<NodeFacts> { return this.tables.nodes.values() }
  /** The nodes that others may be told of: those that have served. One whose first start was refused has no endpoints. */
  brokers (): NodeFacts[] { return [...this.nodes()].filter(({ endpoints }) => endpoints.length > 0) }
  topic (topicId: string): TopicFacts | undefined { return this.tables.topics.get(topicId) }
  topics (): Iterable<TopicFacts> { return this.tables.topics.values() }
  topicNamed (name: string): TopicFacts | undefined {
    const topicId = this.tables.topicIds.get(name)
    return topicId === undefined ? undefined : this.tables.topics.get(topicId)
  }

  /** The overrides of one resource; empty when there are none. */
  configs (resource: ConfigResource): Readonly<Record<string, string>> { return this.tables.configs.get(configKey(resource)) ?? {} }
  stream (streamId: StreamId): StreamFacts | undefined { return this.tables.streams.get(streamId) }
  ranges (streamId: StreamId): readonly StreamRange[] { return this.tables.ranges.get(streamId) ?? [] }
  object (objectId: ObjectId): ObjectFacts | undefined { return this.tables.objects.get(objectId) }

  apply (record: MetadataRecord, position: number): void {
    switch (record.type) {
      case 'clusterFounded':
        if (this.clusterId !== '') throw new StreambedError('ALREADY_EXISTS', `the cluster is founded already. clusterId=${this.clusterId}`)
        this.#count({ clusterId: record.clusterId })
        return
      case 'nodeEpochTaken': return this.#takeEpoch(record, position)
      case 'nodeWalOpened': return this.#changeNode(record, { wal: record.wal, walPosition: record.walPosition })
      case 'nodeOpened':
        return this.#changeNode(record, { endpoints: record.endpoints, rack: record.rack, triedAt: null, ...this.#reaching(record) })
      case 'nodeStopped': return this.#changeNode(record, this.#reaching(record))
      case 'nodeEndLost': return this.#changeNode(record, { hasLostEnd: true })
      case 'nodeRemoved': return this.#removeNode(record.nodeId)
      case 'nodeRegistered': return this.#registerNode(record)
      case 'nodeWalChanged': return this.#changeNode(record, { wal: record.wal, walPosition: null })
      case 'topicCreated': return this.#createTopic(record)
      case 'partitionsAdded': return this.#addPartitions(record)
      case 'topicDeleted': return this.#deleteTopic(record.topicId, record.atMs)
      case 'configsSet':
        if (Object.keys(record.configs).length === 0) this.tables.configs.delete(configKey(record.resource))
        else this.tables.configs.set(configKey(record.resource), record.configs)
        return
      case 'producerIdsReserved':
        this.#currentNode(record.nodeId, record.nodeEpoch)
        if (record.first !== this.nextProducerId) throw new StreambedError('CONFLICT', `producer ids are taken. first=${record.first} next=${this.nextProducerId}`)
        this.#count({ nextProducerId: record.first + record.count })
        return
      case 'objectIdsReserved': return this.#reserveObjects(record)
      case 'segmentCommitted': return this.#commitSegment(record)
      case 'objectsCommitted': return this.#commitObjects(record)
      case 'objectsReplaced': return this.#replaceObjects(record)
      case 'streamTrimmed': return this.#trimStream(record.streamId, record.startOffset, record.atMs)
      case 'objectsAbandoned': return this.#abandonObjects(record.objectIds, record.atMs)
      case 'objectsForgotten': return this.#forgetObjects(record.objectIds)
      case 'idsSkipped': return this.#skipIds(record)
      case 'lossAccepted': return this.#acceptLoss(record)
      default: return record satisfies never
    }
  }

  get #counters (): ImageCounters { return this.tables.counters.get('all') ?? emptyCounters }
  #count (change: Partial<ImageCounters>): void { this.tables.counters.set('all', { ...this.#counters, ...change }) }

  /** The node, if `epoch` is its newest; else FENCED. */
  #currentNode (nodeId: number, epoch: number): NodeFacts {
    const node = this.tables.nodes.get(nodeId)
    if (node === undefined || node.epoch !== epoch) throw new StreambedError('FENCED', `another process took over this node. nodeId=${nodeId} epoch=${epoch} current=${node?.epoch ?? 'none'}`)
    return node
  }

  #changeNode ({ nodeId, epoch }: { readonly nodeId: number, readonly epoch: number }, change: Partial<NodeFacts>): void {
    this.tables.nodes.set(nodeId, { ...this.#currentNode(nodeId, epoch), ...change })
  }

  #reaching ({ nodeId, walPosition }: { readonly nodeId: number, readonly walPosition: number }): Pick<NodeFacts, 'walPosition'> {
    return { walPosition: Math.max(this.tables.nodes.get(nodeId)?.walPosition ?? -1, walPosition) }
  }

  #takeEpoch ({ nodeId, incarnation }: MetadataRecord & { type: 'nodeEpochTaken' }, position: number): void {
    const before = this.tables.nodes.get(nodeId)
    // Positions outgrow the counts of earlier releases: each of those took an entry of its own, after the founding.
    if (before !== undefined && before.epoch >= position) throw new StreambedError('CONFLICT', `the node has an epoch of this entry already. nodeId=${nodeId} epoch=${before.epoch} position=${position}`)
    const unknown = { endpoints: [], rack: null, wal: null, walPosition: null, triedAt: null }
    const node = { ...unknown, ...before, nodeId, epoch: position, incarnation }
    this.tables.nodes.set(nodeId, { ...node, triedAt: node.triedAt ?? position })
  }

  #registerNode ({ nodeId, epoch, endpoints, rack }: MetadataRecord & { type: 'nodeRegistered' }): void {
    const before = this.tables.nodes.get(nodeId)
    const expected = (before?.epoch ?? 0) + 1
    if (epoch !== expected) throw new StreambedError('CONFLICT', `node epoch is not the next one. nodeId=${nodeId} epoch=${epoch} expected=${expected}`)
    this.tables.nodes.set(nodeId, { nodeId, epoch, incarnation: null, endpoints, rack, wal: before?.wal ?? null, walPosition: before?.walPosition ?? null, triedAt: null })
  }

  #removeNode (nodeId: number): void {
    if (!this.tables.nodes.has(nodeId)) throw new StreambedError('NOT_FOUND', `no such node. nodeId=${nodeId}`)
    for (const { ownerNodeId, streamId } of this.tables.streams.values()) {
      if (ownerNodeId === nodeId) throw new StreambedError('CONFLICT', `the node owns partitions. nodeId=${nodeId} stream=${streamId}`)
    }
    this.tables.nodes.delete(nodeId)
  }

  #createTopic (record: MetadataRecord & { type: 'topicCreated' }): void {
    const { topicId, name, configs } = record
    if (this.tables.topicIds.has(name) || this.tables.topics.has(topicId)) throw new StreambedError('ALREADY_EXISTS', `topic exists. name=${name}`)
    const partitions = this.#createStreams(record.firstStreamId, record.partitionCount, record.ownerNodeId)
    this.tables.topics.set(topicId, { topicId, name, partitions })
    this.tables.topicIds.set(name, topicId)
    if (Object.keys(configs).length > 0) this.tables.configs.set(configKey({ kind: 'topic', name: topicId }), configs)
  }

  #addPartitions ({ topicId, count, firstStreamId, ownerNodeId }: MetadataRecord & { type: 'partitionsAdded' }): void {
    const topic = this.#existingTopic(topicId)
    const partitions = this.#createStreams(firstStreamId, count, ownerNodeId)
    this.tables.topics.set(topicId, { ...topic, partitions: [...topic.partitions, ...partitions] })
  }

  #createStreams (firstStreamId: StreamId, partitionCount: number, ownerNodeId: number): PartitionFacts[] {
    if (firstStreamId !== this.nextStreamId) throw new StreambedError('CONFLICT', `stream ids are taken. first=${firstStreamId} next=${this.nextStreamId}`)
    const partitions = Array.from({ length: partitionCount }, (_, index) => ({ dataStreamId: firstStreamId + 2 * index, checkpointStreamId: firstStreamId + 2 * index + 1 }))
    for (let streamId = firstStreamId; streamId < firstStreamId + 2 * partitionCount; streamId++) {
      this.tables.streams.set(streamId, { streamId, epoch: 0, ownerNodeId, startOffset: 0, endOffset: 0 })
    }
    this.#count({ nextStreamId: firstStreamId + 2 * partitionCount })
    return partitions
  }

  #deleteTopic (topicId: string, atMs: number): void {
    const topic = this.#existingTopic(topicId)
    for (const { checkpointStreamId, dataStreamId } of topic.partitions) {
      for (const streamId of [dataStreamId, checkpointStreamId]) {
        this.#release(this.ranges(streamId), atMs)
        this.tables.ranges.delete(streamId)
        this.tables.streams.delete(streamId)
      }
    }
    this.tables.configs.delete(configKey({ kind: 'topic', name: topicId }))
    this.tables.topicIds.delete(topic.name)
    this.tables.topics.delete(topicId)
  }

  #existingTopic (topicId: string): TopicFacts {
    const topic = this.tables.topics.get(topicId)
    if (topic === undefined) throw new StreambedError('NOT_FOUND', `no such topic. topicId=${topicId}`)
    return topic
  }

  #reserveObjects ({ nodeId, nodeEpoch, first, count }: MetadataRecord & { type: 'objectIdsReserved' }): void {
    this.#currentNode(nodeId, nodeEpoch)
    if (first !== this.nextObjectId) throw new StreambedError('CONFLICT', `object ids are taken. first=${first} next=${this.nextObjectId}`)
    const key = `${nodeId}:${nodeEpoch}`
    const before = this.tables.reservations.get(key)?.objectIds ?? []
    this.tables.reservations.set(key, { nodeId, nodeEpoch, objectIds: [...before, ...Array.from({ length: count }, (_, index) => first + index)] })
    this.#count({ nextObjectId: first + count })
  }

  #commitSegment ({ nodeId, nodeEpoch, objects, walPosition, atMs }: MetadataRecord & { type: 'segmentCommitted' }): void {
    const node = this.#currentNode(nodeId, nodeEpoch)
    const kept = objects.map(commit => ({ ...commit, ranges: commit.ranges.filter(range => this.#isOfOwner(range, nodeId)) }))
    this.#takeReserved(nodeId, nodeEpoch, kept)
    for (const commit of kept) this.#addObject(commit, atMs)
    this.tables.nodes.set(nodeId, { ...node, ...this.#reaching({ nodeId, walPosition }) })
  }

  #acceptLoss ({ nodeId, nodeEpoch, objects, atMs }: MetadataRecord & { type: 'lossAccepted' }): void {
    const node = this.#currentNode(nodeId, nodeEpoch)
    this.#takeReserved(nodeId, nodeEpoch, objects)
    for (const commit of objects) this.#addObject(commit, atMs)
    const owned = [...this.tables.streams.values()].filter(({ ownerNodeId }) => ownerNodeId === nodeId)
    for (const stream of owned) this.tables.streams.set(stream.streamId, { ...stream, epoch: stream.epoch + 1 })
    this.tables.nodes.set(nodeId, { ...node, wal: null, walPosition: null })
  }

  #isOfOwner ({ streamId, streamEpoch }: RangeCommit, nodeId: number): boolean {
    const stream = this.tables.streams.get(streamId)
    return stream !== undefined && stream.ownerNodeId === nodeId && stream.epoch === streamEpoch
  }

  #commitObjects ({ nodeId, nodeEpoch, objects, atMs }: MetadataRecord & { type: 'objectsCommitted' }): void {
    this.#currentNode(nodeId, nodeEpoch)
    for (const { streamId } of objects.flatMap(({ ranges }) => ranges)) {
      const owner = this.tables.streams.get(streamId)?.ownerNodeId ?? nodeId
      if (owner !== nodeId) throw new StreambedError('FENCED', `another node owns the stream. stream=${streamId} owner=${owner} node=${nodeId}`)
    }
    this.#takeReserved(nodeId, nodeEpoch, objects)
    for (const commit of objects) this.#addObject(commit, atMs)
  }

  #replaceObjects ({ atMs, inputs, nodeEpoch, nodeId, object: { ranges, ...facts } }: MetadataRecord & { type: 'objectsReplaced' }): void {
    this.#currentNode(nodeId, nodeEpoch)
    const left = new Map(inputs.map(objectId => [objectId, this.tables.objects.get(objectId)?.rangeCount ?? 0]))
    const changed: [StreamId, readonly StreamRange[]][] = []
    let rangeCount = 0
    for (const [streamId, pieces] of Map.groupBy(ranges, range => range.streamId)) {
      const stream = this.tables.streams.get(streamId)
      if (stream === undefined || !this.#isOfOwner(pieces[0]!, nodeId)) continue
      changed.push([streamId, this.ranges(streamId).map(range => {
        const remaining = left.get(range.objectId)
        const piece = remaining === undefined ? undefined : pieces.find(({ endOffset }) => endOffset === range.endOffset)
        if (remaining === undefined || piece === undefined || piece.startOffset > Math.max(range.startOffset, stream.startOffset)) return range
        left.set(range.objectId, remaining - 1)
        rangeCount++
        return { ...range, objectId: facts.objectId, startOffset: piece.startOffset, bytes: piece.bytes }
      })])
    }
    const condemned = inputs.map(objectId => {
      const object = this.tables.objects.get(objectId)
      if (object === undefined || left.get(objectId) !== 0) throw new StreambedError('CONFLICT', `the object is not live any more, or more of it is. objectId=${objectId} replacedBy=${facts.objectId}`)
      return object
    })
    this.#spendReserved(nodeId, nodeEpoch, [facts.objectId])
    for (const [streamId, replaced] of changed) this.tables.ranges.set(streamId, replaced)
    for (const { rangeCount: _, ...object } of condemned) {
      this.tables.objects.delete(object.objectId)
      this.tables.condemned.set(object.objectId, { ...object, sinceMs: atMs })
    }
    this.tables.objects.set(facts.objectId, { ...facts, rangeCount })
  }

  /** The ids of `objects` are reserved no longer. Refused, with nothing changed, unless all were and all continue their streams. */
  #takeReserved (nodeId: number, nodeEpoch: number, objects: readonly ObjectCommit[]): void {
    for (const commit of objects) this.#checkContinues(commit)
    this.#spendReserved(nodeId, nodeEpoch, objects.map(({ objectId }) => objectId))
  }

  #spendReserved (nodeId: number, nodeEpoch: number, objectIds: readonly ObjectId[]): void {
    const key = `${nodeId}:${nodeEpoch}`
    const reserved = new Set(this.tables.reservations.get(key)?.objectIds)
    for (const objectId of objectIds) {
      if (!reserved.delete(objectId)) throw new StreambedError('CONFLICT', `object id is not reserved, or committed already. objectId=${objectId} nodeId=${nodeId} epoch=${nodeEpoch}`)
    }
    this.#setReserved(key, { nodeId, nodeEpoch, objectIds: [...reserved] })
  }

  #checkContinues (commit: ObjectCommit): void {
    for (const range of commit.ranges) {
      const stream = this.tables.streams.get(range.streamId)
      if (stream === undefined) continue
      if (stream.endOffset !== range.startOffset || range.endOffset <= range.startOffset) throw new StreambedError('CONFLICT', `object does not continue the stream. stream=${range.streamId} end=${stream.endOffset} start=${range.startOffset}`)
    }
  }

  #addObject ({ objectId, ranges, size, store }: ObjectCommit, atMs: number): void {
    const facts = { objectId, store, size }
    let rangeCount = 0
    for (const { streamId, streamEpoch: _, ...range } of ranges) {
      const stream = this.tables.streams.get(streamId)
      if (stream === undefined) continue
      this.tables.streams.set(streamId, { ...stream, endOffset: range.endOffset })
      if (range.endOffset <= stream.startOffset) continue
      this.tables.ranges.set(streamId, [...this.ranges(streamId), { objectId, ...range, ...range.largestTimestamp < 0 ? { committedMs: atMs } : {} }])
      rangeCount++
    }
    if (rangeCount > 0) this.tables.objects.set(objectId, { ...facts, rangeCount })
    else this.tables.condemned.set(objectId, { ...facts, sinceMs: atMs })
  }

  #trimStream (streamId: StreamId, startOffset: number, atMs: number): void {
    const stream = this.tables.streams.get(streamId)
    if (stream === undefined) throw new StreambedError('NOT_FOUND', `no such stream. stream=${streamId}`)
    if (startOffset <= stream.startOffset) return
    this.tables.streams.set(streamId, { ...stream, startOffset })
    const ranges = this.ranges(streamId)
    const kept = ranges.filter(range => range.endOffset > startOffset)
    if (kept.length === ranges.length) return
    this.tables.ranges.set(streamId, kept)
    this.#release(ranges.slice(0, ranges.length - kept.length), atMs)
  }

  /** Condemns the objects that lose their last range. */
  #release (ranges: readonly StreamRange[], atMs: number): void {
    for (const { objectId } of ranges) {
      const object = this.tables.objects.get(objectId)
      invariant(object !== undefined, `a range points to an object that is not live. objectId=${objectId}`)
      const { rangeCount, ...facts } = object
      if (rangeCount > 1) {
        this.tables.objects.set(objectId, { ...facts, rangeCount: rangeCount - 1 })
        continue
      }
      this.tables.objects.delete(objectId)
      this.tables.condemned.set(objectId, { ...facts, sinceMs: atMs })
    }
  }

  #abandonObjects (objectIds: readonly ObjectId[], atMs: number): void {
    const needed = objectIds.find(objectId => this.tables.objects.has(objectId))
    if (needed !== undefined) throw new StreambedError('CONFLICT', `the object is needed. objectId=${needed}`)
    this.#dropReserved(objectIds)
    for (const objectId of objectIds) this.tables.abandoned.set(objectId, { objectId, sinceMs: atMs })
  }

  #forgetObjects (objectIds: readonly ObjectId[]): void {
    for (const objectId of objectIds) {
      this.tables.condemned.delete(objectId)
      this.tables.abandoned.delete(objectId)
    }
    this.#dropReserved(objectIds)
  }

  /** Only from reservations of earlier epochs: the newest one's may still be committed. */
  #dropReserved (objectIds: readonly ObjectId[]): void {
    const dropped = new Set(objectIds)
    for (const [key, reservation] of [...this.tables.reservations.entries()]) {
      const isCurrent = this.tables.nodes.get(reservation.nodeId)?.epoch === reservation.nodeEpoch
      if (isCurrent || !reservation.objectIds.some(objectId => dropped.has(objectId))) continue
      this.#setReserved(key, { ...reservation, objectIds: reservation.objectIds.filter(objectId => !dropped.has(objectId)) })
    }
  }

  #skipIds ({ nextObjectId, nextProducerId, nextStreamId }: MetadataRecord & { type: 'idsSkipped' }): void {
    const counters = this.#counters
    if (nextStreamId < counters.nextStreamId || nextObjectId < counters.nextObjectId || nextProducerId < counters.nextProducerId) {
      throw new StreambedError('CONFLICT', `ids only rise. stream=${counters.nextStreamId} object=${counters.nextObjectId} producer=${counters.nextProducerId}`)
    }
    for (const [key, { nodeEpoch, nodeId }] of [...this.tables.reservations.entries()]) {
      // Committed, perhaps, in what was lost: not to be taken for orphans.
      if (this.tables.nodes.get(nodeId)?.epoch !== nodeEpoch) this.tables.reservations.delete(key)
    }
    for (const node of [...this.tables.nodes.values()]) if (node.hasLostEnd === true) this.tables.nodes.set(node.nodeId, { ...node, hasLostEnd: false })
    this.#count({ nextStreamId, nextObjectId, nextProducerId, sweptFrom: nextObjectId })
  }

  #setReserved (key: string, reservation: ObjectReservation): void {
    if (reservation.objectIds.length === 0) this.tables.reservations.delete(key)
    else this.tables.reservations.set(key, reservation)
  }
}

function configKey (resource: ConfigResource): string { return `${resource.kind}:${resource.name}` }

function emptyTables (): ImageTables {
  return {
    counters: new Map(),
    nodes: new Map(),
    topics: new Map(),
    topicIds: new Map(),
    configs: new Map(),
    streams: new Map(),
    ranges: new Map(),
    objects: new Map(),
    condemned: new Map(),
    reservations: new Map(),
    abandoned: new Map()
  }
}

/** A table set of the same shape, each table made by `make` from the one before. */
function mapTables (tables: ImageTables, make: (table: Table<never, never>) => Table<never, never>): ImageTables {
  return Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, make(table as Table<never, never>)])) as unknown as ImageTables
}
