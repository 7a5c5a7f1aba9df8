export interface LeaderEpochStart { readonly leaderEpoch: number, readonly startOffset: number }

/** Which leader epoch began at which offset, oldest first: what KIP-320 lets consumers check their position against. */
export class LeaderEpochs {
  readonly #starts: LeaderEpochStart[]
  constructor (starts: readonly LeaderEpochStart[] = []) { this.#starts = [...starts] }

  /** Takes note that the batch at `offset` was appended in `leaderEpoch`. */
  record (leaderEpoch: number, offset: number): void {
    const last = this.#starts.at(-1)
    if (last === undefined || leaderEpoch > last.leaderEpoch) this.#starts.push({ leaderEpoch, startOffset: offset })
  }

  /** The epoch in which the record at `offset` was appended; -1 when unknown. */
  epochAt (offset: number): number {
    return this.#starts.findLast(start => start.startOffset <= offset)?.leaderEpoch ?? -1
  }

  /**
   * The largest epoch with data that is not above `leaderEpoch`, and where it ended; `leaderEpoch` itself, and where what came
   * after it began, when there is none. (-1, -1) when `leaderEpoch` is -1, or newer than `current`.
   */
  endOf (leaderEpoch: number, current: number, logEndOffset: number): { readonly leaderEpoch: number, readonly endOffset: number } {
    if (leaderEpoch === -1 || leaderEpoch > current) return { leaderEpoch: -1, endOffset: -1 }
    if (leaderEpoch === current) return { leaderEpoch, endOffset: logEndOffset }
    const index = this.#starts.findLastIndex(start => start.leaderEpoch <= leaderEpoch)
    const next = this.#starts[index + 1]
    return { leaderEpoch: this.#starts[index]?.leaderEpoch ?? leaderEpoch, endOffset: next?.startOffset ?? logEndOffset }
  }

  values (): readonly LeaderEpochStart[] { return this.#starts }
}
