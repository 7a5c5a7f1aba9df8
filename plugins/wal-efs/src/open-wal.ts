import { StreambedError, checkOpening, type DirectoryEntry, type Environment, type FoundLog, type OpeningRequest, type Wal, type WalContext } from '@streambed/sdk'
import { alignUp, BatchLog, BatchReader, checkWriter, explainOpenFailure, fenced, makeFolder, release, syncParents } from '@streambed/sdk/batch-log'
import { DeadlineFiles } from './deadline-files.ts'
import { requireDirectAccess } from './direct-access.ts'
import { EpochFile, listEpochs } from './epoch-file.ts'
import { segmentsMax, type EpochState } from './format.ts'
import { epochPath, epochsPath, isSame, segmentIdOf, segmentsPath, type SegmentId } from './layout.ts'
import type { EfsOptions } from './options.ts'
import { ensureIdentity, readIdentity, readOwner, writeOwner } from './owner-file.ts'
import { scan, type Scan } from './scan.ts'
import { Segment } from './segment.ts'
import { openEntryOf, removeSegments, SegmentLog } from './segment-log.ts'
import { checkNamed, segmentsInUse } from './unnamed-segments.ts'

const newLog: EpochState = Object.freeze({ sequence: 0, writerEpoch: -1, trimmed: -1, scanStart: 0, confirmedEnd: 0, segments: Object.freeze([]) })

/**
 * Opens the log in the writer's epoch: claims it, fences all lower ones, and only then reads what they wrote. Several
 * openers may be at it at once, each stopped at any point; the highest epoch stays. Whoever is fenced before it has noted what
 * it found fails here and has changed nothing that another one reads.
 */
export async function openWal (options: EfsOptions, environment: Environment, { opening, writer }: Omit<WalContext, 'objectStore'>): Promise<Wal> {
  checkWriter(writer)
  const fileSystem = new DeadlineFiles(environment.fileSystem, environment.clock, options.deadlineMs)
  const bounded = { ...environment, fileSystem }
  try {
    await using owned = new AsyncDisposableStack()
    const log = await openLog(options, bounded, { opening, writer, place: `path=${options.path}` }, owned)
    owned.move()
    return log
  } catch (error) {
    throw explain(error, options.path)
  }
}

async function openLog ({ path, capacity, segmentBytes }: EfsOptions, environment: Environment, request: OpeningRequest, owned: AsyncDisposableStack): Promise<Wal> {
  const { fileSystem, logger, random } = environment
  const { writer, writer: { writerEpoch } } = request
  const seen = await look(path, request, environment)
  if (seen === undefined) {
    await requireDirectAccess(path, environment)
    await makeFolder(epochsPath(path), fileSystem)
    await makeFolder(segmentsPath(path), fileSystem)
  }
  const before = await listEpochs(path, environment)
  if (before.length === 0) await syncParents(segmentsPath(path), fileSystem)
  // Another opener may have made it meanwhile.
  checkOpening({ ...await readOwner(path, environment) ?? await writeOwner(path, writer, environment), id: seen?.id }, request)
  if ((before.at(-1) ?? -1) > writerEpoch) throw fenced(path, writerEpoch, before.at(-1)!)
  // The owner's name may be there since a crash that came before it was durable; our own claim must not be the first to last.
  // The identity is made durable here, with the folder that both are in.
  const id = await ensureIdentity(path, environment)

  const epochFile = await EpochFile.claim(path, writerEpoch, environment)
  owned.defer(async () => { await release(logger, 'epoch file', () => epochFile.close()) })
  // We have made a file in that folder, so this listing knows every claim before ours; a later one lists ours.
  const claimed = await listEpochs(path, environment)
  if (claimed.at(-1)! > writerEpoch) throw fenced(path, writerEpoch, claimed.at(-1)!)
  const lower = claimed.filter(epoch => epoch < writerEpoch)
  const inUse = lower.length === 0 ? [] : await segmentsInUse(path, lower.at(-1)!, environment)
  const base = await fenceAll(path, lower, writerEpoch, environment)
  try {
    if (base === undefined) await refuseRemains(path, environment)
    else checkNamed(path, inUse, base)
  } catch (error) {
    // While this opener stood still, a later one may have made what was found.
    await epochFile.check()
    throw error
  }
  // It was there when we looked.
  if (base === undefined && seen !== undefined) checkOpening(undefined, request)
  const identity = { id, writerEpoch: base === undefined ? -1 : lower.at(-1)! }
  const found = await scan(path, base ?? newLog, environment)
  await epochFile.check()
  const opened = (segment: Segment | undefined): Wal => {
    const medium = new SegmentLog({ path, epochFile, capacity, segmentBytes, scan: found, segment }, environment)
    return new BatchLog({ medium, identity, index: found.index, freeFrom: found.freeFrom, end: found.end, trimmed: found.trimmed, lastRecord: found.lastRecord, damage: found.damage }, environment)
  }
  // Without a state of ours the one that we read stays the log's: who restores the damaged file finds the rest.
  if (found.damage !== undefined) return opened(undefined)

  if (found.segments.length + 1 >= segmentsMax) {
    throw new StreambedError('OVER_CAPACITY', `${found.segments.length} segments of earlier starts still hold records; have them uploaded by a start with a larger "segmentBytes". path=${path}`)
  }
  const segment = await Segment.create(path, { epoch: writerEpoch, number: 0, start: found.end, size: alignUp(segmentBytes), salt: random.bytes(8) }, environment)
  owned.defer(async () => { await release(logger, 'segment', () => segment.close()) })
  await keepDoubtful(path, found, environment)
  await epochFile.write({ trimmed: found.trimmed, scanStart: found.freeFrom, confirmedEnd: found.end, segments: [...found.segments, openEntryOf(segment)] })
  // Whoever fences us after this check reads that state, and needs nothing that is removed now.
  await epochFile.check()
  await forget(path, lower, [...found.segments, segment.header], writerEpoch, environment)
  return opened(segment)
}

