import type { StreamRange } from '../../storage/catalog/catalog.ts'
import type { PartitionConfig } from '../partition/partition-config.ts'

/**
 * Where the log of a partition should start, going by its retention; undefined when nothing is to be deleted. `ranges`: the
 * committed pieces in offset order. Whole pieces go, oldest first: by time, those before the first whose newest record is
 * still wanted; by size, as long as `retentionBytes` of committed data stay. What is only in memory and the WAL is not
 * looked at, so it is never deleted, and not counted either.
 */
export function retentionStart (ranges: readonly StreamRange[], config: Pick<PartitionConfig, 'isDeleted' | 'retentionMs' | 'retentionBytes'>, nowMs: number): number | undefined {
  if (!config.isDeleted) return undefined
  let expired = expiredCount(ranges, config.retentionMs, nowMs)
  if (config.retentionBytes >= 0) {
    let bytes = 0
    for (let index = expired; index < ranges.length; index++) bytes += ranges[index]!.bytes
    while (expired < ranges.length && bytes - ranges[expired]!.bytes >= config.retentionBytes) bytes -= ranges[expired++]!.bytes
  }
  return expired === 0 ? undefined : ranges[expired - 1]!.endOffset
}

/** How many pieces from the oldest on have had their time. One whose age nobody knows goes with the next that has had its. */
function expiredCount (ranges: readonly StreamRange[], retentionMs: number, nowMs: number): number {
  if (retentionMs < 0) return 0
  let count = 0
  for (const [index, range] of ranges.entries()) {
    const sinceMs = ageBegins(range)
    if (sinceMs === undefined) continue
    if (nowMs - sinceMs <= retentionMs) break
    count = index + 1
  }
  return count
}

/** As Kafka goes by the time of the file where records have none, we go by the commit. */
function ageBegins ({ committedMs, largestTimestamp }: StreamRange): number | undefined {
  return largestTimestamp >= 0 ? largestTimestamp : committedMs
}
