import type { LogSegment } from '../cache/log-cache.ts'
import type { StreamId } from '../catalog/catalog.ts'
import { costOf, type StreamBatch } from '../stream/stream-batch.ts'

export interface PlanOptions {
  /** A stream with at least this many payload bytes in a segment gets an object of its own. */
  readonly streamObjectBytesMin: number
}

/** What one object holds of one stream: its batches in offset order, not yet cut into data blocks. */
export interface PlannedStream { readonly streamId: StreamId, readonly streamEpoch: number, readonly batches: readonly StreamBatch[] }

/** The streams of one object, in the order of their ids; of one stream several pieces, in the order of their offsets. */
export type PlannedObject = readonly PlannedStream[]

/** Decides which objects a segment becomes: one for each stream with much data, one stream-set object for the rest. Looks at no batch. */
export function planObjects (segment: LogSegment, { streamObjectBytesMin }: PlanOptions): readonly PlannedObject[] {
  const streamSet: PlannedStream[] = []
  const objects: PlannedObject[] = []
  const byStream = [...segment.streams].sort(([left], [right]) => left - right)
  for (const [streamId, { batches, bytes, streamEpoch }] of byStream) {
    if (bytes >= streamObjectBytesMin) objects.push([{ streamId, streamEpoch, batches }])
    else streamSet.push({ streamId, streamEpoch, batches })
  }
  if (streamSet.length > 0) objects.push(streamSet)
  return objects
}

/** Cuts batches into data blocks: each is closed once to hold it in memory costs `blockBytes`. */
export function * cutBlocks (batches: readonly StreamBatch[], blockBytes: number): Generator<readonly StreamBatch[]> {
  let start = 0
  let cost = 0
  for (let index = 0; index < batches.length; index++) {
    cost += costOf(batches[index]!)
    if (cost < blockBytes) continue
    yield batches.slice(start, index + 1)
    start = index + 1
    cost = 0
  }
  if (start < batches.length) yield batches.slice(start)
}
