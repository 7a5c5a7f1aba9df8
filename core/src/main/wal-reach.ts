import type { Wal } from '@streambed/sdk'
import type { NodeFacts } from '../metadata/image.ts'
import { LostEndError } from '../storage/catalog/lost-end.ts'

/**
 * Metadata and WAL each say how far the other must reach: the WAL was never trimmed past what the metadata knows of, and holds, or
 * has trimmed, all that the metadata knows of, and was open in every epoch that the metadata knows it was. Throws CORRUPT, naming the one that is older than the other.
 */
export function checkReach ({ identity }: Pick<Wal, 'identity'>, { openedEpoch, wal, walPosition }: NodeFacts): void {
  // Of an earlier release, or not the log that the position is of.
  if (identity === undefined || walPosition === null || wal?.id !== identity.id) return
  const { last, trimmed, writerEpoch } = identity
  if (trimmed > walPosition) throw new LostEndError('catalog', `the WAL was trimmed further than this log knows of. trimmed=${trimmed} known=${walPosition}`)
  if (last < walPosition) throw new LostEndError('wal', `it once reached further. last=${last} reached=${walPosition}`)
  // What was confirmed after the last commit is known to the WAL alone; but each opening leaves its epoch there.
  if (openedEpoch !== null && writerEpoch < openedEpoch) throw new LostEndError('wal', `it was once open in a later epoch. found=${writerEpoch} opened=${openedEpoch}`)
}
