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
  let expired = 0
  while (expired < ranges.length && isExpired(ranges[expired]!, config.retentionMs, nowMs)) expired++
  if (config.retentionBytes >= 0) {
    let bytes = 0
    for (let index = expired; index < ranges.length; index++) bytes += ranges[index]!.bytes
    while (expired < ranges.length && bytes - ranges[expired]!.bytes >= config.retentionBytes) bytes -= ranges[expired++]!.bytes
  }
  return expired === 0 ? undefined : ranges[expired - 1]!.endOffset
}

/** A piece without any timestamp has no age: it goes by size alone, or once it is trimmed. */
function isExpired ({ largestTimestamp }: StreamRange, retentionMs: number, nowMs: number): boolean {
  return retentionMs >= 0 && largestTimestamp >= 0 && nowMs - largestTimestamp > retentionMs
}
