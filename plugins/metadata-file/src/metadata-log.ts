import { StreambedError } from '@streambed/sdk'
import type { Environment, FileLock, FileSystem, MetadataLog, MetadataLogCapabilities, MetadataPage, MetadataSnapshot } from '@streambed/sdk'
import path from 'node:path'
import { readClosedFile, writeClosedFile } from './closed-file.ts'
import { corrupt, invalidArgument, logError } from './errors.ts'
import { ensureFolder, fileName, listFolder, lockFolder, syncAncestors } from './folder.ts'
import { encodeFrame, frameHeaderBytes } from './frame.ts'
import { Growth } from './growth.ts'
import type { FileMetadataLogOptions } from './options.ts'
import { isUnusedSegment } from './segment-content.ts'
import { Segment } from './segment.ts'
import { temporarySuffix } from './replace-file.ts'
import { readSnapshotFile, writeSnapshotFile } from './snapshot-file.ts'

export const capabilities: MetadataLogCapabilities = Object.freeze({
  scope: 'host',
  isShared: false,
  entryBytesMax: 8 * 2 ** 20
})

/** A new file is begun past this size. */
export const segmentBytes = 4 * 2 ** 20
const groupBytesMax = 64 * 2 ** 20

/** The log in one folder, of one process at a time. */
export class FileMetadataLog implements MetadataLog {
  readonly #environment: Environment
  readonly #folder: string
  readonly #lock: FileLock
  /** In order and without gaps; the last is appended to. Never empty. */
  readonly #segments: Segment[]
  /** Position of the newest snapshot. */
  #snapshotAt: number | undefined
  /** What the file `closed` says. */
  readonly #closedAt: number | undefined
  readonly #growth = new Growth()
  /** Settles with what was asked for last: changes are made one at a time. */
  #lastChange: Promise<unknown> = Promise.resolve()
  #readsInFlight = new Set<Promise<unknown>>()
  #failure: StreambedError | undefined
  #closing: Promise<void> | undefined

  static async open (options: FileMetadataLogOptions, environment: Environment): Promise<FileMetadataLog> {
    const folder = path.resolve(options.path)
    const { fileSystem } = environment
    try {
      await ensureFolder(fileSystem, folder)
      const lock = await lockFolder(fileSystem, folder)
      try {
        return new FileMetadataLog({ environment, folder, lock, ...await recover(environment, folder) })
      } catch (error) {
        await lock.release()
        throw error
      }
    } catch (error) {
      throw logError(error, `opening the metadata log in ${folder}`)
    }
  }

  private constructor (parts: Recovered & { readonly environment: Environment, readonly folder: string, readonly lock: FileLock }) {
    this.#environment = parts.environment
    this.#folder = parts.folder
    this.#lock = parts.lock
    this.#segments = parts.segments
    this.#snapshotAt = parts.snapshotAt
    this.#closedAt = parts.closedAt
  }

