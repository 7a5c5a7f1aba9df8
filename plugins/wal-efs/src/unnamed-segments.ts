import { StreambedError, type Environment } from '@streambed/sdk'
import { BatchReader, release } from '@streambed/sdk/batch-log'
import type { EpochState, SegmentHeader } from './format.ts'
import { isSame, segmentIdOf, segmentPath, segmentsPath } from './layout.ts'
import { Segment } from './segment.ts'

/**
 * The segments of `epoch` that hold a batch. Asked before the epoch is fenced: a writer that has been fenced, and was stopped, may
 * still begin one, which no state that counts will name.
 */
export async function segmentsInUse (path: string, epoch: number, environment: Environment): Promise<readonly SegmentHeader[]> {
  const found: SegmentHeader[] = []
  for (const { name } of await environment.fileSystem.list(segmentsPath(path))) {
    const id = segmentIdOf(name)
    if (id?.epoch !== epoch) continue
    try {
      const segment = await Segment.open(path, id, environment)
      try {
        const reader = new BatchReader(segment, environment.crc32c, { start: segment.header.start, limit: segment.limit }, false)
        if (await reader.next() !== undefined) found.push(segment.header)
      } finally {
        await release(environment.logger, 'segment', () => segment.close())
      }
    } catch (error) {
      // Removed meanwhile, or never made. What is wrong with one that the log needs is for the scan to say.
      if (!StreambedError.is(error, 'NOT_FOUND', 'CORRUPT')) throw error
    }
  }
  return found
}

/** A batch is written to a segment only once the state names that: where it does not, the state is an older one. Rejects with CORRUPT. */
export function checkNamed (path: string, inUse: readonly SegmentHeader[], { writerEpoch, scanStart, confirmedEnd, segments }: EpochState): void {
  const unnamed = inUse.find(header => header.epoch === writerEpoch && header.start >= scanStart && !segments.some(entry => isSame(entry, header)))
  if (unnamed === undefined) return
  throw new StreambedError('CORRUPT', `a segment holds records, and the log's state does not know it: the state is older than the log. Restore the folder "epochs". path=${segmentPath(path, unnamed)} position=${unnamed.start} confirmedEnd=${confirmedEnd}`)
}
