import type { StreamId } from '../catalog/catalog.ts'
import type { LogSegment } from '../cache/log-cache.ts'
import type { StreamBatch } from '../stream/stream-batch.ts'

export interface PlanOptions {
  /** A stream with at least this many payload bytes in a segment gets an object of its own. */
  readonly streamObjectBytesMin: number
  /** A data block is closed once it holds this many payload bytes. */
  readonly blockBytes: number
}

/** Batches of one stream that go into one data block. */
export interface PlannedBlock { readonly streamId: StreamId, readonly batches: readonly StreamBatch[] }

/** The data blocks of one object, sorted by stream, then offset. */
export type PlannedObject = readonly PlannedBlock[]

/** Decides which objects a segment becomes: one for each stream with much data, one stream-set object for the rest. */
export function planObjects (segment: LogSegment, options: PlanOptions): readonly PlannedObject[] {
  const streamSet: PlannedBlock[] = []
  const objects: PlannedObject[] = []
  const byStream = [...segment.batches].sort(([left], [right]) => left - right)
  for (const [streamId, batches] of byStream) {
    const blocks = cutBlocks(streamId, batches, options.blockBytes)
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0)
    if (bytes >= options.streamObjectBytesMin) objects.push(blocks)
    else streamSet.push(...blocks)
  }
  if (streamSet.length > 0) objects.push(streamSet)
  return objects
}

function cutBlocks (streamId: StreamId, batches: readonly StreamBatch[], blockBytes: number): PlannedBlock[] {
  const blocks: PlannedBlock[] = []
  let current: StreamBatch[] = []
  let bytes = 0
  for (const batch of batches) {
    current.push(batch)
    bytes += batch.bytes.length
    if (bytes < blockBytes) continue
    blocks.push({ streamId, batches: current })
    current = []
    bytes = 0
  }
  if (current.length > 0) blocks.push({ streamId, batches: current })
  return blocks
}
