import { StreambedError, checkOpening, mintIdentity, type Environment, type FileLock, type OpeningRequest, type Wal, type WalContext } from '@streambed/sdk'
import { BatchIndex, BatchLog, checkWriter, explainOpenFailure, fenced, release, syncParents, type OpenedBatchLog } from '@streambed/sdk/batch-log'
import { attach } from './attach.ts'
import type { EpochFile } from './epoch-file.ts'
import { findMedium } from './find-medium.ts'
import { lockGate, tryLock } from './locks.ts'
import type { Medium } from './medium.ts'
import { findPlace, type NewPlace } from './new-place.ts'
import { OldRings, type ScannedRing } from './old-rings.ts'
import type { RegionalDiskOptions } from './options.ts'
import { nodeOutside, type Outside } from './outside.ts'
import { reservationOf, type Reservation } from './reservation.ts'
import type { Ring } from './ring.ts'
import { RingLog } from './ring-log.ts'
import { scanRing } from './scan.ts'
import type { EpochState, RingReference } from './slots.ts'
import { refuseRemains, removeStrays } from './strays.ts'

/**
 * Opens the log, fences lower epochs, and reads it through once. While this runs no other opener of this host gets in: an
 * opener that stood still after reading could otherwise rewrite what a later one has replaced.
 */
export async function openWal (options: RegionalDiskOptions, environment: Environment, { opening, writer }: Omit<WalContext, 'objectStore'>, outside: Outside = nodeOutside): Promise<Wal> {
  checkWriter(writer)
  const request: OpeningRequest = { opening, writer, place: `path=${options.path}` }
  try {
    if (options.attach !== undefined) await attach(options.attach, options.attachToken, { ...writer, path: options.path }, outside, environment.clock)
    const medium = await findMedium(options, environment, request)
    const isThere = await look(medium, request, environment) !== undefined
    if (!isThere) await medium.make()
    const reservation = reservationOf(options, medium, outside, environment.clock)
    await using owned = new AsyncDisposableStack()
    const gate = await lockGate(medium, environment)
    await using gateHeld = new AsyncDisposableStack()
    gateHeld.defer(async () => { await release(environment.logger, 'gate lock', () => gate.release()) })
    const epochFile = await medium.openEpochFile(isThere ? 'update' : 'create')
    owned.defer(async () => { await release(environment.logger, 'epoch file', () => epochFile.close()) })
    const log = await openLog(medium, epochFile, reservation, environment, request, owned)
    owned.move()
    return new BatchLog(log, environment)
  } catch (error) {
    throw explainOpenFailure(error, options.path)
  }
}

/** Whether what stands there may be opened is decided before anything is made, locked or fenced (W-12). */
async function look (medium: Medium, request: OpeningRequest, environment: Environment): Promise<EpochState | undefined> {
  let state
  try {
    state = await medium.look()
  } catch (error) {
    // A device with something else on it has no log.
    if (StreambedError.is(error, 'MISCONFIGURED')) checkOpening(undefined, request)
    throw error
  }
  // With `create` that is asked behind the gate: another creator's ring may be there by now.
  if (state === undefined && request.opening !== undefined && request.opening.mode !== 'create') await refuseRemains(medium, undefined, environment)
  checkFound(state, medium, request)
  return state
}

