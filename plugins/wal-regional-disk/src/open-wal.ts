import { StreambedError, type Environment, type FileLock, type Wal, type WalWriter } from '@streambed/sdk'
import { BatchIndex, BatchLog, blockBytes, checkWriter, explainOpenFailure, fenced, makeFolder, release, syncParents, type OpenedBatchLog } from '@streambed/sdk/batch-log'
import type { EpochFile } from './epoch-file.ts'
import { deviceHeaderBytes, DeviceMedium, FolderMedium, type Medium } from './media.ts'
import { OldRings, type ScannedRing } from './old-rings.ts'
import { defaultCapacityBytes, type RegionalDiskOptions } from './options.ts'
import { ringHeaderBytes, type Ring } from './ring.ts'
import { RingLog } from './ring-log.ts'
import { scanRing } from './scan.ts'
import { ringsMax, type EpochState, type RingReference } from './slots.ts'

/** How often, and how long, an opener asks again while another one is inside `openWal`. */
const gateTriesMax = 2000
const gateWaitMsMax = 2000

interface Target { readonly medium: Medium, readonly ringSize: number }

/**
 * Opens the log, fences lower epochs, and reads it through once. While this runs no other opener gets in: an opener
 * that stood still after reading could otherwise rewrite what a later one has replaced.
 */
export async function openWal (options: RegionalDiskOptions, environment: Environment, writer: WalWriter): Promise<Wal> {
  checkWriter(writer)
  try {
    const target = await findTarget(options, environment)
    await using owned = new AsyncDisposableStack()
    const gate = await lockGate(target.medium, environment)
    await using gateHeld = new AsyncDisposableStack()
    gateHeld.defer(async () => { await release(environment.logger, 'gate lock', () => gate.release()) })
    const log = await openLog(target, environment, writer, owned)
    owned.move()
    return new BatchLog(log, environment)
  } catch (error) {
    throw explainOpenFailure(error, options.path)
  }
}

async function openLog ({ medium, ringSize }: Target, environment: Environment, writer: WalWriter, owned: AsyncDisposableStack): Promise<OpenedBatchLog> {
  const { writerEpoch, clusterId, nodeId } = writer
  // The lock of a device is its ring's and guards its epoch record too; that of a folder's ring is known by its id.
  let lock = medium.kind === 'device' ? own(owned, await lockDevice(medium), environment) : undefined
  const epochFile = await medium.openEpochFile()
  owned.defer(async () => { await release(environment.logger, 'epoch file', () => epochFile.close()) })

  let state = await epochFile.read()
  if (state !== undefined) {
    checkOwner(state, writer, medium.path)
    const current = state.rings.at(-1)!
    lock ??= await tryLock(medium, current.ringId, owned, environment)
    // From here on the earlier writer confirms nothing, and what it confirmed can be read.
    state = await writeState(epochFile, { ...state, writerEpoch })
  }
  if (state === undefined && medium.kind === 'folder') await syncParents(medium.path, environment.fileSystem)
  await removeStrays(medium, state, environment)

  const scanned: ScannedRing[] = []
  for (const reference of state?.rings ?? []) scanned.push(await openRing(medium, reference, environment, owned))
  const trimmed = Math.max(-1, ...scanned.map(({ scan }) => scan.trimmed))
  for (const { index } of scanned) index.trim(trimmed)
  const damage = scanned.find(({ scan }) => scan.damage !== undefined)?.scan.damage
  const last = scanned.at(-1)
  const end = last?.scan.end ?? 0
  const lastRecord = Math.max(trimmed, ...scanned.map(({ scan }) => scan.lastRecord))
  const opened = (ring: Ring, index: BatchIndex, ringLock: FileLock | undefined, old: readonly ScannedRing[]): OpenedBatchLog => {
    const parts = { path: medium.path, writerEpoch, epochFile, ring, ringLock, oldRings: oldRingsOf(old), end, trimmed, damage }
    return { medium: new RingLog(parts, environment), index, freeFrom: index.isEmpty ? end : index.firstStart, end, trimmed, lastRecord, damage }
  }
  const oldRingsOf = (rings: readonly ScannedRing[]): OldRings => new OldRings(rings, medium, epochFile, writerEpoch, environment)

  if (last !== undefined && damage !== undefined) {
    return opened(last.ring, last.index, lock, scanned.slice(0, -1))
  }
  if (last !== undefined) {
    const { doubtful } = last.scan
    // It can be read, but after a failed write or a power cut perhaps from memory only. What is recovered must stay.
    if (doubtful !== undefined) await last.ring.write([doubtful.bytes], doubtful.position, doubtful.bytes.length)
    if (lock !== undefined && last.ring.size === ringSize) {
      return opened(last.ring, last.index, lock, scanned.slice(0, -1))
    }
    if (medium.kind === 'device') {
      throw new StreambedError('MISCONFIGURED', `a device keeps the size it was formatted with; remove "capacity", or set it to what the device has. path=${medium.path} formatted=${last.ring.size + deviceHeaderBytes} wanted=${ringSize + deviceHeaderBytes}`)
    }
  }

  // The old ring may still get a late write of a stopped process, or has another size: it is frozen, a new one follows.
  const kept = scanned.filter(({ scan }) => scan.lastRecord > trimmed)
  if (kept.length >= ringsMax) {
    throw new StreambedError('OVER_CAPACITY', `${kept.length} rings of earlier takeovers still hold records; end the processes that hold their locks, then start again. path=${medium.path}`)
  }
  const ringLock = medium.kind === 'device' ? lock! : own(owned, await medium.lockRing(writerEpoch), environment)
  const salt = environment.random.bytes(8)
  const ring = await medium.createRing({ sequence: 0, clusterId, nodeId, ringId: writerEpoch, salt, base: end, size: ringSize, scanStart: end, trimmed, confirmedEnd: end })
  owned.defer(async () => { await release(environment.logger, 'ring', () => ring.close()) })
  const frozen = kept.map(each => ({ ...each.reference, frozen: { start: each.scan.start, end: each.scan.end } }))
  const rings = [...frozen, { ringId: writerEpoch, base: end, size: ringSize, frozen: undefined }]
  const written = await writeState(epochFile, { sequence: state?.sequence ?? -1, clusterId, nodeId, writerEpoch, rings })
  for (const each of scanned) if (!kept.includes(each)) await release(environment.logger, 'ring', () => each.ring.close())
  await removeStrays(medium, written, environment)
  if (last !== undefined && lock !== undefined) await release(environment.logger, 'ring lock', () => lock.release())
  return opened(ring, new BatchIndex(), ringLock, kept)
}

