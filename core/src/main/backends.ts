import type { BackendConfig, BrokerConfig } from './config/broker-config.ts'
import { loadBackend, type LoadedBackend } from './plugins/plugin-loader.ts'

/** The plugins that a configuration names, loaded, with validated options. Nothing is opened yet. */
export interface LoadedBackends {
  readonly wal: LoadedBackend<'wal'>
  readonly objects: LoadedBackend<'objects'>
  readonly metadata: LoadedBackend<'metadata'>
  /** Brings the WAL that the metadata says this node last used, should it differ from today's. */
  loadWal (backend: BackendConfig): Promise<LoadedBackend<'wal'>>
}

export async function loadBackends (config: BrokerConfig): Promise<LoadedBackends> {
  const { storage } = config
  const loadWal = (backend: BackendConfig): Promise<LoadedBackend<'wal'>> => loadBackend('wal', backend, config)
  const [wal, objects, metadata] = await Promise.all([
    loadWal(storage.wal),
    loadBackend('objects', storage.objects, config),
    loadBackend('metadata', storage.metadata, config)
  ])
  return { wal, objects, metadata, loadWal }
}