async function openLog (medium: Medium, epochFile: EpochFile, reservation: Reservation | undefined, environment: Environment, request: OpeningRequest, owned: AsyncDisposableStack): Promise<OpenedBatchLog> {
  const { writer } = request
  const { writerEpoch, clusterId, nodeId } = writer
  let state = await epochFile.read()
  // Again, for another opener may have been at it.
  checkFound(state, medium, request)
  const identity = { id: state?.id ?? mintIdentity(environment.random), writerEpoch: state?.writerEpoch ?? -1 }
  const { id } = identity
  const isTaken = await reservation?.take(writer) === 'taken'
  let lock: FileLock | undefined
  if (state !== undefined) {
    lock = await tryLock(medium, state.rings.at(-1)!, owned, environment)
    // From here on the earlier writer confirms nothing, and what it confirmed can be read.
    state = await writeState(epochFile, { ...state, id, writerEpoch })
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
    const oldRings = new OldRings(old, medium, epochFile, writerEpoch, environment)
    const parts = { path: medium.path, writerEpoch, epochFile, ring, ringLock, oldRings, end, trimmed, damage }
    return { medium: new RingLog(parts, environment), identity, index, freeFrom: index.isEmpty ? end : index.firstStart, end, trimmed, lastRecord, damage }
  }

  if (last !== undefined && damage !== undefined) {
    return opened(last.ring, last.index, lock, scanned.slice(0, -1))
  }
  const areaCount = state?.areaCount ?? medium.areaCount
  const ringSize = medium.ringSize(areaCount)
  const kept = scanned.filter(({ scan }) => scan.lastRecord > trimmed)
  const wanted = { last, kept, areaCount, ringId: writerEpoch, size: ringSize }
  let place: NewPlace | undefined
  if (last !== undefined) {
    const { doubtful } = last.scan
    // It can be read, but after a failed write or a power cut perhaps from memory only. What is recovered must stay.
    if (doubtful !== undefined) await last.ring.write([doubtful.bytes], doubtful.position, doubtful.bytes.length)
    if (lock !== undefined && last.ring.size === ringSize) {
      // A device that was taken from another host may still get what that had on its way: better to go on elsewhere.
      place = isTaken ? await findPlace(medium, wanted, owned, environment) : undefined
      if (place === undefined || 'problem' in place) return opened(last.ring, last.index, lock, scanned.slice(0, -1))
    }
  }

  // The old ring may still get a late write of a stopped process, or has another size: it is frozen, a new one follows.
  place ??= await findPlace(medium, wanted, owned, environment)
  if ('problem' in place) throw place.problem
  const { area, lock: ringLock } = place
  // A crash must not leave a record that names what is about to be replaced.
  if (state?.rings.some(ring => ring.area === area) === true && medium.kind === 'device') {
    state = await writeState(epochFile, { ...state, rings: state.rings.filter(ring => ring.area !== area) })
  }
  const salt = environment.random.bytes(8)
  const ring = await medium.createRing({ sequence: 0, clusterId, nodeId, ringId: writerEpoch, salt, base: end, size: ringSize, scanStart: end, trimmed, confirmedEnd: end }, area)
  owned.defer(async () => { await release(environment.logger, 'ring', () => ring.close()) })
  const frozen = kept.map(each => ({ ...each.reference, frozen: { start: each.scan.start, end: each.scan.end } }))
  const rings = [...frozen, { ringId: writerEpoch, base: end, size: ringSize, area, frozen: undefined }]
  const written = await writeState(epochFile, { sequence: state?.sequence ?? -1, id, clusterId, nodeId, writerEpoch, areaCount, rings })
  for (const each of scanned) if (!kept.includes(each)) await release(environment.logger, 'ring', () => each.ring.close())
  await removeStrays(medium, written, environment)
  if (last !== undefined && lock !== undefined) await release(environment.logger, 'ring lock', () => lock.release())
  return opened(ring, new BatchIndex(), ringLock, kept)
}

/** Also refuses with MISCONFIGURED the option that a formatted device does not fit, and with FENCED an epoch that is not higher. */
function checkFound (state: EpochState | undefined, medium: Medium, request: OpeningRequest): void {
  checkOpening(state, request)
  if (state === undefined) return
  const { writerEpoch } = request.writer
  const wanted = medium.ringSize(state.areaCount)
  const { size } = state.rings.at(-1)!
  if (medium.kind === 'device' && size !== wanted) {
    throw new StreambedError('MISCONFIGURED', `a device keeps the size it was formatted with; remove "capacity", or set it to what the device had then. path=${medium.path} ringBytes=${size} wanted=${wanted}`)
  }
  if (writerEpoch <= state.writerEpoch) throw fenced(medium.path, writerEpoch, state.writerEpoch)
}

/** Both copies, so the sequence grows by two. */
async function writeState (epochFile: EpochFile, state: EpochState): Promise<EpochState> {
  const next = { ...state, sequence: state.sequence + 1 }
  await epochFile.write(next)
  return { ...next, sequence: next.sequence + 1 }
}

async function openRing (medium: Medium, reference: RingReference, environment: Environment, owned: AsyncDisposableStack): Promise<ScannedRing> {
  const ring = await openNamedRing(medium, reference)
  owned.defer(async () => { await release(environment.logger, 'ring', () => ring.close()) })
  checkRing(ring, reference)
  const index = new BatchIndex()
  return { reference, ring, index, scan: await scanRing(ring, reference.frozen, index, environment) }
}

async function openNamedRing (medium: Medium, reference: RingReference): Promise<Ring> {
  try {
    return await medium.openRing(reference)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
    throw new StreambedError('CORRUPT', `a ring that the epoch record names is missing or blank; restore it. path=${medium.path} ring=${reference.ringId}`, { cause: error })
  }
}

function checkRing ({ state, path }: Ring, reference: RingReference): void {
  if (state.ringId === reference.ringId && state.base === reference.base && state.size === reference.size) return
  throw new StreambedError('CORRUPT', `the ring is not the one that the epoch record names; restore it. path=${path} ring=${state.ringId} named=${reference.ringId}`)
}
