import { invariant, type Clock, type WalPosition } from '@streambed/sdk'
import type { StreamId } from '../catalog/catalog.ts'
import { costOf, type StreamBatch } from '../stream/stream-batch.ts'
import { BatchRun } from './batch-run.ts'

/**
 * A stretch of the log in WAL order: what is uploaded, and later evicted, together.
 * Filled until sealed; immutable after.
 */
export interface LogSegment {
  /** Payload bytes held … */
  bytes: number
  /** … and what holding them costs; see `costOf`. */
  cost: number
  /** Every record up to and including this WAL position is in this segment or an earlier one. */
  lastPosition: WalPosition
  /** Monotonic ms of the first record. */
  readonly openedMs: number
  readonly streams: Map<StreamId, SegmentStream>
}

/** What a segment holds of one stream, all appended in one epoch of it; `bytes` of payload in all. */
export interface SegmentStream { readonly streamEpoch: number, readonly batches: StreamBatch[], bytes: number }

/** Whose batch it is that the cache takes. */
export interface CachedStream { readonly streamId: StreamId, readonly epoch: number }

/**
 * Confirmed batches in memory: all that is not uploaded yet, and behind it, while the budget allows, what is. Serves
 * tailing readers without I/O. Pure bookkeeping: it keeps no clock, and knows no WAL or store.
 *
 * Ownership: a batch's bytes are shared with readers and uploads, and never modified after `add`.
 */
export class LogCache {
  readonly #bytesMax: number
  readonly #runs = new Map<StreamId, BatchRun>()
  readonly #uploaded: LogSegment[] = []
  readonly #sealed: LogSegment[] = []
  #active: LogSegment | undefined
  #cost = 0
  #pendingCost = 0

  /** `bytesMax`: cost of the batches to hold before uploaded segments are evicted; what is not uploaded always stays. */
  constructor (options: { readonly bytesMax: number }) { this.#bytesMax = options.bytesMax }

  /** Of all batches held, in bytes. */
  get cost (): number { return this.#cost }
  /** Of the batches that no committed object holds yet, in bytes. */
  get pendingCost (): number { return this.#pendingCost }
  get activeCost (): number { return this.#active?.cost ?? 0 }
  /** Payload bytes of the active segment. */
  get activeBytes (): number { return this.#active?.bytes ?? 0 }
  /** When the active segment got its first record, in monotonic ms; undefined while it has none. */
  get activeSinceMs (): number | undefined { return this.#active?.openedMs }
  /** Those that wait for their commit, oldest first. */
  get sealed (): readonly LogSegment[] { return this.#sealed }

  /** Adds a confirmed batch; per stream in offset order, over all streams in WAL order. */
  add ({ epoch, streamId }: CachedStream, batch: StreamBatch, position: WalPosition, clock: Pick<Clock, 'monotonicMs'>): void {
    const segment: LogSegment = this.#active ??= { bytes: 0, cost: 0, lastPosition: position, openedMs: clock.monotonicMs(), streams: new Map() }
    const ofStream = segment.streams.get(streamId)
    if (ofStream === undefined) segment.streams.set(streamId, { streamEpoch: epoch, batches: [batch], bytes: batch.bytes.length })
    else {
      ofStream.batches.push(batch)
      ofStream.bytes += batch.bytes.length
    }
    const cost = costOf(batch)
    segment.bytes += batch.bytes.length
    segment.cost += cost
    segment.lastPosition = position
    this.#cost += cost
    this.#pendingCost += cost
    const run = this.#runs.get(streamId)
    if (run === undefined) {
      const fresh = new BatchRun()
      fresh.push(batch)
      this.#runs.set(streamId, fresh)
    } else run.push(batch)
    if (this.#cost > this.#bytesMax) this.#evict()
  }

  /** Ends the active segment, if it holds anything, and queues it for upload. */
  seal (): void {
    if (this.#active === undefined) return
    this.#sealed.push(this.#active)
    this.#active = undefined
  }

  /** The oldest sealed segment is now held by committed objects. */
  markUploaded (segment: LogSegment): void {
    invariant(this.#sealed[0] === segment, 'segments are uploaded oldest first')
    this.#sealed.shift()
    this.#uploaded.push(segment)
    this.#pendingCost -= segment.cost
    this.#evict()
  }

  /** The batches held of a stream, oldest first; undefined when none. */
  run (streamId: StreamId): BatchRun | undefined { return this.#runs.get(streamId) }

  #evict (): void {
    while (this.#cost > this.#bytesMax) {
      const oldest = this.#uploaded.shift()
      if (oldest === undefined) return
      this.#cost -= oldest.cost
      for (const [streamId, { batches }] of oldest.streams) {
        const run = this.#runs.get(streamId)!
        run.dropFirst(batches.length)
        if (run.isEmpty) this.#runs.delete(streamId)
      }
    }
  }
}
