import type { SegmentContent } from './segment-content.ts'

export interface FoundSegment extends SegmentContent {
  readonly start: number
  /** The whole file. */
  readonly bytes: Uint8Array
}

/** All that lies in the folder; both lists ascending. */
export interface FoundLog {
  readonly segments: readonly FoundSegment[]
  readonly snapshots: readonly { readonly at: number, readonly isReadable: boolean }[]
  readonly closedAt: number | 'damaged' | undefined
  /** The start of a file that never came into use, which is none of `segments`. */
  readonly unusedAt: number | undefined
}

/** What makes the log one that can be opened. */
export interface RepairPlan {
  /** The position after the last entry that is kept. */
  readonly end: number
  /** Starts of files of the log, and positions of snapshots, ascending. */
  readonly segmentsAside: readonly number[]
  readonly snapshotsAside: readonly number[]
  /** The last file that is kept, with what is kept of it, when that is not all. */
  readonly cut: { readonly start: number, readonly bytes: Uint8Array } | undefined
  /** Where an empty file is begun, since none is left. */
  readonly createAt: number | undefined
  readonly isClosedAside: boolean
  /** Whether something after `end` was there, or may have been. */
  readonly isLossy: boolean
}

/** Keeps the longest readable beginning: the newest readable snapshot, and the entries that follow it without a gap. */
export function planRepair ({ segments, snapshots, closedAt, unusedAt }: FoundLog): RepairPlan {
  const snapshotAt = snapshots.findLast(({ isReadable }) => isReadable)?.at
  const base = snapshotAt ?? 0
  const from = segments.findLastIndex(({ start, end, byteEnd }) => start <= base && base <= end && byteEnd > 0)
  let last = from
  while (last >= 0 && isWhole(segments[last]!) && segments[last + 1] !== undefined && segments[last + 1]!.start === segments[last]!.end && segments[last + 1]!.byteEnd > 0) last++
  let first = from
  while (first > 0 && isWhole(segments[first - 1]!) && segments[first - 1]!.end === segments[first]!.start) first--
  const kept = from < 0 ? [] : segments.slice(first, last + 1)
  const end = kept.at(-1)?.end ?? base
  const dropped = segments.filter(segment => !kept.includes(segment))
  const damaged = kept.at(-1)?.problem === undefined ? undefined : kept.at(-1)
  const snapshotsAside = snapshots.filter(({ at, isReadable }) => !isReadable || at > end).map(({ at }) => at)
  const isBehindClose = typeof closedAt === 'number' && closedAt > end
  const createAt = kept.length === 0 && (segments.length > 0 || snapshots.length > 0 || isBehindClose) ? end : undefined
  // `open` removes it where the log can go on in its place.
  const isUnusedAside = unusedAt !== undefined && (unusedAt !== end || createAt !== undefined)
  return {
    end,
    segmentsAside: [...dropped.map(({ start }) => start), ...isUnusedAside ? [unusedAt] : []],
    snapshotsAside,
    cut: damaged === undefined ? undefined : { start: damaged.start, bytes: damaged.bytes.subarray(0, damaged.byteEnd) },
    createAt,
    isClosedAside: isBehindClose || closedAt === 'damaged',
    isLossy: damaged !== undefined || createAt !== undefined || isBehindClose || isUnusedAside || dropped.some(each => reaches(each, end)) || snapshots.some(({ at }) => at > end)
  }
}

function isWhole ({ problem, byteEnd, bytes }: FoundSegment): boolean { return problem === undefined && byteEnd === bytes.length }

/** Whether a file that is not kept held, or may have held, entries from `end` on. */
function reaches (segment: FoundSegment, end: number): boolean { return segment.end > end || segment.start >= end }
