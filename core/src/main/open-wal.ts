import { isDeepStrictEqual } from 'node:util'
import { StreambedError, type Environment, type Wal } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import { StreamCatalog } from '../metadata/stream-catalog.ts'
import { StreamEngine } from '../storage/stream/stream-engine.ts'
import type { StorageOptions } from '../storage/options.ts'
import type { LoadedBackends } from './backends.ts'
import type { BackendConfig, BrokerConfig } from './config/broker-config.ts'
import { storeNameFor, type ObjectStores } from './object-stores.ts'
import type { LoadedBackend } from './plugins/plugin-loader.ts'
import type { Registration } from './register-node.ts'

export interface WalParts {
  readonly config: BrokerConfig
  readonly environment: Environment
  readonly backends: LoadedBackends
  readonly stores: ObjectStores
  readonly metadata: Metadata
  readonly registration: Registration
}

/**
 * Opens the configured WAL. When the node last used another one, that is recovered first: what it holds is moved into
 * objects, and only then is the new one registered and used. So changing the WAL between restarts loses nothing.
 */
export async function openWal (parts: WalParts): Promise<Wal> {
  const { backends, config, environment, metadata, registration } = parts
  const { nodeEpoch, nodeId } = registration
  const { plugin } = backends.wal
  const configured: BackendConfig = { ...config.storage.wal, ...plugin.needsObjectStore ? { store: storeNameFor('wal', config.storage.wal, config) } : {} }
  const last = registration.lastWal as BackendConfig | null
  if (last !== null && !isDeepStrictEqual(last, configured)) {
    environment.logger.info('the configured WAL is not the one last used: moving its records into objects', { last: last.plugin, configured: configured.plugin })
    await drainWal(parts, last, config.storage.engine)
  }
  if (last === null || !isDeepStrictEqual(last, configured)) {
    await metadata.propose(() => ({ records: [{ type: 'nodeWalChanged', nodeId, epoch: nodeEpoch, wal: configured }], result: undefined }))
  }
  return await open(parts, backends.wal, configured.store)
}

async function drainWal (parts: WalParts, last: BackendConfig, options: StorageOptions): Promise<void> {
  const { backends, environment, metadata, stores, registration: { nodeEpoch, nodeId } } = parts
  await using wal = await open(parts, await backends.loadWal(last), last.store)
  const catalog = new StreamCatalog({ metadata, clock: environment.clock, nodeId, nodeEpoch })
  await using engine = await StreamEngine.open({ wal, catalog, environment, options, stores })
  await engine.flush()
}

async function open ({ environment, stores, registration }: WalParts, { options, plugin }: LoadedBackend<'wal'>, storeName: string | undefined): Promise<Wal> {
  const objectStore = stores.get(storeName ?? '')
  if (plugin.needsObjectStore && objectStore === undefined) {
    throw new StreambedError('MISCONFIGURED', `the WAL that this node last used lives in the object store '${storeName}', which is not configured; add it under storage.stores with its old settings`)
  }
  const { clusterId, nodeEpoch: writerEpoch, nodeId } = registration
  return await plugin.open(options, environment, {
    writer: { clusterId, nodeId, writerEpoch },
    ...objectStore !== undefined && plugin.needsObjectStore ? { objectStore } : {}
  })
}
