import { StreambedError, type Environment, type WalRecord } from '@streambed/sdk'
import { alignUp, blockBytes, fenced, readRecords, recordBytesCeiling, release, type BatchMedium, type LogState } from '@streambed/sdk/batch-log'
import { listEpochs, type EpochFile } from './epoch-file.ts'
import { segmentsMax, type SegmentEntry } from './format.ts'
import { segmentPath, segmentsPath } from './layout.ts'
import { openEntry, type Scan } from './scan.ts'
import { Segment } from './segment.ts'

export interface SegmentLogParts {
  readonly path: string
  readonly epochFile: EpochFile
  readonly capacity: number
  readonly segmentBytes: number
  /** What was there at opening. */
  readonly scan: Pick<Scan, 'segments' | 'freeFrom' | 'trimmed' | 'damage'>
  /** The one to write to; undefined when the log is damaged. */
  readonly segment: Segment | undefined
}

/**
 * Batches in segments on a shared file system.
 *
 * A batch is confirmed after its synchronous, direct write has been answered and a READ of our fence, sent after that, showed
 * none. A taker writes that fence first and reads our segments after: either it finds the batch, or we find its fence. The
 * server orders those four calls; no lease, lock or clock takes part.
 *
 * Why a late call of a stopped writer harms nothing: segments have the epoch in their name, so it writes to its own, and the
 * taker has noted up to where those belong to the log. It removes a segment only after its state, which no longer names that,
 * is durable and a check made after that showed no fence: whoever fences later reads the new state.
 *
 * After a write has failed for want of space, its segment is never written to again: what an earlier call left behind there
 * could be taken for what a later one wrote. After any other failure the log ends (`BatchLog`).
 */
export class SegmentLog implements BatchMedium {
  readonly path: string
  readonly writerEpoch: number
  readonly capacityBytes: number
  readonly recordBytesMax: number
  readonly #parts: SegmentLogParts
  readonly #environment: Environment
  /** Oldest first; the last is `#segment`'s. */
  #entries: readonly SegmentEntry[]
  #segment: Segment | undefined
  #isSpoiled = false
  #nextNumber = 1
  /** As last noted. */
  #noted: { readonly trimmed: number, readonly confirmedEnd: number }

  constructor (parts: SegmentLogParts, environment: Environment) {
    const { scan, segment } = parts
    this.path = parts.path
    this.writerEpoch = parts.epochFile.writerEpoch
    this.capacityBytes = Math.floor(parts.capacity / blockBytes) * blockBytes
    this.recordBytesMax = Math.min(recordBytesCeiling, Math.floor(this.capacityBytes / 4) - blockBytes)
    this.#parts = parts
    this.#environment = environment
    this.#segment = segment
    this.#entries = segment === undefined ? scan.segments : [...scan.segments, openEntryOf(segment)]
    this.#noted = { trimmed: scan.trimmed, confirmedEnd: segment?.header.start ?? -1 }
  }

  bytesElsewhere (): number { return 0 }

