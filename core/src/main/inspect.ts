import type { ObjectStore, Wal } from '@streambed/sdk'
import { Metadata } from '../metadata/metadata.ts'
import { ObjectReader } from '../storage/object/object-reader.ts'
import { RetryingObjectStore } from '../storage/object-store/retrying-object-store.ts'
import { loadBackends } from './backends.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { Host } from './open-broker.ts'
import { openWal } from './open-wal.ts'
import { registerNode } from './register-node.ts'

/** A stopped broker's storage, open for reading. */
export interface Inspection extends AsyncDisposable {
  readonly metadata: Metadata
  readonly objectStore: ObjectStore
  readonly objects: ObjectReader
  /** Opens the WAL in the node's next epoch, as a restart would; what is recovered from it stays there. */
  openWal (): Promise<Wal>
}

const readerOptions = { blockCacheBytesMax: 1, indexesMax: 1, getBytesMax: 1, onWasted: () => undefined }

/** Opens what a configuration names, without a broker. Rejects with LOCKED while the broker runs. */
export async function inspect (config: BrokerConfig, { environment }: Host): Promise<Inspection> {
  await using opened = new AsyncDisposableStack()
  const backends = await loadBackends(config)
  const objectStore = opened.use(new RetryingObjectStore(await backends.objects.plugin.open(backends.objects.options, environment), environment))
  const log = opened.use(await backends.metadata.plugin.open(backends.metadata.options, environment, backends.metadata.plugin.needsObjectStore ? { objectStore } : {}))
  const metadata = opened.use(await Metadata.open({ log, environment, snapshotEveryEntries: Infinity }))
  const objects = new ObjectReader(new Map([[config.storage.engine.store, objectStore]]), environment, readerOptions)
  const stack = opened.move()
  return {
    metadata,
    objectStore,
    objects,
    openWal: async () => {
      const endpoints = metadata.image.node(config.node.id)?.endpoints ?? []
      const registration = await registerNode(metadata, config, endpoints, environment)
      return stack.use(await openWal({ config, environment, backends, objectStore, metadata, registration }))
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync()
  }
}