async function findTarget (options: RegionalDiskOptions, environment: Environment): Promise<Target> {
  const { path, capacity, lockFile } = options
  let stat
  try {
    stat = await environment.fileSystem.stat(path)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
    await makeFolder(path, environment.fileSystem)
  }
  if (stat === undefined || stat.kind === 'directory') {
    if (lockFile !== undefined) throw new StreambedError('MISCONFIGURED', `"lockFile" is for block devices; a folder holds its own lock. path=${path}`)
    return { medium: new FolderMedium(path, environment), ringSize: wholeBlocks((capacity ?? defaultCapacityBytes) - ringHeaderBytes) }
  }
  if (stat.kind !== 'blockDevice') {
    throw new StreambedError('MISCONFIGURED', `the log needs a folder or a block device, and this is neither. path=${path} kind=${stat.kind}`)
  }
  if (capacity !== undefined && capacity > stat.size) {
    throw new StreambedError('MISCONFIGURED', `the device is smaller than the capacity. path=${path} size=${stat.size} capacity=${capacity}`)
  }
  const ringSize = wholeBlocks((capacity ?? stat.size) - deviceHeaderBytes)
  if (ringSize < 16 * blockBytes) throw new StreambedError('MISCONFIGURED', `the device is too small. path=${path} size=${stat.size}`)
  return { medium: new DeviceMedium(path, lockFile ?? `${path}.streambed-lock`, environment), ringSize }
}

function wholeBlocks (bytes: number): number { return Math.floor(bytes / blockBytes) * blockBytes }

async function lockGate (medium: Medium, { clock, yieldTurn }: Environment): Promise<FileLock> {
  const deadlineMs = clock.monotonicMs() + gateWaitMsMax
  for (let tries = 1; ; tries++) {
    try {
      return await medium.lockGate()
    } catch (error) {
      if (!StreambedError.is(error, 'LOCKED')) throw error
      if (tries >= gateTriesMax || clock.monotonicMs() >= deadlineMs) {
        throw new StreambedError('LOCKED', `another process is opening the log and does not finish; end it, or try again. path=${medium.path}`, { cause: error })
      }
      await yieldTurn()
    }
  }
}

