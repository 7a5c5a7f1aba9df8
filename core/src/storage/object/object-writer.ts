import type { Environment } from '@streambed/sdk'
import type { ObjectCommit, ObjectId, RangeCommit, StreamId } from '../catalog/catalog.ts'
import { endOffsetOf } from '../stream/stream-batch.ts'
import { cutBlocks, type PlannedObject } from '../upload/object-plan.ts'
import { encodeBlock, encodeFooter, encodeIndex, footerBytes, type BlockEntry } from './object-format.ts'

export interface EncodedObject {
  /** To be stored back to back; views of the batches, not copies. */
  readonly pieces: readonly Uint8Array[]
  readonly commit: ObjectCommit
}

/** Others get a turn after this much work … */
const turnMs = 1
/** … or these bytes. */
const turnBytes = 4 * 1024 * 1024

/**
 * Lays out one object, whole blocks of about `blockBytes`, in short turns: producers are not kept waiting for it. Checksums are taken once,
 * here, before any attempt to upload.
 */
export async function encodeObject (objectId: ObjectId, plan: PlannedObject, options: { readonly store: string, readonly blockBytes: number }, environment: Pick<Environment, 'clock' | 'crc32c' | 'yieldTurn'>): Promise<EncodedObject> {
  const { clock, crc32c, yieldTurn } = environment
  const pieces: Uint8Array[] = []
  const entries: BlockEntry[] = []
  let position = 0
  let turn = { startedMs: clock.monotonicMs(), position }
  for (const { streamId, batches } of plan) {
    for (const inBlock of cutBlocks(batches, options.blockBytes)) {
      const block = encodeBlock(inBlock, crc32c)
      pieces.push(...block.pieces)
      entries.push({
        streamId,
        startOffset: inBlock[0]!.baseOffset,
        endOffset: endOffsetOf(inBlock.at(-1)!),
        position,
        size: block.size,
        largestTimestamp: inBlock.reduce((largest, batch) => Math.max(largest, batch.largestTimestamp), -1),
        batchCount: inBlock.length
      })
      position += block.size
      if (clock.monotonicMs() - turn.startedMs < turnMs && position - turn.position < turnBytes) continue
      await yieldTurn()
      turn = { startedMs: clock.monotonicMs(), position }
    }
  }
  const index = encodeIndex(entries, crc32c)
  pieces.push(index, encodeFooter({ objectId, indexPosition: position, indexSize: index.length }, crc32c))
  return { pieces, commit: { objectId, store: options.store, size: position + index.length + footerBytes, ranges: rangesOf(entries, plan) } }
}

function rangesOf (entries: readonly BlockEntry[], plan: PlannedObject): readonly RangeCommit[] {
  const epochs = new Map(plan.map(({ streamEpoch, streamId }) => [streamId, streamEpoch]))
  const ranges = new Map<StreamId, RangeCommit>()
  for (const { streamId, startOffset, endOffset, size, largestTimestamp } of entries) {
    const before = ranges.get(streamId)
    ranges.set(streamId, {
      streamId,
      streamEpoch: epochs.get(streamId)!,
      startOffset: before?.startOffset ?? startOffset,
      endOffset,
      bytes: (before?.bytes ?? 0) + size,
      largestTimestamp: Math.max(before?.largestTimestamp ?? -1, largestTimestamp)
    })
  }
  return [...ranges.values()]
}
