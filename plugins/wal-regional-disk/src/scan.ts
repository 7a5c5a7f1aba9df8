import { StreambedError, type Environment } from '@streambed/sdk'
import { alignUp, BatchReader, lastRecordOf, type BatchIndex } from '@streambed/sdk/batch-log'
import type { Ring } from './ring.ts'
import type { RingReference } from './slots.ts'

/** What the header's watermark may lag behind the log: past it damage is told from a torn tail by searching. */
export function watermarkLagBytes (ringSize: number): number { return Math.min(32 * 2 ** 20, alignUp(ringSize / 8)) }

export interface ScanResult {
  /** Of the first batch, trimmed or not. */
  readonly start: number
  /** After the last whole batch. */
  readonly end: number
  /** The highest trimmed position that the ring knows; -1 for a frozen one: the ring after it knows better. */
  readonly trimmed: number
  /** The last record, trimmed or not; -1 without one. */
  readonly lastRecord: number
  /** The last batch, where it may not yet be durable although it can be read. */
  readonly doubtful: { readonly position: number, readonly bytes: Uint8Array } | undefined
  /** The log ends in damage instead of a torn tail. */
  readonly damage: StreambedError | undefined
}

/** Reads a whole ring, checks every batch, and finds where it ends. */
export async function scanRing (ring: Ring, frozen: RingReference['frozen'], index: BatchIndex, environment: Environment): Promise<ScanResult> {
  const { confirmedEnd, size } = ring.state
  const start = frozen?.start ?? ring.state.scanStart
  const limit = frozen?.end ?? start + size
  const reader = new BatchReader(ring, environment.crc32c, { start, limit }, false)
  let trimmed = frozen === undefined ? ring.state.trimmed : -1
  let lastRecord = -1
  let last: { position: number, total: number } | undefined
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    lastRecord = lastRecordOf(batch)
    index.push(batch.position, lastRecord)
    if (frozen === undefined) trimmed = Math.max(trimmed, batch.trimmed)
    last = { position: batch.position, total: batch.end - batch.position }
  }
  const end = reader.position
  const damage = await damageAt(reader, ring, frozen?.end)
  let doubtful: ScanResult['doubtful']
  if (damage === undefined && frozen === undefined && last !== undefined && end > confirmedEnd) {
    const bytes = new Uint8Array(last.total)
    await ring.read(bytes, last.position)
    doubtful = { position: last.position, bytes }
  }
  return { start, end, trimmed, lastRecord, doubtful, damage }
}

async function damageAt (reader: BatchReader, ring: Ring, frozenEnd: number | undefined): Promise<StreambedError | undefined> {
  const at = reader.position
  const { confirmedEnd, size } = ring.state
  if (at < Math.min(confirmedEnd, frozenEnd ?? confirmedEnd)) return damaged(ring, at, `confirmed up to ${confirmedEnd}`)
  if (frozenEnd !== undefined) return at === frozenEnd ? undefined : damaged(ring, at, `ended at ${frozenEnd}`)
  if (await reader.isDamaged()) return damaged(ring, at, 'its batch was written to the end')
  // A batch that would begin further behind the watermark is written only after a header slot has moved that.
  const later = await reader.findLater(ring.hasDamagedSlot ? Infinity : confirmedEnd + watermarkLagBytes(size))
  return later === undefined ? undefined : damaged(ring, at, `a later batch stands at ${later}`)
}

function damaged (ring: Ring, position: number, proof: string): StreambedError {
  return new StreambedError('CORRUPT', `confirmed records are damaged; the log is left as it is. Restore the file, or give the log a new path and accept the loss. path=${ring.path} position=${position} (${proof})`)
}
