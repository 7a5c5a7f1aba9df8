import { StreambedError, type Environment, type MetadataLog, type Wal } from '@streambed/sdk'
import { Metadata } from '../../metadata/metadata.ts'
import type { WalRegistration } from '../../metadata/records.ts'
import { StreamCatalog } from '../../metadata/stream-catalog.ts'
import { streamNames } from '../../metadata/stream-names.ts'
import type { StreamId } from '../../storage/catalog/catalog.ts'
import { LostEndError } from '../../storage/catalog/lost-end.ts'
import { StreamEngine, type GivenUp } from '../../storage/stream/stream-engine.ts'
import { loadBackends, type LoadedBackends } from '../backends.ts'
import type { BackendConfig, BrokerConfig } from '../config/broker-config.ts'
import { checkFounding, checkStores, markStore, openStores, ownerOf, storeNameFor, unmarkedStores, type ObjectStores } from '../object-stores.ts'
import { openMetadataLog } from '../open-broker.ts'
import { configuredWal, epochsTriedAtStart, inSomeEpoch, openWalIn, own, type WalParts } from '../open-wal.ts'
import type { LoadedBackend } from '../plugins/plugin-loader.ts'
import { foundCluster, Incarnation, noteLostEnd, takeEpoch, type Registration } from '../register-node.ts'
import { checkReach } from '../wal-reach.ts'
import { acceptLoss } from './accept-loss.ts'

/** What an operator may give up: what a medium held and nothing else does. */
export const losses = ['wal', 'metadata', 'objects'] as const
export type Loss = typeof losses[number]

/** One line of what was found, or done. */
export interface RecoveryNote { readonly subject: Loss, readonly text: string }

/** Of each kind: more than a log can have given out in what it lost. */
const idsSkipped = 2 ** 32
/** Epochs that a metadata log lost: as many are taken, ten times more at each try. */
const epochsTriedMax = 100_000

/**
 * The way out of every refusal of a start that no restoring of files can end: goes on without what is lost, of the kinds in `accepted`.
 * Nothing that cannot be read is deleted: a damaged WAL stays where it is, and storage.wal must name another place. Yields what it
 * finds. Without the kind that a refusal needs it rejects with that refusal, and has changed nothing that a start reads.
 *
 * All that the WAL still gives is moved into objects first. Then each partition of the node goes on 2^31 offsets further, in a new
 * leader epoch, with its start as it was and without what it knew of producers: no offset that may have been given out is given out again.
 * `loaded`: stands in for the plugins that the configuration names, as in `Host`.
 */
export async function * recover (config: BrokerConfig, environment: Environment, accepted: ReadonlySet<Loss>, loaded?: LoadedBackends): AsyncGenerator<RecoveryNote> {
  await using opened = new AsyncDisposableStack()
  const backends = loaded ?? await loadBackends(config)
  const stores = await openStores(backends, environment, opened)
  const { log, metadata } = yield * openMetadata(config, environment, accepted, backends, stores)
  opened.use(log)
  opened.use(metadata)
  yield * settleCluster(config, environment, accepted, stores, metadata)
  yield * settleStores(config, environment, accepted, stores, metadata)
  yield * settleWal({ config, environment, accepted, backends, stores, metadata, incarnation: new Incarnation(environment) })
}

interface OpenMetadata { readonly log: MetadataLog, readonly metadata: Metadata }

/** Some logs find their damage when they are opened, and others when they are read. */
async function openAndRead (config: BrokerConfig, environment: Environment, backends: LoadedBackends, stores: ObjectStores): Promise<OpenMetadata> {
  const log = await openMetadataLog(config, backends, stores, environment)
  try {
    return { log, metadata: await Metadata.open({ log, environment, snapshotEveryEntries: Infinity }) }
  } catch (error) {
    await log.close()
    throw error
  }
}

