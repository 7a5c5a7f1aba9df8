import type { WalPosition } from '@streambed/sdk'

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
  /** Wall-clock ms of its commit, kept where no batch has a timestamp: what its age counts from. Earlier releases kept none. */
  readonly committedMs?: number
}

export interface ObjectFacts {
  readonly objectId: ObjectId
  /** The configured name of the store that holds it. */
  readonly store: string
  /** Bytes of the whole object. */
  readonly size: number
}

/** A piece of an uploaded object, to be made part of its stream. */
export interface RangeCommit extends Omit<StreamRange, 'objectId'> {
  readonly streamId: StreamId
  /** The stream's when it was appended. Absent in what earlier releases committed. */
  readonly streamEpoch?: number
}

/** An uploaded object, to be made part of its streams. */
export interface ObjectCommit extends ObjectFacts { readonly ranges: readonly RangeCommit[] }

/** A piece of a stream of this node, and from where on it is live. */
export interface LivePiece {
  readonly streamId: StreamId
  readonly streamEpoch: number
  readonly range: StreamRange
  /** Not below the range's own, nor at its end. */
  readonly startOffset: number
}

/** An object, and all that is needed of it. */
export interface LiveObject { readonly facts: ObjectFacts, readonly pieces: readonly LivePiece[] }

/**
 * What the stream engine needs to know of the cluster, and nothing else of it. Reads are synchronous views of the
 * newest known state; changes resolve once they are durable and visible in those views.
 *
 * Changes reject with FENCED when another node or a newer epoch owns what they touch, NOT_FOUND for a deleted stream,
 * CONFLICT when a stream does not end where a commit begins.
 */
export interface Catalog {
  /** How far the catalog's own history reaches, as this copy knows it; it only grows. Written into every WAL record. */
  readonly position: number
  /** `position` as it was found when this node began to open: what its WAL names must not lie past it. */
  readonly foundPosition: number
  /** How far the WAL is known to reach: it may be trimmed up to here, and no further before a commit has said so. */
  readonly walReach: WalPosition
  /** Every stream id below was given out. */
  readonly nextStreamId: StreamId
  /** Every object id below was given out. */
  readonly nextObjectId: ObjectId
  /** Whether this node may append to the stream, in that epoch of it. */
  owns (stream: StreamFacts, streamEpoch: number | undefined): boolean
  stream (streamId: StreamId): StreamFacts | undefined
  /** The piece that holds `offset`, or the next one after it; undefined past the last. */
  rangeAt (streamId: StreamId, offset: number): StreamRange | undefined
  /** All committed pieces in offset order. */
  ranges (streamId: StreamId): readonly StreamRange[]
  object (objectId: ObjectId): ObjectFacts | undefined
  /** What people call the stream, for messages; its number when it has no name. */
  nameOf (streamId: StreamId): string
  /** Reserves `count` consecutive ids and resolves with the first. Ids first, bytes second: so orphans can be found. */
  reserveObjectIds (count: number): Promise<ObjectId>
  /**
   * Adds the objects to their streams, all or none, and notes that what the WAL holds up to `walPosition` is needed no more.
   * Pieces of streams deleted or moved meanwhile are dropped.
   */
  commitObjects (commits: readonly ObjectCommit[], walPosition: WalPosition): Promise<void>
  /** Every object that is needed for streams of this node, and for no others. In no order. */
  liveObjects (): readonly LiveObject[]
  /**
   * Puts the object in the place of `inputs`, all of whose live pieces it holds, one by one; they are condemned. CONFLICT, with nothing
   * changed, when one of them is not live any more, or has a live piece that the object lacks. What was trimmed or deleted since drops out.
   */
  replaceObjects (inputs: readonly ObjectId[], object: ObjectCommit): Promise<void>
  /** Raises the start of a stream; a lower value than today's changes nothing. */
  trimStream (streamId: StreamId, startOffset: number): Promise<void>
  /** Objects that no stream needs since `beforeMs` (wall clock) or earlier, at most `limit`. */
  condemnedObjects (beforeMs: number, limit: number): readonly ObjectFacts[]
  /** Ids that an earlier epoch of this node reserved and never committed: what they name, if anything, is an orphan. */
  abandonedObjectIds (limit: number): readonly ObjectId[]
  /** Takes note of ids that nothing will be committed under, deleted or not; they are kept to be deleted again: a put may have been on its way. */
  abandonObjects (objectIds: readonly ObjectId[]): Promise<void>
  /** Ids noted as abandoned at `beforeMs` (wall clock) or earlier, at most `limit`. */
  lateObjectIds (beforeMs: number, limit: number): readonly ObjectId[]
  /** Whether nothing can ever need the object again: its id was given out by what is known, and is neither live, condemned, abandoned nor reserved. */
  isForgotten (objectId: ObjectId): boolean
  /** Forgets objects whose bytes are deleted, condemned or abandoned. */
  forgetObjects (objectIds: readonly ObjectId[]): Promise<void>
}
