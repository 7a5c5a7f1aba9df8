import type { Appended, ShardLog } from './shard-log.ts'
import type { ShardState } from './shard-state.ts'

export interface LogRewriteParts<R> {
  readonly log: ShardLog
  readonly state: ShardState<R>
  /** Records to a piece, about. */
  readonly pieceRecords: number
  readonly append: (records: readonly R[]) => Appended
  /** Resolves once all that was appended before the call is durable. */
  readonly settled: () => Promise<void>
}

/**
 * Keeps a log short: writes the state anew at its end, then moves its start there. Piece by piece, with commits between the
 * pieces: each piece holds the state exactly as it is at the piece's own place in the log, so applying it changes nothing. A
 * crash anywhere leaves a log that replays to the same state, and no moment is needed at which nothing is in flight.
 */
export class LogRewrite<R> {
  readonly #parts: LogRewriteParts<R>
  constructor (parts: LogRewriteParts<R>) { this.#parts = parts }

  /** Resolves once all before the rewrite is deleted. Rejects, with the log as good as before, when an append or the deletion fails. */
  async run (): Promise<void> {
    const { log, pieceRecords, settled, state } = this.#parts
    const startOffset = log.nextOffset
    // A part that comes later has its records behind `startOffset` already; one that goes, its deletion.
    const parts = [...state.parts()]
    for (let next = 0; next < parts.length;) {
      const records: R[] = []
      // Read and appended in one turn: nothing can come between.
      while (next < parts.length && records.length < pieceRecords) records.push(...state.recordsOf(parts[next++]!))
      if (records.length > 0) await this.#parts.append(records).durable
    }
    // All of it is durable before anything goes, and so is what it was made from.
    await settled()
    await log.deleteBefore(startOffset)
  }
}