  async * records (): AsyncGenerator<readonly WalRecord[], void, undefined> {
    const { path, scan: { segments, freeFrom, trimmed, damage } } = this.#parts
    for (const entry of segments) {
      const segment = await openEntry(path, entry, this.#environment)
      try {
        yield * readRecords(segment, { start: Math.max(entry.start, freeFrom), end: entry.end }, trimmed, this.#environment)
      } finally {
        await release(this.#environment.logger, 'segment', () => segment.close())
      }
    }
    if (damage !== undefined) throw damage
  }

  async prepare (bytes: number, state: LogState): Promise<Uint8Array> {
    const segment = this.#segment!
    if (this.#isSpoiled || state.end + bytes > segment.limit) await this.#roll(bytes, state)
    return this.#segment!.salt
  }

  async write (chunks: readonly Uint8Array[], position: number): Promise<void> {
    try {
      await this.#segment!.write(chunks, position)
      await this.#parts.epochFile.check()
    } catch (error) {
      // Also when the write itself was answered: the next batch gets the same position, and must not lie over this one.
      this.#isSpoiled = true
      throw error
    }
  }

  isTidy (state: LogState): boolean { return !this.#entries.some(entry => isFree(entry, state)) }

  async tidy (state: LogState): Promise<void> {
    try {
      await this.#note(this.#entries, state)
    } catch (error) {
      if (!StreambedError.is(error, 'OUT_OF_SPACE')) throw error
      this.#environment.logger.warn('a trim could not be stored for want of space; a later one is', { path: this.path, cause: error.message })
    }
  }

  async explain (error: unknown): Promise<unknown> {
    if (StreambedError.is(error, 'FENCED')) return error
    try {
      await this.#parts.epochFile.check()
    } catch (reason) {
      if (StreambedError.is(reason, 'FENCED')) return reason
      // The file of a fenced epoch is removed in the end; on NFS its handle is then stale.
      const highest = await this.#highestEpoch()
      if (highest > this.writerEpoch) return fenced(this.path, this.writerEpoch, highest)
    }
    return error
  }

  async close (state: LogState | undefined): Promise<void> {
    const { logger } = this.#environment
    if (state !== undefined && (state.trimmed !== this.#noted.trimmed || state.end !== this.#noted.confirmedEnd)) {
      try {
        await this.#note(this.#entries, state)
      } catch (error) {
        // Nothing confirmed is lost: the next open reads a little more, and trimmed records may come back.
        logger.warn('the last trim of the write-ahead log could not be stored', { path: this.path, cause: String(error) })
      }
    }
    // At once: on a lost mount each of them waits for the deadline.
    await Promise.all([
      release(logger, 'segment', () => this.#segment?.close()),
      release(logger, 'epoch file', () => this.#parts.epochFile.close())
    ])
  }

  /** Goes on in a new segment. Frees what is trimmed first, for a full disk may need that. */
  async #roll (bytes: number, state: LogState): Promise<void> {
    const old = this.#segment!
    if (!this.isTidy(state)) await this.#note(this.#entries, state)
    if (this.#entries.length >= segmentsMax) throw new StreambedError('OUT_OF_SPACE', `the log has ${segmentsMax} segments; records must be trimmed first. path=${this.path}`)
    const { segmentBytes } = this.#parts
    const number = this.#nextNumber++
    const header = { epoch: this.writerEpoch, number, start: state.end, size: Math.max(alignUp(segmentBytes), bytes), salt: this.#environment.random.bytes(8) }
    const segment = await Segment.create(this.path, header, this.#environment)
    try {
      const closed = this.#entries.map(entry => entry.end === undefined ? { ...entry, end: state.end } : entry)
      await this.#note([...closed, openEntryOf(segment)], state)
    } catch (error) {
      // One copy of the state may name the new segment already, with the old one closed: nothing may follow there.
      this.#isSpoiled = true
      await release(this.#environment.logger, 'segment', () => segment.close())
      throw error
    }
    this.#segment = segment
    this.#isSpoiled = false
    await release(this.#environment.logger, 'segment', () => old.close())
  }

  /** Makes `entries`, less what is free, the log's; then removes the files of those. */
  async #note (entries: readonly SegmentEntry[], state: LogState): Promise<void> {
    const kept = entries.filter(entry => !isFree(entry, state))
    const { epochFile } = this.#parts
    await epochFile.write({ trimmed: state.trimmed, scanStart: state.freeFrom, confirmedEnd: state.end, segments: kept })
    this.#entries = kept
    this.#noted = { trimmed: state.trimmed, confirmedEnd: state.end }
    if (kept.length === entries.length) return
    await epochFile.check()
    await removeSegments(this.path, entries.filter(entry => !kept.includes(entry)), this.#environment)
  }

  async #highestEpoch (): Promise<number> {
    try {
      return (await listEpochs(this.path, this.#environment)).at(-1) ?? -1
    } catch {
      // The mount is gone: nobody can tell.
      return -1
    }
  }
}

/** A failure costs disk space only: the next opener removes what no state names. */
export async function removeSegments (path: string, ids: readonly { readonly epoch: number, readonly number: number }[], { fileSystem, logger }: Environment): Promise<void> {
  try {
    for (const id of ids) {
      try {
        await fileSystem.remove(segmentPath(path, id))
      } catch (error) {
        if (!StreambedError.is(error, 'NOT_FOUND')) throw error
      }
    }
    await fileSystem.syncDirectory(segmentsPath(path))
  } catch (error) {
    logger.warn('segments that are needed no longer could not be removed; a later start does', { path, cause: String(error) })
  }
}

export function openEntryOf ({ header: { epoch, number, start } }: Segment): SegmentEntry { return { epoch, number, start, end: undefined } }

function isFree ({ start, end }: SegmentEntry, { freeFrom }: LogState): boolean { return end !== undefined && (end <= freeFrom || end === start) }