  async append (expectedEnd: number, entries: readonly Uint8Array[]): Promise<void> {
    checkPosition(expectedEnd)
    if (entries.length === 0) throw invalidArgument('there is no entry to append')
    let groupBytes = frameHeaderBytes
    for (const { length } of entries) {
      if (length > capabilities.entryBytesMax) throw invalidArgument(`an entry is larger than ${capabilities.entryBytesMax} bytes. size=${length}`)
      groupBytes += 4 + length
    }
    if (groupBytes > groupBytesMax) throw invalidArgument(`the entries together are larger than ${groupBytesMax} bytes. size=${groupBytes}`)
    await this.#change(async () => {
      this.#throwIfFailed()
      if (expectedEnd !== this.#end) throw new StreambedError('CONFLICT', `the log has another end. expected=${expectedEnd} end=${this.#end}`)
      await this.#appendFrame(encodeFrame(expectedEnd, entries, this.#environment.crc32c), entries.length)
      this.#growth.grewTo(this.#end)
    })
  }

  async read (from: number): Promise<MetadataPage> {
    checkPosition(from)
    this.#throwIfClosed()
    this.#throwIfFailed()
    const end = this.#end
    const start = this.#segments[0]!.start
    if (from < start || from > end) throw new StreambedError('OUT_OF_RANGE', `the log does not hold that position. from=${from} start=${start} end=${end}`)
    const segment = this.#segments.findLast(candidate => candidate.start <= from && from < candidate.end)
    if (segment === undefined) return { entries: [], end }
    const reading = segment.read(from)
    const settled = reading.then(() => {}, () => {})
    this.#readsInFlight.add(settled)
    try {
      const entries = await reading
      return { entries: entries.slice(0, end - from), end }
    } catch (error) {
      throw logError(error, `reading the metadata log. from=${from}`)
    } finally {
      this.#readsInFlight.delete(settled)
    }
  }

  async waitForGrowth (from: number, options: { readonly signal: AbortSignal }): Promise<void> {
    checkPosition(from)
    this.#throwIfClosed()
    this.#throwIfFailed()
    if (this.#end <= from || options.signal.aborted) await this.#growth.wait(from, options.signal)
  }

  async writeSnapshot (at: number, state: Uint8Array): Promise<void> {
    checkPosition(at)
    await this.#change(async () => {
      if (at > this.#end) throw invalidArgument(`the snapshot is past the end. at=${at} end=${this.#end}`)
      const before = this.#snapshotAt
      if (before !== undefined && before > at) return
      try {
        await writeSnapshotFile(this.#environment, this.#fileOf('snapshot', at), { at, state })
        this.#snapshotAt = at
        if (before !== undefined && before < at) await this.#environment.fileSystem.remove(this.#fileOf('snapshot', before))
      } catch (error) {
        throw logError(error, `writing the snapshot at ${at}`)
      }
    })
  }

  async latestSnapshot (): Promise<MetadataSnapshot | undefined> {
    return await this.#change(async () => {
      const at = this.#snapshotAt
      if (at === undefined) return undefined
      try {
        return await readSnapshotFile(this.#environment, this.#fileOf('snapshot', at), at)
      } catch (error) {
        throw logError(error, `reading the snapshot at ${at}`)
      }
    })
  }

  async truncateBefore (position: number): Promise<void> {
    checkPosition(position)
    await this.#change(async () => {
      if (position <= this.#segments[0]!.start) return
      if (this.#snapshotAt === undefined || this.#snapshotAt < position) throw invalidArgument(`there is no snapshot at or after the position. position=${position}`)
      while (this.#segments.length > 1 && this.#segments[0]!.end <= position) await this.#removeOldest()
    })
  }

  async close (): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  get #last (): Segment { return this.#segments.at(-1)! }

  get #end (): number { return this.#last.end }

  #fileOf (kind: 'log' | 'snapshot', position: number): string { return path.join(this.#folder, fileName(kind, position)) }

  #change<T> (action: () => Promise<T>): Promise<T> {
    this.#throwIfClosed()
    const changed = this.#lastChange.then(action)
    this.#lastChange = changed.catch(() => {})
    return changed
  }

  async #appendFrame (frame: Uint8Array, count: number): Promise<void> {
    if (this.#last.size >= segmentBytes) await this.#roll()
    try {
      await this.#last.append(frame, count)
    } catch (error) {
      throw await this.#afterFailedAppend(logError(error, 'append to the metadata log'))
    }
  }

  /** A full disk is got over when what was written can be cut. All else leaves the tail in doubt until it is opened again. */
  async #afterFailedAppend (error: unknown): Promise<unknown> {
    if (!StreambedError.is(error, 'OUT_OF_SPACE')) return this.#fail(error, 'OUTCOME_UNKNOWN')
    try {
      await this.#last.cutTail()
      return error
    } catch (cutError) {
      return this.#fail(cutError, 'OUTCOME_UNKNOWN')
    }
  }

  #fail (error: unknown, code: 'OUTCOME_UNKNOWN' | 'UNAVAILABLE'): StreambedError {
    const detail = error instanceof Error ? error.message : String(error)
    this.#failure = new StreambedError('CLOSED', `the metadata log failed and must be opened again. path=${this.#folder} (${detail})`, { cause: error })
    this.#growth.fail(this.#failure)
    return new StreambedError(code, detail, { cause: error })
  }

  async #roll (): Promise<void> {
    const start = this.#end
    const file = this.#fileOf('log', start)
    try {
      this.#segments.push(await Segment.create(this.#environment, file, this.#folder, start))
    } catch (error) {
      const failed = logError(error, 'beginning a new file of the metadata log')
      // Were it to come back after a crash, while entries went on in the file before, the log would look torn.
      try {
        await removeIfThere(this.#environment.fileSystem, file)
        await this.#environment.fileSystem.syncDirectory(this.#folder)
      } catch {
        throw this.#fail(failed, 'UNAVAILABLE')
      }
      throw failed
    }
  }

  async #removeOldest (): Promise<void> {
    const { fileSystem } = this.#environment
    const oldest = this.#segments.shift()!
    try {
      await Promise.all(this.#readsInFlight)
      await oldest.close()
      await fileSystem.remove(oldest.file)
      // One at a time: were several removals unsynced, a crash could keep an old file and lose the one after it.
      await fileSystem.syncDirectory(this.#folder)
    } catch (error) {
      throw logError(error, 'truncating the metadata log')
    }
  }

  async #close (): Promise<void> {
    const closed = new StreambedError('CLOSED', 'the metadata log is closed')
    this.#growth.fail(closed)
    await Promise.all([this.#lastChange, ...this.#readsInFlight])
    try {
      if (this.#failure === undefined) await this.#markClean()
      for (const segment of this.#segments) await segment.close()
    } finally {
      await this.#lock.release()
    }
  }

  /**
   * With a mark behind it, damage of the last group cannot be taken for a write that never ended; and a file of its own says how
   * far the log reached, lest the end be lost with its mark.
   */
  async #markClean (): Promise<void> {
    try {
      await this.#last.append(encodeFrame(this.#end, [], this.#environment.crc32c), 0)
      if (this.#closedAt !== this.#end) await writeClosedFile(this.#environment, this.#folder, this.#end)
    } catch (error) {
      this.#environment.logger.warn('the metadata log could not be marked as closed', { path: this.#folder, error: String(error) })
    }
  }

  #throwIfClosed (): void {
    if (this.#closing !== undefined) throw new StreambedError('CLOSED', 'the metadata log is closed')
  }

  #throwIfFailed (): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

function checkPosition (position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) throw invalidArgument(`not a position. position=${position}`)
}

interface Recovered {
  readonly segments: Segment[]
  readonly snapshotAt: number | undefined
  readonly closedAt: number | undefined
}

/** Opens what is in the folder: segments without gaps, the newest snapshot, nothing half-made. Changes nothing of a damaged log. */
async function recover (environment: Environment, folder: string): Promise<Recovered> {
  const { fileSystem } = environment
  // A process that was killed may have left names that are not durable yet: nothing may be built on them before.
  await fileSystem.syncDirectory(folder)
  const found = await listFolder(fileSystem, folder)
  if (found.log.length === 0) await syncAncestors(fileSystem, folder)
  const snapshotAt = found.snapshot.at(-1)
  const closedAt = await readClosedFile(environment, folder)
  const segments: Segment[] = []
  try {
    const unused = await openSegments(environment, folder, found.log, snapshotAt, segments)
    const end = segments.at(-1)?.end ?? 0
    const start = segments[0]?.start ?? 0
    if (closedAt !== undefined && closedAt > end) throw corrupt(`the log ends at ${end}, and at ${closedAt} it was closed`, folder, undefined, end)
    if (snapshotAt !== undefined && snapshotAt > end) throw corrupt(`the log ends at ${end}, before its snapshot at ${snapshotAt}`, folder, undefined, end)
    if (start > 0 && (snapshotAt === undefined || snapshotAt < start)) throw corrupt(`entries before ${start} are missing and no snapshot holds them`, folder)
    await segments.at(-1)?.settleTail()
    if (unused !== undefined) await fileSystem.remove(unused)
    if (segments.length === 0) segments.push(await Segment.create(environment, path.join(folder, fileName('log', 0)), folder, 0))
    for (const name of found.others) if (name.endsWith(temporarySuffix)) await fileSystem.remove(path.join(folder, name))
    for (const at of found.snapshot.slice(0, -1)) await fileSystem.remove(path.join(folder, fileName('snapshot', at)))
    return { segments, snapshotAt, closedAt }
  } catch (error) {
    for (const segment of segments) await segment.close()
    throw error
  }
}

/** Opens all files of the log into `segments`. Resolves with the one that never came into use, if there is one. */
async function openSegments (environment: Environment, folder: string, starts: readonly number[], snapshotAt: number | undefined, segments: Segment[]): Promise<string | undefined> {
  const fileOf = (start: number): string => path.join(folder, fileName('log', start))
  const used = [...starts]
  const newest = used.at(-1)
  // A crash while a file was begun leaves one without entries. The only file of a log that has begun is never such a one.
  const canBeUnused = newest !== undefined && (used.length > 1 || (newest === 0 && snapshotAt === undefined))
  const isUnused = canBeUnused && isUnusedSegment(await environment.fileSystem.readFile(fileOf(newest)), newest, environment.crc32c)
  if (isUnused) used.pop()
  if (used.length === 0 && snapshotAt !== undefined) throw corrupt('there is a snapshot, but no file of the log', folder)
  for (const [index, start] of used.entries()) {
    const before = segments.at(-1)
    if (before !== undefined && before.end !== start) throw corrupt(`entries from ${before.end} to ${start} are missing`, fileOf(start), undefined, before.end)
    segments.push(await Segment.open(environment, fileOf(start), start, index === used.length - 1))
  }
  return isUnused ? fileOf(newest) : undefined
}

async function removeIfThere (fileSystem: FileSystem, file: string): Promise<void> {
  try {
    await fileSystem.remove(file)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
  }
}
