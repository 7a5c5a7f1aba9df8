import { StreambedError, type Environment } from '@streambed/sdk'
import { BatchIndex, BatchReader, lastRecordOf, release } from '@streambed/sdk/batch-log'
import type { EpochState, SegmentEntry } from './format.ts'
import { Segment } from './segment.ts'

export interface Scan {
  /** With batches that are not trimmed, oldest first; each with its end. */
  readonly segments: readonly (SegmentEntry & { readonly end: number })[]
  readonly index: BatchIndex
  /** Of [freeFrom, end) something is not trimmed, or both are the same. */
  readonly freeFrom: number
  readonly trimmed: number
  /** The last record, trimmed or not; -1 without any. */
  readonly lastRecord: number
  /** After the last whole batch. */
  readonly end: number
  /** The last batch of the last segment, where it may not be durable although it can be read. */
  readonly doubtful: { readonly segment: SegmentEntry, readonly position: number, readonly bytes: Uint8Array } | undefined
  /** What lies behind `end` is lost. */
  readonly damage: StreambedError | undefined
}

/** Reads the log that `state` describes once through, checks every batch, and finds where it ends. */
export async function scan (folder: string, state: EpochState, environment: Environment): Promise<Scan> {
  const index = new BatchIndex()
  const segments: (SegmentEntry & { readonly end: number })[] = []
  let { trimmed } = state
  let lastRecord = -1
  let end = state.scanStart
  let doubtful: Scan['doubtful']
  let damage: StreambedError | undefined
  for (const entry of state.segments) {
    if (entry.end !== undefined && entry.end <= state.scanStart) continue
    let segment
    try {
      segment = await openEntry(folder, entry, environment)
    } catch (error) {
      if (!StreambedError.is(error, 'CORRUPT')) throw error
      damage = error
      break
    }
    try {
      const start = Math.max(entry.start, state.scanStart)
      const limit = entry.end ?? segment.limit
      const reader = new BatchReader(segment, environment.crc32c, { start, limit }, false)
      let last: { position: number, total: number } | undefined
      for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
        lastRecord = lastRecordOf(batch)
        index.push(batch.position, lastRecord)
        trimmed = Math.max(trimmed, batch.trimmed)
        last = { position: batch.position, total: batch.end - batch.position }
      }
      end = reader.position
      segments.push({ ...entry, end })
      damage = await damageAt(reader, segment, entry, state)
      if (damage !== undefined) break
      if (entry.end === undefined && last !== undefined && end > state.confirmedEnd) {
        const bytes = new Uint8Array(last.total)
        await segment.read(bytes, last.position)
        doubtful = { segment: entry, position: last.position, bytes }
      }
    } finally {
      await release(environment.logger, 'segment', () => segment.close())
    }
  }
  index.trim(trimmed)
  const freeFrom = index.isEmpty ? end : index.firstStart
  // An empty one is free from the start: it may be removed while the others are still recovered.
  return { segments: segments.filter(segment => segment.end > freeFrom && segment.end > segment.start), index, freeFrom, trimmed, lastRecord: Math.max(lastRecord, trimmed), end, doubtful, damage }
}

/** Missing, or another one: that is damage, for the state names only what was made durable before. */
export async function openEntry (folder: string, entry: SegmentEntry, environment: Environment): Promise<Segment> {
  let segment
  try {
    segment = await Segment.open(folder, entry, environment)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
    throw new StreambedError('CORRUPT', `a segment that the log needs is missing or has lost its header; restore it. path=${folder} epoch=${entry.epoch} number=${entry.number} position=${entry.start}`, { cause: error })
  }
  const { header } = segment
  const isNamed = header.epoch === entry.epoch && header.number === entry.number && header.start === entry.start
  try {
    if (isNamed && await segment.isWhole()) return segment
  } catch (error) {
    await release(environment.logger, 'segment', () => segment.close())
    throw error
  }
  await release(environment.logger, 'segment', () => segment.close())
  if (isNamed) throw new StreambedError('CORRUPT', `a segment is shorter than it was made; restore it. path=${segment.path} position=${header.start} lastConfirmedBefore=${header.start}`)
  throw new StreambedError('CORRUPT', `a segment is not the one that its name says; restore it. path=${segment.path} position=${header.start} wanted=${entry.start}`)
}

async function damageAt (reader: BatchReader, segment: Segment, entry: SegmentEntry, { confirmedEnd }: EpochState): Promise<StreambedError | undefined> {
  const at = reader.position
  if (entry.end !== undefined) return at === entry.end ? undefined : damaged(segment, at, `the segment ends at ${entry.end}`)
  if (at < confirmedEnd) return damaged(segment, at, `confirmed up to ${confirmedEnd}`)
  if (await reader.isDamaged()) return damaged(segment, at, 'its sectors are neither blank nor those of a batch')
  // A batch is written only once all before it are confirmed.
  const later = await reader.findLater(Infinity)
  return later === undefined ? undefined : damaged(segment, at, `a later batch stands at ${later}`)
}

function damaged (segment: Segment, position: number, proof: string): StreambedError {
  return new StreambedError('CORRUPT', `confirmed records are damaged; the log is left as it is. Restore the file, or give the log a new path and accept the loss. path=${segment.path} position=${position} (${proof})`)
}