async function * openMetadata (config: BrokerConfig, environment: Environment, accepted: ReadonlySet<Loss>, backends: LoadedBackends, stores: ObjectStores): AsyncGenerator<RecoveryNote, OpenMetadata> {
  const { options, plugin } = backends.metadata
  try {
    return await openAndRead(config, environment, backends, stores)
  } catch (error) {
    if (!StreambedError.is(error, 'CORRUPT')) throw error
    if (plugin.repair === undefined) throw new StreambedError('UNSUPPORTED', `the metadata log is damaged, and its plugin '${plugin.name}' knows no way out: put back a copy. ${error.message}`, { cause: error })
    if (!accepted.has('metadata')) throw needs('metadata', error)
    const objectStore = plugin.needsObjectStore ? stores.get(storeNameFor('metadata', config.storage.metadata, config)) : undefined
    const { end, lostFrom, setAside } = await plugin.repair(options, environment, objectStore === undefined ? {} : { objectStore })
    yield { subject: 'metadata', text: `${error.message}` }
    yield { subject: 'metadata', text: `kept entries before ${end}; ${lostFrom === undefined ? 'no entry was lost' : `entries from ${lostFrom} on are lost, how many is not known`}; set aside: ${setAside.length === 0 ? 'nothing' : setAside.join(', ')}` }
    return await openAndRead(config, environment, backends, stores)
  }
}

/** An empty log is taken for what is left of the cluster that the stores belong to, once the metadata is given up. */
async function * settleCluster (config: BrokerConfig, environment: Environment, accepted: ReadonlySet<Loss>, stores: ObjectStores, metadata: Metadata): AsyncGenerator<RecoveryNote> {
  try {
    await checkFounding(stores, metadata, config, environment)
    await foundCluster(metadata, environment)
  } catch (error) {
    if (!StreambedError.is(error, 'MISCONFIGURED')) throw error
    if (!accepted.has('metadata')) throw needs('metadata', error)
    const clusterId = await foundCluster(metadata, environment, (await ownerOf(stores, environment))?.clusterId)
    yield { subject: 'metadata', text: `all of it is lost; what is founded anew is the cluster that the object store belongs to, without its topics. cluster=${clusterId}` }
  }
}

async function * settleStores (config: BrokerConfig, environment: Environment, accepted: ReadonlySet<Loss>, stores: ObjectStores, metadata: Metadata): AsyncGenerator<RecoveryNote> {
  const { clusterId } = metadata.image
  try {
    await checkStores(stores, metadata, clusterId, config, environment)
  } catch (error) {
    if (!StreambedError.is(error, 'MISCONFIGURED', 'CORRUPT')) throw error
    const unmarked = await unmarkedStores(stores)
    // A store of another cluster is never taken over: its settings are wrong.
    if (unmarked.length === 0) throw error
    if (!accepted.has('objects')) throw needs('objects', error)
    yield { subject: 'objects', text: error.message }
    for (const name of unmarked) {
      await markStore(stores, name, clusterId)
      yield { subject: 'objects', text: `the object store '${name}' is taken for the one it was; of what it does not hold, readers are told KAFKA_STORAGE_ERROR or CORRUPT_MESSAGE` }
    }
    await checkStores(stores, metadata, clusterId, config, environment)
  }
}

interface WalRecovery extends WalParts { readonly accepted: ReadonlySet<Loss> }

async function * settleWal (parts: WalRecovery): AsyncGenerator<RecoveryNote> {
  const { accepted, config, metadata } = parts
  const last = metadata.image.node(config.node.id)?.wal ?? null
  const refusal = await whatRefuses(parts, last)
  const lost: Loss = refusal instanceof LostEndError && refusal.of === 'catalog' ? 'metadata' : 'wal'
  if (refusal !== undefined && !accepted.has(lost)) throw needs(lost, refusal)
  if (refusal !== undefined) yield { subject: lost, text: refusal.message }
  // Of objects first: what is salvaged is stored under ids that were never given out; what streams the metadata knows must be seen.
  if (accepted.has('metadata')) await skipIds(metadata, { objects: idsSkipped, others: 0 })
  if (refusal !== undefined) yield * replaceWal(parts, last, lost, StreambedError.is(refusal, 'WRONG_MEDIUM', 'MISCONFIGURED'))
  if (accepted.has('metadata')) {
    await skipIds(metadata, { objects: 0, others: idsSkipped })
    yield { subject: 'metadata', text: `${idsSkipped} ids of streams, objects and producers, which may have been given out, are skipped` }
  }
  if (refusal === undefined) {
    yield { subject: 'wal', text: last === null ? 'the metadata names no WAL of this node' : 'the WAL and the metadata belong together' }
  }
}

