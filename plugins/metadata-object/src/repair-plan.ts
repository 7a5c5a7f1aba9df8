export interface FoundSlot {
  readonly start: number
  /** The position after its last entry; undefined when it cannot be read. */
  readonly end: number | undefined
}

/** All that lies under the log's prefix; each list ascending. */
export interface FoundLog {
  readonly slots: readonly FoundSlot[]
  readonly marks: readonly number[]
  readonly snapshots: readonly { readonly at: number, readonly isReadable: boolean }[]
  /** Whether an earlier repair noted that the log begins where it does with no slot. */
  readonly isEmpty: boolean
}

/** What of the log is kept. */
export interface RepairPlan {
  /** Nothing is wrong: it stays where it is. */
  readonly isSound: boolean
  /** The position after the last entry that is kept, and that of the first. */
  readonly end: number
  readonly start: number
  /** Positions, ascending. */
  readonly slots: readonly number[]
  readonly slotsLeft: readonly number[]
  readonly snapshotAt: number | undefined
  readonly snapshotsLeft: readonly number[]
  /** Whether something after `end` was there, or may have been. */
  readonly isLossy: boolean
}

/** Keeps the longest readable beginning: the newest readable snapshot, and the entries that follow it without a gap. */
export function planRepair ({ slots, marks, snapshots, isEmpty }: FoundLog): RepairPlan {
  const begin = marks.at(-1) ?? 0
  const snapshotAt = snapshots.findLast(({ isReadable }) => isReadable)?.at
  const base = snapshotAt ?? 0
  const members = slots.filter(slot => slot.start >= begin)
  const kept = base < begin ? [] : keptOf(members, base)
  const end = kept.at(-1)?.end ?? base
  const start = kept[0]?.start ?? base
  const dropped = members.filter(slot => !kept.includes(slot))
  const snapshotsLeft = snapshots.filter(({ at }) => at !== snapshotAt)
  const beginsWell = start === begin && (kept.length > 0 || start === 0 || isEmpty)
  return {
    isSound: beginsWell && dropped.length === 0 && snapshots.every(({ isReadable }) => isReadable),
    end,
    start,
    slots: kept.map(slot => slot.start),
    slotsLeft: dropped.map(slot => slot.start),
    snapshotAt,
    snapshotsLeft: snapshotsLeft.map(({ at }) => at),
    isLossy: (kept.length === 0 && !beginsWell) || dropped.some(slot => (slot.end ?? slot.start + 1) > end) || snapshotsLeft.some(({ at }) => at > end)
  }
}

/** The slots that follow each other without a gap and hold the position `base`, or end or begin there. */
function keptOf (members: readonly FoundSlot[], base: number): readonly FoundSlot[] {
  const from = members.findLastIndex(({ start, end }) => end !== undefined && start <= base && base <= end)
  if (from < 0) return []
  let first = from
  while (first > 0 && members[first - 1]!.end === members[first]!.start) first--
  let last = from
  while (members[last + 1]?.end !== undefined && members[last + 1]!.start === members[last]!.end) last++
  return members.slice(first, last + 1)
}
