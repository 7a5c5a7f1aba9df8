import type { Wal } from '@streambed/sdk'
import type { NodeFacts } from '../metadata/image.ts'
import { LostEndError } from '../storage/catalog/lost-end.ts'

/**
 * Metadata and WAL each say how far the other must reach: the WAL was never trimmed past what the metadata knows of, holds, or
 * has trimmed, all that the metadata knows of, and knows the newest epoch that served with it: a copy from before that opening lacks
 * what was appended since, of which the metadata may know nothing. Throws CORRUPT, naming the one that is older than the other.
 */
export function checkReach ({ identity }: Pick<Wal, 'identity'>, { refusedEpochs, servedEpoch, wal, walPosition }: NodeFacts): void {
  // Of an earlier release, or not the log that the position is of.
  if (identity === undefined || walPosition === null || wal?.id !== identity.id) return
  const { last, trimmed, writerEpoch } = identity
  if (trimmed > walPosition) throw new LostEndError('catalog', `the WAL was trimmed further than this log knows of. trimmed=${trimmed} known=${walPosition}`)
  if (last < walPosition) throw new LostEndError('wal', `it once reached further. last=${last} reached=${walPosition}`)
  if ((servedEpoch !== null && writerEpoch < servedEpoch) || refusedEpochs?.includes(writerEpoch) === true) {
    const why = `a later epoch served with it than any that had this copy open. writerEpoch=${writerEpoch} served=${servedEpoch}`
    throw new LostEndError('wal', why, { isShownOnce: true })
  }
}
