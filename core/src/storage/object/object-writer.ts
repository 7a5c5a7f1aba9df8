import type { Environment } from '@streambed/sdk'
import type { ObjectCommit, ObjectId, RangeCommit } from '../catalog/catalog.ts'
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
  const ranges: RangeCommit[] = []
  for (const { batches, streamEpoch, streamId } of plan) {
    let range: RangeCommit | undefined
    for (const inBlock of cutBlocks(batches, options.blockBytes)) {
      const block = encodeBlock(inBlock, crc32c)
      pieces.push(...block.pieces)
      const startOffset = inBlock[0]!.baseOffset
      const endOffset = endOffsetOf(inBlock.at(-1)!)
      const largestTimestamp = inBlock.reduce((largest, batch) => Math.max(largest, batch.largestTimestamp), -1)
      entries.push({ streamId, startOffset, endOffset, position, size: block.size, largestTimestamp, batchCount: inBlock.length })
      range = {
        streamId,
        streamEpoch,
        startOffset: range?.startOffset ?? startOffset,
        endOffset,
        bytes: (range?.bytes ?? 0) + block.size,
        largestTimestamp: Math.max(range?.largestTimestamp ?? -1, largestTimestamp)
      }
      position += block.size
      if (clock.monotonicMs() - turn.startedMs < turnMs && position - turn.position < turnBytes) continue
      await yieldTurn()
      turn = { startedMs: clock.monotonicMs(), position }
    }
    if (range !== undefined) ranges.push(range)
  }
  const index = encodeIndex(entries, crc32c)
  pieces.push(index, encodeFooter({ objectId, indexPosition: position, indexSize: index.length }, crc32c))
  return { pieces, commit: { objectId, store: options.store, size: position + index.length + footerBytes, ranges } }
}
