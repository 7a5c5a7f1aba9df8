import { isDeepStrictEqual } from 'node:util'
import { StreambedError, type Environment, type Wal, type WalOpening } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { WalRegistration } from '../metadata/records.ts'
import { StreamCatalog } from '../metadata/stream-catalog.ts'
import { LostEndError } from '../storage/catalog/lost-end.ts'
import { StreamEngine } from '../storage/stream/stream-engine.ts'
import type { LoadedBackends } from './backends.ts'
import type { BackendConfig, BrokerConfig } from './config/broker-config.ts'
import { storeNameFor, type ObjectStores } from './object-stores.ts'
import type { LoadedBackend } from './plugins/plugin-loader.ts'
import { isSuperseded, noteLostEnd, superseded, takeEpoch, type Incarnation, type Registration } from './register-node.ts'
import { checkReach } from './wal-reach.ts'

/** As many epochs may starts on a wrong copy of the metadata log have left in a WAL; more prove that this log lost its end. */
export const epochsTriedAtStart = 100

export interface WalParts {
  readonly config: BrokerConfig
  readonly environment: Environment
  readonly backends: LoadedBackends
  readonly stores: ObjectStores
  readonly metadata: Metadata
  readonly incarnation: Incarnation
}

/** A WAL, and the epoch that it is open in. */
export interface OpenedWal {
  readonly wal: Wal
  readonly registration: Registration
}

/**
 * Takes an epoch and opens the configured WAL in it. The WAL that the node last used must be there and be that one, or starting is
 * refused: an empty folder where a disk is not mounted is no new log. When today's configuration names another, that is opened
 * first, then what the last one holds is moved into objects, and only then is the new one recorded. So changing the WAL between
 * restarts loses nothing, and a place that cannot be used changes nothing.
 */
export async function openWal (parts: WalParts): Promise<OpenedWal> {
  const { metadata } = parts
  const configured = configuredWal(parts)
  return await inSomeEpoch(parts, epochsTriedAtStart, async registration => {
    try {
      return await openConfigured(parts, registration, configured)
    } catch (error) {
      await noteLostEnd(metadata, registration, error)
      throw error
    }
  })
}

/**
 * Opens a WAL in the node's next epoch. One that was open in a later epoch than that need not prove a loss: starts on a wrong copy of the
 * metadata log leave epochs behind. So further ones are taken, more at each try, up to `triedMax`, and what the WAL holds decides.
 * Rejects with what `open` last rejected with.
 */
export async function inSomeEpoch<T> ({ config, environment, incarnation, metadata }: WalParts, triedMax: number, open: (registration: Registration) => Promise<T>): Promise<T> {
  for (let count = 1, tried = 0; ; count *= 10) {
    const registrations = await Promise.all(Array.from({ length: count }, () => takeEpoch(metadata, config.node.id, incarnation)))
    tried += count
    try {
      return await open(registrations.at(-1)!)
    } catch (error) {
      if (!isOfLaterEpoch(error) || tried >= triedMax) throw error
      environment.logger.warn('the WAL was open in a later epoch than this one: taking later ones', { tried, error: (error as Error).message })
    }
  }
}

function isOfLaterEpoch (error: unknown): boolean { return error instanceof LostEndError && StreambedError.is(error.cause, 'FENCED') }

async function openConfigured (parts: WalParts, registration: Registration, configured: WalRegistration): Promise<OpenedWal> {
  const { backends, config, environment, incarnation, metadata } = parts
  const last = registration.node.wal
  if (last === null) return await noted(parts, registration, configured, await openWalIn(parts, registration, backends.wal, configured, { mode: 'create' }))
  if (isSamePlace(last, configured)) return await noted(parts, registration, configured, await openWalIn(parts, registration, backends.wal, configured, own(last.id)))
  if (last.id !== undefined) return await changed(parts, registration, configured, last.id)
  // Whether the new place is the old one with other options cannot be told before the old one is open; both at once cannot be.
  environment.logger.info('the configured WAL is not the one last used: moving its records into objects', { last: last.plugin, configured: configured.plugin })
  const id = await drainWal(parts, registration, last)
  return await changed(parts, await takeEpoch(metadata, config.node.id, incarnation), configured, id)
}

/** The WAL of today's configuration, as it is recorded. */
export function configuredWal ({ backends: { wal: { plugin } }, config }: Pick<WalParts, 'backends' | 'config'>): WalRegistration {
  return { ...config.storage.wal, ...plugin.needsObjectStore ? { store: storeNameFor('wal', config.storage.wal, config) } : {} }
}

/** The configured WAL has other options than the last one of that identity: it is the same, or another one. */
async function changed (parts: WalParts, registration: Registration, configured: WalRegistration, lastId: string | undefined): Promise<OpenedWal> {
  const { backends, environment } = parts
  const last = registration.node.wal!
  const same = lastId === undefined ? undefined : await openIfThat(parts, registration, backends.wal, configured, lastId)
  if (same !== undefined) return await noted(parts, registration, configured, same)
  const wal = await openWalIn(parts, registration, backends.wal, configured, { mode: 'create' })
  try {
    if (last.id !== undefined) {
      environment.logger.info('the configured WAL is not the one last used: moving its records into objects', { last: last.plugin, configured: configured.plugin })
      await drainWal(parts, registration, last)
    }
    return await noted(parts, registration, configured, wal, 'another')
  } catch (error) {
    await wal.close()
    throw error
  }
}