/** What a start would say of the WAL that the node last used; undefined: nothing. */
async function whatRefuses (parts: WalRecovery, last: WalRegistration | null): Promise<StreambedError | undefined> {
  const { backends, config, incarnation, metadata } = parts
  try {
    return await inSomeEpoch(parts, epochsTriedAtStart, async registration => {
      if (last === null) return await whatIsUnknown(parts, registration)
      await using wal = await openWalIn(parts, registration, await backends.loadWal(last as BackendConfig), last, own(last.id))
      checkReach(wal, registration.node)
      const given: GivenUp[] = []
      const engine = await openEngine(parts, registration, wal, lost => given.push(lost))
      await engine.close()
      // A gap may be of either; what proves which of them it is counts.
      const problem = (given.find(({ problem: found }) => found instanceof LostEndError && found.of === 'catalog') ?? given[0])?.problem
      if (problem !== undefined) await noteLostEnd(metadata, registration, problem)
      return problem
    })
  } catch (error) {
    // As a start does: this opening, too, leaves an epoch in the WAL.
    if (incarnation.epoch !== undefined) await noteLostEnd(metadata, { nodeId: config.node.id, nodeEpoch: incarnation.epoch }, error)
    // Its place, too, may be gone for good: another broker's by now, or in a store that is not configured any more.
    if (isLoss(error) || StreambedError.is(error, 'MISCONFIGURED')) return error
    throw error
  }
}

/** Metadata that names no WAL of the node has lost its end if the configured one holds records. */
async function whatIsUnknown (parts: WalRecovery, registration: Registration): Promise<StreambedError | undefined> {
  try {
    await using wal = await openWalIn(parts, registration, parts.backends.wal, configuredWal(parts), own(undefined))
    const last = wal.identity?.last ?? -1
    return last === -1 ? undefined : new LostEndError('catalog', `it names no WAL of node ${registration.nodeId}, and the configured one holds records. last=${last}`)
  } catch (error) {
    if (StreambedError.is(error, 'WRONG_MEDIUM')) return undefined
    throw error
  }
}

async function skipIds (metadata: Metadata, { objects, others }: { readonly objects: number, readonly others: number }): Promise<void> {
  await metadata.propose(({ nextObjectId, nextProducerId, nextStreamId }) => ({
    records: [{ type: 'idsSkipped', nextStreamId: nextStreamId + others, nextObjectId: nextObjectId + objects, nextProducerId: nextProducerId + others }],
    result: undefined
  }))
}

/** The node goes on with the configured WAL, which must be a new one; the last one gives what it can, and stays as it is. */
async function * replaceWal (parts: WalRecovery, last: WalRegistration | null, lost: Loss, isGone: boolean): AsyncGenerator<RecoveryNote> {
  const { backends, config, environment, incarnation, metadata, stores } = parts
  const configured = configuredWal(parts)
  // Before anything is given up: a place that cannot be used changes nothing.
  await using fresh = await openFresh(parts, await takeEpoch(metadata, config.node.id, incarnation), configured)
  if (last !== null && !isGone) yield * salvage(parts, await backends.loadWal(last as BackendConfig), last, lost)
  const registration = await takeEpoch(metadata, config.node.id, incarnation)
  const { nodeEpoch: epoch, nodeId } = registration
  await using engine = await openEngine(parts, registration, fresh)
  const continuations = await acceptLoss({ metadata, environment, stores, options: config.storage.engine, registration, engine })
  for (const { endOffset, name, nextOffset, startOffset } of continuations) {
    yield { subject: lost, text: `${name}: offsets [${startOffset}, ${endOffset}) are kept; what came after is lost, how much is not known; it goes on at ${nextOffset}` }
  }
  const id = fresh.identity?.id
  await metadata.propose(() => ({
    records: [{ type: 'nodeWalOpened', nodeId, epoch, wal: { ...configured, ...id === undefined ? {} : { id } }, walPosition: fresh.identity?.last ?? -1 }],
    result: undefined
  }))
  yield { subject: lost, text: `the broker goes on with the WAL that storage.wal names; ${last === null ? 'there was none' : `the last one (${last.plugin}) is left as it is`}` }
}