/**
 * What may be opened there: undefined where a log is to be made, or one to be finished whose opener died. Decided before anything
 * is made, claimed or fenced (W-12).
 */
async function look (path: string, request: OpeningRequest, environment: Environment): Promise<FoundLog | undefined> {
  const owner = await readOwner(path, environment)
  if (owner !== undefined) {
    const found = { ...owner, id: await readIdentity(path, environment) }
    checkOpening(found, request)
    if (await isFinished(path, environment)) return found
  }
  if (request.opening !== undefined && request.opening.mode !== 'create') await refuseRemains(path, environment)
  checkOpening(undefined, request)
  return undefined
}

/** Whether anybody has finished opening it: until then nothing was confirmed. */
async function isFinished (path: string, environment: Environment): Promise<boolean> {
  for (const epoch of (await noneIfMissing(listEpochs(path, environment))).reverse()) {
    try {
      await using owned = new AsyncDisposableStack()
      const file = await EpochFile.open(path, epoch, environment)
      owned.defer(async () => { await release(environment.logger, 'epoch file', () => file.close()) })
      if (await file.read() !== undefined) return true
    } catch (error) {
      // Whoever removes it has finished.
      if (StreambedError.is(error, 'NOT_FOUND')) return true
      throw error
    }
  }
  return false
}

async function noneIfMissing<T> (listing: Promise<T[]>): Promise<T[]> {
  try {
    return await listing
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return []
    throw error
  }
}

/** Fences every epoch of `lower`, rising. Resolves with the newest state that any of them noted before; undefined for a new log. */
async function fenceAll (path: string, lower: readonly number[], writerEpoch: number, environment: Environment): Promise<EpochState | undefined> {
  await using files = new AsyncDisposableStack()
  const opened: EpochFile[] = []
  for (const epoch of lower) {
    let file
    try {
      file = await EpochFile.open(path, epoch, environment)
    } catch (error) {
      // A later opener, whose check we shall not pass, or an earlier one has finished and needs it no more.
      if (StreambedError.is(error, 'NOT_FOUND')) continue
      throw error
    }
    const owned = file
    files.defer(async () => { await release(environment.logger, 'epoch file', () => owned.close()) })
    await file.fence(writerEpoch)
    opened.push(file)
  }
  for (const file of opened.reverse()) {
    const state = await file.read()
    if (state !== undefined) return state
  }
  return undefined
}

/** The last batch can be read, but perhaps from the server's memory only. What is recovered must stay. */
async function keepDoubtful (path: string, { doubtful }: Scan, environment: Environment): Promise<void> {
  if (doubtful === undefined) return
  const segment = await Segment.open(path, doubtful.segment, environment, 'update')
  try {
    await segment.write([doubtful.bytes], doubtful.position)
  } finally {
    await release(environment.logger, 'segment', () => segment.close())
  }
}

/** Removes the files of lower epochs and the segments that no state names. A failure costs space only. */
async function forget (path: string, lower: readonly number[], kept: readonly SegmentId[], writerEpoch: number, environment: Environment): Promise<void> {
  const { fileSystem, logger } = environment
  try {
    for (const epoch of lower) await removeIfThere(epochPath(path, epoch), fileSystem)
    const strays: SegmentId[] = []
    for (const { name } of await fileSystem.list(segmentsPath(path))) {
      const id = segmentIdOf(name)
      if (id !== undefined && id.epoch <= writerEpoch && !kept.some(each => isSame(each, id))) strays.push(id)
    }
    if (strays.length > 0) await removeSegments(path, strays, environment)
  } catch (error) {
    logger.warn('what earlier epochs left behind could not be removed; a later start does', { path, cause: String(error) })
  }
}

async function removeIfThere (file: string, fileSystem: Environment['fileSystem']): Promise<void> {
  try {
    await fileSystem.remove(file)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
  }
}

/** Segments with records, or of positions that others had before, but no epoch are what is left of a log: not to be taken for a new one. */
async function refuseRemains (path: string, environment: Environment): Promise<void> {
  for (const { name } of await noneIfMissing(listSegments(path, environment))) {
    const id = segmentIdOf(name)
    if (id !== undefined && await holdsRecords(path, id, environment)) {
      throw new StreambedError('CORRUPT', `the epoch files are missing, but a segment with records, or behind some, is there; restore the folder "epochs", or move the segments away. path=${path} segment=${name}`)
    }
  }
}

async function listSegments (path: string, { fileSystem }: Environment): Promise<DirectoryEntry[]> { return [...await fileSystem.list(segmentsPath(path))] }

async function holdsRecords (path: string, id: SegmentId, environment: Environment): Promise<boolean> {
  let segment: Segment
  try {
    segment = await Segment.open(path, id, environment)
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return false
    throw error
  }
  try {
    if (segment.header.start > 0) return true
    const reader = new BatchReader(segment, environment.crc32c, { start: segment.header.start, limit: segment.limit }, false)
    return await reader.next() !== undefined || await reader.isDamaged() || await reader.findLater(Infinity) !== undefined
  } finally {
    await release(environment.logger, 'segment', () => segment.close())
  }
}

function explain (error: unknown, path: string): unknown {
  if (!StreambedError.is(error, 'UNSUPPORTED') || !/O_DIRECT/.test(error.message)) return explainOpenFailure(error, path)
  return new StreambedError('MISCONFIGURED', `the file system of the log has no direct access (O_DIRECT), without which a takeover is not safe; use NFS, ext4 or xfs. path=${path}: ${error.message}`, { cause: error })
}
