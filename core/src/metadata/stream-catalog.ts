import { StreambedError, type Clock, type WalPosition } from '@streambed/sdk'
import type { Catalog, LiveObject, LivePiece, ObjectCommit, ObjectFacts, ObjectId, StreamFacts, StreamId, StreamRange } from '../storage/catalog/catalog.ts'
import type { Metadata } from './metadata.ts'
import { streamNames } from './stream-names.ts'

export interface StreamCatalogParts {
  readonly metadata: Metadata
  readonly clock: Clock
  readonly nodeId: number
  readonly nodeEpoch: number
}

/** The stream engine's catalog, as one node at one epoch sees the cluster's image. */
export class StreamCatalog implements Catalog {
  readonly #parts: StreamCatalogParts
  constructor (parts: StreamCatalogParts) { this.#parts = parts }

  get position (): number {
    const { metadata, nodeEpoch, nodeId } = this.#parts
    const node = this.#image.node(nodeId)
    // What a process saw after another has taken over proves nothing: that one opens with what came before.
    return node === undefined || node.epoch === nodeEpoch ? metadata.end : Math.min(metadata.end, node.triedAt ?? node.epoch)
  }

  get foundPosition (): number { return this.#image.node(this.#parts.nodeId)?.triedAt ?? this.position }
  get walReach (): WalPosition { return this.#image.node(this.#parts.nodeId)?.walPosition ?? -1 }
  get nextStreamId (): StreamId { return this.#image.nextStreamId }
  get nextObjectId (): ObjectId { return this.#image.nextObjectId }

  owns ({ epoch, ownerNodeId }: StreamFacts, streamEpoch: number | undefined): boolean {
    return ownerNodeId === this.#parts.nodeId && (streamEpoch ?? epoch) === epoch
  }

  stream (streamId: StreamId): StreamFacts | undefined { return this.#image.stream(streamId) }
  ranges (streamId: StreamId): readonly StreamRange[] { return this.#image.ranges(streamId) }
  object (objectId: ObjectId): ObjectFacts | undefined { return this.#image.object(objectId) }

  nameOf (streamId: StreamId): string { return streamNames(this.#image).get(streamId) ?? `stream ${streamId}` }

  rangeAt (streamId: StreamId, offset: number): StreamRange | undefined {
    const ranges = this.#image.ranges(streamId)
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (ranges[middle]!.endOffset <= offset) low = middle + 1
      else high = middle
    }
    return ranges[low]
  }

  reserveObjectIds (count: number): Promise<ObjectId> {
    const { metadata, nodeEpoch, nodeId } = this.#parts
    return metadata.propose(image => {
      const first = image.nextObjectId
      return { records: [{ type: 'objectIdsReserved', nodeId, nodeEpoch, first, count }], result: first }
    })
  }

  commitObjects (objects: readonly ObjectCommit[], walPosition: WalPosition): Promise<void> {
    const { clock, metadata, nodeEpoch, nodeId } = this.#parts
    return metadata.propose(() => ({ records: [{ type: 'segmentCommitted', nodeId, nodeEpoch, walPosition, objects, atMs: clock.wallMs() }], result: undefined }))
  }

  liveObjects (): readonly LiveObject[] {
    const { objects, ranges, streams } = this.#image.tables
    const pieces = new Map<ObjectId, LivePiece[]>()
    for (const [streamId, ofStream] of ranges.entries()) {
      const stream = streams.get(streamId)
      if (stream === undefined || !this.owns(stream, undefined)) continue
      for (const range of ofStream) {
        const piece = { streamId, streamEpoch: stream.epoch, range, startOffset: Math.max(range.startOffset, stream.startOffset) }
        const known = pieces.get(range.objectId)
        if (known === undefined) pieces.set(range.objectId, [piece])
        else known.push(piece)
      }
    }
    const live: LiveObject[] = []
    for (const [objectId, found] of pieces) {
      const { rangeCount, ...facts } = objects.get(objectId)!
      if (rangeCount === found.length) live.push({ facts, pieces: found })
    }
    return live
  }

  replaceObjects (inputs: readonly ObjectId[], object: ObjectCommit): Promise<void> {
    const { clock, metadata, nodeEpoch, nodeId } = this.#parts
    return metadata.propose(() => ({ records: [{ type: 'objectsReplaced', nodeId, nodeEpoch, inputs, object, atMs: clock.wallMs() }], result: undefined }))
  }

  trimStream (streamId: StreamId, startOffset: number): Promise<void> {
    const { clock, metadata, nodeEpoch, nodeId } = this.#parts
    return metadata.propose(image => {
      const current = image.node(nodeId)?.epoch
      // Whoever took over reads its start once, when it opens.
      if (current !== nodeEpoch) throw new StreambedError('FENCED', `another process took over this node. nodeId=${nodeId} epoch=${nodeEpoch} current=${current ?? 'none'}`)
      const isNews = (image.stream(streamId)?.startOffset ?? 0) < startOffset
      return { records: isNews ? [{ type: 'streamTrimmed', streamId, startOffset, atMs: clock.wallMs() }] : [], result: undefined }
    })
  }

  condemnedObjects (beforeMs: number, limit: number): readonly ObjectFacts[] {
    const found: ObjectFacts[] = []
    for (const object of this.#image.tables.condemned.values()) {
      if (object.sinceMs <= beforeMs) found.push(object)
      if (found.length === limit) break
    }
    return found
  }

  abandonedObjectIds (limit: number): readonly ObjectId[] {
    const { nodeEpoch, nodeId } = this.#parts
    const found: ObjectId[] = []
    for (const reservation of this.#image.tables.reservations.values()) {
      if (reservation.nodeId === nodeId && reservation.nodeEpoch < nodeEpoch) found.push(...reservation.objectIds)
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  }

  abandonObjects (objectIds: readonly ObjectId[]): Promise<void> {
    const { clock, metadata } = this.#parts
    return metadata.propose(() => ({ records: [{ type: 'objectsAbandoned', objectIds, atMs: clock.wallMs() }], result: undefined }))
  }

  lateObjectIds (beforeMs: number, limit: number): readonly ObjectId[] {
    const found: ObjectId[] = []
    for (const { objectId, sinceMs } of this.#image.tables.abandoned.values()) {
      if (sinceMs <= beforeMs) found.push(objectId)
      if (found.length === limit) break
    }
    return found
  }

  isForgotten (objectId: ObjectId): boolean {
    const { abandoned, condemned, objects, reservations } = this.#image.tables
    if (objectId < this.#image.sweptFrom || objectId >= this.#image.nextObjectId || objects.has(objectId) || condemned.has(objectId) || abandoned.has(objectId)) return false
    for (const { objectIds } of reservations.values()) if (objectIds.includes(objectId)) return false
    return true
  }

  forgetObjects (objectIds: readonly ObjectId[]): Promise<void> {
    return this.#parts.metadata.propose(() => ({ records: [{ type: 'objectsForgotten', objectIds }], result: undefined }))
  }

  get #image (): Metadata['image'] { return this.#parts.metadata.image }
}
