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

/** What makes the log one that can be read. */
export interface RepairPlan {
  /** The position after the last entry that is kept. */
  readonly end: number
  /** Where the log begins, when that has to be noted; `isEmpty`: no slot is left to begin with. */
  readonly begin: { readonly at: number, readonly isEmpty: boolean } | undefined
  /** Positions, ascending. */
  readonly snapshotsAside: readonly number[]
  readonly slotsAside: readonly number[]
  readonly marksAside: readonly number[]
  /** Whether something after `end` was there, or may have been. */
  readonly isLossy: boolean
}

/** Keeps the longest readable beginning: the newest readable snapshot, and the entries that follow it without a gap. */
export function planRepair ({ slots, marks, snapshots, isEmpty }: FoundLog): RepairPlan {
  const start = marks.at(-1) ?? 0
  const snapshotAt = snapshots.findLast(({ isReadable }) => isReadable)?.at
  const base = snapshotAt ?? 0
  const members = slots.filter(slot => slot.start >= start)
  const kept = base < start ? [] : keptOf(members, base)
  const end = kept.at(-1)?.end ?? base
  const isSound = kept.length === 0 && members.length === 0 && base === start && (start === 0 || isEmpty)
  const dropped = base < start ? slots : members.filter(slot => !kept.includes(slot))
  const at = kept[0]?.start ?? base
  return {
    end,
    begin: isSound || (kept.length > 0 && at === start) || at === 0 ? undefined : { at, isEmpty: kept.length === 0 },
    snapshotsAside: snapshots.filter(snapshot => !snapshot.isReadable || snapshot.at > end).map(snapshot => snapshot.at),
    slotsAside: dropped.map(slot => slot.start),
    marksAside: marks.filter(mark => mark > at),
    isLossy: (kept.length === 0 && !isSound) || dropped.some(slot => (slot.end ?? slot.start + 1) > end) || snapshots.some(snapshot => snapshot.at > end)
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