/** Undefined when what is there is not that log. */
async function openIfThat (parts: WalParts, registration: Registration, backend: LoadedBackend<'wal'>, configured: WalRegistration, id: string): Promise<Wal | undefined> {
  try {
    const wal = await openWalIn(parts, registration, backend, configured, own(id))
    if (wal.identity?.id === id) return wal
    // It knows no identities and opened whatever is there.
    await wal.close()
  } catch (error) {
    if (!StreambedError.is(error, 'WRONG_MEDIUM')) throw error
  }
  return undefined
}

/** Records which WAL is open, where that is news: before anything is confirmed in it. */
async function noted (parts: WalParts, registration: Registration, configured: WalRegistration, wal: Wal, than?: 'another'): Promise<OpenedWal> {
  const { environment, metadata } = parts
  const { node, nodeEpoch, nodeId } = registration
  try {
    const { identity } = wal
    if (identity === undefined) {
      environment.logger.warn('this WAL cannot tell whether it is the one it was: were its medium exchanged, or not mounted, nobody would notice', { plugin: configured.plugin })
    }
    if (than === undefined) checkReach(wal, node)
    const registered: WalRegistration = { ...configured, ...identity === undefined ? {} : { id: identity.id } }
    if (!isDeepStrictEqual(node.wal, registered)) {
      await metadata.propose(() => ({ records: [{ type: 'nodeWalOpened', nodeId, epoch: nodeEpoch, wal: registered, walPosition: identity?.last ?? -1 }], result: undefined }))
    }
    return { wal, registration }
  } catch (error) {
    await wal.close()
    throw error
  }
}

/** Moves what the last WAL holds into objects. Resolves with its identity. */
async function drainWal (parts: WalParts, registration: Registration, last: WalRegistration): Promise<string | undefined> {
  const { backends, config: { storage: { engine: options } }, environment, metadata, stores } = parts
  const { node, nodeEpoch, nodeId } = registration
  await using wal = await openWalIn(parts, registration, await backends.loadWal(last as BackendConfig), last, own(last.id))
  checkReach(wal, node)
  const catalog = new StreamCatalog({ metadata, clock: environment.clock, nodeId, nodeEpoch })
  await using engine = await StreamEngine.open({ wal, catalog, environment, options, stores })
  await engine.serve()
  await engine.flush()
  return wal.identity?.id
}

/** Opens one WAL in the epoch of `registration`. FENCED only when another process has a later one. */
export async function openWalIn (parts: WalParts, registration: Registration, { options, plugin }: LoadedBackend<'wal'>, { store }: WalRegistration, opening: WalOpening): Promise<Wal> {
  const { environment, stores } = parts
  const objectStore = stores.get(store ?? '')
  if (plugin.needsObjectStore && objectStore === undefined) {
    throw new StreambedError('MISCONFIGURED', `the WAL that this node last used lives in the object store '${store}', which is not configured; add it under storage.stores with its old settings`)
  }
  const { clusterId, nodeEpoch: writerEpoch, nodeId } = registration
  let wal: Wal
  try {
    wal = await plugin.open(options, environment, {
      writer: { clusterId, nodeId, writerEpoch },
      opening,
      ...objectStore !== undefined && plugin.needsObjectStore ? { objectStore } : {}
    })
  } catch (error) {
    throw StreambedError.is(error, 'FENCED') ? await whyFenced(parts, registration, error) : error
  }
  try {
    // Whoever wrote here until now may have written of streams that were made while this one opened.
    await parts.metadata.refresh()
    return wal
  } catch (error) {
    await wal.close()
    throw error
  }
}

/** Either another process has taken a later epoch, or the log that gives epochs out has forgotten some. */
async function whyFenced ({ incarnation, metadata }: WalParts, { nodeEpoch, nodeId }: Registration, cause: StreambedError): Promise<StreambedError> {
  await metadata.refresh()
  const node = metadata.image.node(nodeId)
  if (isSuperseded(node, incarnation)) return superseded(nodeId, node)
  return new LostEndError('catalog', `the WAL was opened in a later epoch than any that this log has given out. nodeId=${nodeId} epoch=${nodeEpoch}: ${cause.message}`, { cause, isShownOnce: false })
}

/** The log of that identity; undefined for one that was recorded without. */
export function own (id: string | undefined): WalOpening { return { mode: 'own', ...id === undefined ? {} : { expectedId: id } } }

function isSamePlace ({ options, plugin, store }: WalRegistration, configured: WalRegistration): boolean {
  return isDeepStrictEqual({ options, plugin, store }, { options: configured.options, plugin: configured.plugin, store: configured.store })
}
