import type { Wal } from '@streambed/sdk'
import type { NodeFacts } from '../metadata/image.ts'
import { LostEndError } from '../storage/catalog/lost-end.ts'

/**
 * Metadata and WAL each say how far the other must reach: the WAL was never trimmed past what the metadata knows of, holds, or
 * has trimmed, all that the metadata knows of. Throws CORRUPT, naming the one that is older than the other.
 */
export function checkReach ({ identity }: Pick<Wal, 'identity'>, { wal, walPosition }: NodeFacts): void {
  // Of an earlier release, or not the log that the position is of.
  if (identity === undefined || walPosition === null || wal?.id !== identity.id) return
  const { last, trimmed } = identity
  if (trimmed > walPosition) throw new LostEndError('catalog', `the WAL was trimmed further than this log knows of. trimmed=${trimmed} known=${walPosition}`)
  if (last < walPosition) throw new LostEndError('wal', `it once reached further. last=${last} reached=${walPosition}`)
}
