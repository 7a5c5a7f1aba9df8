import type { Environment } from '@streambed/sdk'
import type { ObjectCommit, ObjectId, StreamRange, StreamId } from '../catalog/catalog.ts'
import { endOffsetOf } from '../stream/stream-batch.ts'
import type { PlannedObject } from '../upload/object-plan.ts'
import { encodeBlock, encodeFooter, encodeIndex, footerBytes, type BlockEntry } from './object-format.ts'

export interface EncodedObject {
  /** To be stored back to back; views of the batches, not copies. */
  readonly pieces: readonly Uint8Array[]
  readonly commit: ObjectCommit
}

/**
 * Lays out one object, a block a turn: producers are not kept waiting for it. Checksums are taken once, here, before any
 * attempt to upload.
 */
export async function encodeObject (objectId: ObjectId, store: string, plan: PlannedObject, { crc32c, yieldTurn }: Pick<Environment, 'crc32c' | 'yieldTurn'>): Promise<EncodedObject> {
  const pieces: Uint8Array[] = []
  const entries: BlockEntry[] = []
  let position = 0
  for (const { streamId, batches } of plan) {
    const block = encodeBlock(batches, crc32c)
    pieces.push(...block.pieces)
    entries.push({
      streamId,
      startOffset: batches[0]!.baseOffset,
      endOffset: endOffsetOf(batches.at(-1)!),
      position,
      size: block.size,
      largestTimestamp: batches.reduce((largest, batch) => Math.max(largest, batch.largestTimestamp), -1),
      batchCount: batches.length
    })
    position += block.size
    await yieldTurn()
  }
  const index = encodeIndex(entries, crc32c)
  pieces.push(index, encodeFooter({ objectId, indexPosition: position, indexSize: index.length }, crc32c))
  return { pieces, commit: { objectId, store, size: position + index.length + footerBytes, ranges: rangesOf(entries) } }
}

function rangesOf (entries: readonly BlockEntry[]): ObjectCommit['ranges'] {
  const ranges = new Map<StreamId, Omit<StreamRange, 'objectId'> & { readonly streamId: StreamId }>()
  for (const { streamId, startOffset, endOffset, size, largestTimestamp } of entries) {
    const before = ranges.get(streamId)
    ranges.set(streamId, {
      streamId,
      startOffset: before?.startOffset ?? startOffset,
      endOffset,
      bytes: (before?.bytes ?? 0) + size,
      largestTimestamp: Math.max(before?.largestTimestamp ?? -1, largestTimestamp)
    })
  }
  return [...ranges.values()]
}
