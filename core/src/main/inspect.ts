import { StreambedError, type Wal } from '@streambed/sdk'
import { Metadata } from '../metadata/metadata.ts'
import { ObjectReader } from '../storage/object/object-reader.ts'
import { loadBackends } from './backends.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { openStores } from './object-stores.ts'
import { openMetadataLog, type Host } from './open-broker.ts'
import { openWal } from './open-wal.ts'
import { Incarnation } from './register-node.ts'

/** A stopped broker's storage, open for reading. */
export interface Inspection extends AsyncDisposable {
  readonly metadata: Metadata
  readonly objects: ObjectReader
  /** Opens the WAL in the node's next epoch, as a restart would; what is recovered from it stays there. */
  openWal (): Promise<Wal>
}

const readerOptions = { blockCacheBytesMax: 1, indexCacheBytesMax: 1, getBytesMax: 1, onWasted: () => undefined, nameOf: (streamId: number) => `stream ${streamId}` }

/** Opens what a configuration names, without a broker. Rejects with LOCKED while the broker runs. */
export async function inspect (config: BrokerConfig, { environment }: Host): Promise<Inspection> {
  await using opened = new AsyncDisposableStack()
  const backends = await loadBackends(config)
  const stores = await openStores(backends, environment, opened)
  const log = opened.use(await openMetadataLog(config, backends, stores, environment))
  const metadata = opened.use(await Metadata.open({ log, environment, snapshotEveryEntries: Infinity }))
  const objects = new ObjectReader(stores, environment, readerOptions)
  const stack = opened.move()
  return {
    metadata,
    objects,
    openWal: async () => {
      // Opening would make one.
      if ((metadata.image.node(config.node.id)?.wal ?? null) === null) throw new StreambedError('NOT_FOUND', `node ${config.node.id} has no write-ahead log yet`)
      const { wal } = await openWal({ config, environment, backends, stores, metadata, incarnation: new Incarnation(environment) })
      return stack.use(wal)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync()
  }
}