async function lockDevice (medium: Medium): Promise<FileLock> {
  try {
    return await medium.lockRing(0)
  } catch (error) {
    if (!StreambedError.is(error, 'LOCKED')) throw error
    throw new StreambedError('LOCKED', `another process of this host writes to the device. It cannot be fenced while it lives, for a device has no reservation here: end it, then start again. path=${medium.path}`, { cause: error })
  }
}

/** Undefined while the earlier writer lives, be it stopped. */
async function tryLock (medium: Medium, ringId: number, owned: AsyncDisposableStack, environment: Environment): Promise<FileLock | undefined> {
  try {
    return own(owned, await medium.lockRing(ringId), environment)
  } catch (error) {
    if (StreambedError.is(error, 'LOCKED')) return undefined
    throw error
  }
}

function own (owned: AsyncDisposableStack, lock: FileLock, { logger }: Environment): FileLock {
  owned.defer(async () => { await release(logger, 'ring lock', () => lock.release()) })
  return lock
}

function checkOwner (state: EpochState, writer: WalWriter, path: string): void {
  if (state.clusterId !== writer.clusterId || state.nodeId !== writer.nodeId) {
    throw new StreambedError('MISCONFIGURED', `the log belongs to another broker; give each its own path. path=${path} log: cluster=${state.clusterId} node=${state.nodeId}; this broker: cluster=${writer.clusterId} node=${writer.nodeId}`)
  }
  if (writer.writerEpoch <= state.writerEpoch) throw fenced(path, writer.writerEpoch, state.writerEpoch)
}

/** Both copies, so the sequence grows by two. */
async function writeState (epochFile: EpochFile, state: EpochState): Promise<EpochState> {
  const next = { ...state, sequence: state.sequence + 1 }
  await epochFile.write(next)
  return { ...next, sequence: next.sequence + 1 }
}

async function openRing (medium: Medium, reference: RingReference, environment: Environment, owned: AsyncDisposableStack): Promise<ScannedRing> {
  const ring = await openNamedRing(medium, reference.ringId)
  owned.defer(async () => { await release(environment.logger, 'ring', () => ring.close()) })
  checkRing(ring, reference)
  const index = new BatchIndex()
  return { reference, ring, index, scan: await scanRing(ring, reference.frozen, index, environment) }
}

async function openNamedRing (medium: Medium, ringId: number): Promise<Ring> {
  try {
    return await medium.openRing(ringId)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
    throw new StreambedError('CORRUPT', `a ring that the epoch record names is missing or blank; restore it. path=${medium.path} ring=${ringId}`, { cause: error })
  }
}

function checkRing ({ state, path }: Ring, reference: RingReference): void {
  if (state.ringId === reference.ringId && state.base === reference.base && state.size === reference.size) return
  throw new StreambedError('CORRUPT', `the ring is not the one that the epoch record names; restore it. path=${path} ring=${state.ringId} named=${reference.ringId}`)
}

/**
 * Removes rings that a crash left behind: made, but not yet named by the epoch record, or no longer. Without any epoch
 * record they may be all that is left of a log, so only an empty one goes.
 */
async function removeStrays (medium: Medium, state: EpochState | undefined, environment: Environment): Promise<void> {
  for (const ringId of await medium.ringIds()) {
    if (state?.rings.some(ring => ring.ringId === ringId) === true) continue
    if (state === undefined && await holdsRecords(medium, ringId, environment)) {
      throw new StreambedError('CORRUPT', `the epoch record is missing, but a ring with records is there; restore the file "epoch", or move the ring away. path=${medium.path} ring=${ringId}`)
    }
    await medium.removeRing(ringId)
  }
}

async function holdsRecords (medium: Medium, ringId: number, environment: Environment): Promise<boolean> {
  let ring
  try {
    ring = await medium.openRing(ringId)
  } catch (error) {
    // A crash while it was made: it had no header yet.
    if (StreambedError.is(error, 'NOT_FOUND')) return false
    throw error
  }
  try {
    const { scanStart, base } = ring.state
    const scan = await scanRing(ring, undefined, new BatchIndex(), environment)
    return scanStart !== base || scan.end !== base || scan.damage !== undefined
  } finally {
    await release(environment.logger, 'ring', () => ring.close())
  }
}