/** Moves what the last WAL still gives into objects. */
async function * salvage (parts: WalRecovery, backend: LoadedBackend<'wal'>, last: WalRegistration, lost: Loss): AsyncGenerator<RecoveryNote> {
  const givenUp: GivenUp[] = []
  try {
    // A metadata log that lost its end has forgotten epochs, too: it gives out new ones until one is higher than those.
    const { registration, wal: opened } = await inSomeEpoch(parts, epochsTriedMax, async taken => ({ registration: taken, wal: await openWalIn(parts, taken, backend, last, own(last.id)) }))
    await using wal = opened
    await noteOlder(parts, registration, wal)
    await using engine = await openEngine(parts, registration, wal, given => givenUp.push(given))
    await engine.flush()
  } catch (error) {
    if (!isLoss(error)) throw error
    yield { subject: lost, text: `nothing can be read from the last WAL. ${error.message}` }
    return
  }
  for (const text of describe(givenUp, parts.metadata)) yield { subject: lost, text }
  yield { subject: lost, text: 'what the last WAL still gives is in objects' }
}

/** This opening, too, leaves an epoch in the WAL: were this the end of the process, the next start must not take an older copy for the right one. */
async function noteOlder ({ metadata }: WalRecovery, registration: Registration, wal: Wal): Promise<void> {
  try {
    checkReach(wal, registration.node)
  } catch (error) {
    if (!(error instanceof LostEndError)) throw error
    if (error.of === 'wal') await noteLostEnd(metadata, registration, error)
  }
}

async function openFresh (parts: WalRecovery, registration: Registration, configured: WalRegistration): Promise<Wal> {
  try {
    const wal = await openWalIn(parts, registration, parts.backends.wal, configured, { mode: 'create' })
    if (wal.identity === undefined || wal.identity.last === -1) return wal
    await wal.close()
    throw new StreambedError('MISCONFIGURED', 'there is a log with records')
  } catch (error) {
    if (!StreambedError.is(error, 'CORRUPT', 'MISCONFIGURED', 'WRONG_MEDIUM')) throw error
    throw new StreambedError('MISCONFIGURED', `the broker must go on with a new WAL, and the log that storage.wal names is left as it is: give storage.wal a place where no log is yet, and run this again. ${error.message}`, { cause: error })
  }
}

async function openEngine ({ config, environment, metadata, stores }: WalRecovery, { nodeEpoch, nodeId }: Registration, wal: Wal, onGivenUp?: (lost: GivenUp) => void): Promise<StreamEngine> {
  const catalog = new StreamCatalog({ metadata, clock: environment.clock, nodeId, nodeEpoch })
  return await StreamEngine.open({ wal, catalog, environment, options: config.storage.engine, stores, ...onGivenUp === undefined ? {} : { onGivenUp } })
}

function isLoss (error: unknown): error is StreambedError { return StreambedError.is(error, 'WRONG_MEDIUM', 'CORRUPT', 'NOT_FOUND') }

function needs (loss: Loss, refusal: StreambedError): StreambedError {
  return new StreambedError(refusal.code, `${refusal.message}\nNothing was given up. If no copy can be put back, \`streambed recover --accept-loss ${loss}\` goes on without what is lost`, { cause: refusal })
}

/** One line for each stream that loses readable records, and one for what cannot be read. */
function describe (givenUp: readonly GivenUp[], metadata: Metadata): string[] {
  const names = streamNames(metadata.image)
  const lost = new Map<StreamId, { readonly startOffset: number, readonly endOffset: number }>()
  const lines: string[] = []
  for (const { isKept, problem, record } of givenUp) {
    if (isKept === true) continue
    if (record === undefined) {
      lines.push(`from here on the last WAL cannot be read: ${problem.message}`)
      continue
    }
    const { startOffset, endOffset } = lost.get(record.streamId) ?? record
    lost.set(record.streamId, { startOffset: Math.min(startOffset, record.startOffset), endOffset: Math.max(endOffset, record.endOffset) })
  }
  for (const [streamId, { endOffset, startOffset }] of lost) {
    lines.push(`${names.get(streamId) ?? `stream ${streamId}, which the metadata does not know`}: records of offsets [${startOffset}, ${endOffset}) in the last WAL have no place and are given up`)
  }
  return lines
}
