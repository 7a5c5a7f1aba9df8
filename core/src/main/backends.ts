import type { BackendConfig, BrokerConfig } from './config/broker-config.ts'
import { firstStoreName } from './config/stores.ts'
import { loadBackend, type LoadedBackend } from './plugins/plugin-loader.ts'

/** The plugins that a configuration names, loaded, with validated options. Nothing is opened yet. */
export interface LoadedBackends {
  readonly wal: LoadedBackend<'wal'>
  /** By the stores' names. */
  readonly stores: ReadonlyMap<string, LoadedBackend<'objects'>>
  readonly metadata: LoadedBackend<'metadata'>
  /** Brings the WAL that the metadata says this node last used, should it differ from today's. */
  loadWal (backend: BackendConfig): Promise<LoadedBackend<'wal'>>
}

export async function loadBackends (config: BrokerConfig): Promise<LoadedBackends> {
  const { storage } = config
  const loadWal = (backend: BackendConfig): Promise<LoadedBackend<'wal'>> => loadBackend('wal', backend, ['storage', 'wal'], config)
  const loadStores = Object.entries(storage.stores).map(async ([name, backend]) =>
    [name, await loadBackend('objects', backend, name === firstStoreName ? ['storage', 'objects'] : ['storage', 'stores', name], config)] as const)
  const [wal, stores, metadata] = await Promise.all([
    loadWal(storage.wal),
    Promise.all(loadStores),
    loadBackend('metadata', storage.metadata, ['storage', 'metadata'], config)
  ])
  return { wal, stores: new Map(stores), metadata, loadWal }
}
