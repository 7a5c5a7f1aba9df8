/** Names a stream for ever; minted by the catalog, never reused. */
export type StreamId = number
/** Names an object for ever; minted by the catalog in increasing order, never reused. */
export type ObjectId = number

/** What the catalog knows of one stream. Offsets are record numbers; ranges are half-open. */
export interface StreamFacts {
  readonly streamId: StreamId
  /** Bumped whenever the stream moves to another owner; a commit by another owner is refused. */
  readonly epoch: number
  readonly ownerNodeId: number
  /** Offsets below are trimmed. */
  readonly startOffset: number
  /** The end of what committed objects hold: the log continues here. */
  readonly endOffset: number
}

/** A contiguous piece of one stream inside one object. */
export interface StreamRange {
  readonly objectId: ObjectId
  readonly startOffset: number
  readonly endOffset: number
  /** Payload bytes of the piece. */
  readonly bytes: number
  /** The largest timestamp of its batches, in ms since the epoch; -1 when none has one. */
  readonly largestTimestamp: number
}

export interface ObjectFacts {
  readonly objectId: ObjectId
  /** The configured name of the store that holds it. */
  readonly store: string
  /** Bytes of the whole object. */
  readonly size: number
}

/** An uploaded object, to be made part of its streams. */
export interface ObjectCommit extends ObjectFacts {
  readonly ranges: readonly (Omit<StreamRange, 'objectId'> & { readonly streamId: StreamId })[]
}

/**
 * What the stream engine needs to know of the cluster, and nothing else of it. Reads are synchronous views of the
 * newest known state; changes resolve once they are durable and visible in those views.
 *
 * Changes reject with FENCED when another node or a newer epoch owns what they touch, NOT_FOUND for a deleted stream,
 * CONFLICT when a stream does not end where a commit begins.
 */
export interface Catalog {
  stream (streamId: StreamId): StreamFacts | undefined
  /** The piece that holds `offset`, or the next one after it; undefined past the last. */
  rangeAt (streamId: StreamId, offset: number): StreamRange | undefined
  /** All committed pieces in offset order. */
  ranges (streamId: StreamId): readonly StreamRange[]
  object (objectId: ObjectId): ObjectFacts | undefined
  /** Reserves `count` consecutive ids and resolves with the first. Ids first, bytes second: so orphans can be found. */
  reserveObjectIds (count: number): Promise<ObjectId>
  /** Adds the objects to their streams, all or none. Pieces of streams deleted meanwhile are dropped. */
  commitObjects (commits: readonly ObjectCommit[]): Promise<void>
  /** Raises the start of a stream; a lower value than today's changes nothing. */
  trimStream (streamId: StreamId, startOffset: number): Promise<void>
  /** Objects that no stream needs since `beforeMs` (wall clock) or earlier, at most `limit`. */
  condemnedObjects (beforeMs: number, limit: number): readonly ObjectFacts[]
  /** Ids that an earlier epoch of this node reserved and never committed: what they name, if anything, is an orphan. */
  abandonedObjectIds (limit: number): readonly ObjectId[]
  /** Forgets objects whose bytes are deleted, condemned or abandoned. */
  forgetObjects (objectIds: readonly ObjectId[]): Promise<void>
}
