import type { Clock } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { memoryMetadataLogPlugin, memoryObjectStorePlugin, memoryWalPlugin } from '@streambed/sdk/testing'
import { crc32c } from '../protocol/records/crc32c.ts'
import { nodeNetwork } from '../runtime/node-network.ts'
import type { LoadedBackends } from './backends.ts'
import { loadConfig } from './config/load-config.ts'
import { firstStoreName } from './config/stores.ts'
import { openBroker } from './open-broker.ts'

/** Groups form at once, and notice a dead member soon. */
const testKafka = { 'group.initial.rebalance.delay.ms': 0, 'group.min.session.timeout.ms': 100 }

export interface EmbeddedOptions {
  /** On 127.0.0.1. Default: a free one. */
  readonly port?: number
  /** Broker settings by their Kafka names. On top of defaults for tests: groups form at once, sessions may be short. */
  readonly kafka?: Readonly<Record<string, string | number | boolean>>
  /** Time for the broker: a virtual one lets tests skip retention and sessions. Default: the machine's. */
  readonly clock?: Clock
}

/** A broker within this process. Disposing it stops it; all that it held is gone. */
export interface EmbeddedBroker extends AsyncDisposable {
  /** `127.0.0.1:port`, for clients. */
  readonly bootstrap: string
  readonly port: number
  /** Rejects when the broker can no longer serve; settles no earlier. */
  readonly failed: Promise<unknown>
  /** Idempotent. */
  stop (): Promise<void>
}

/**
 * Starts a broker for an application's own tests: the real one, on backends in memory. Nothing is written to disk, and nothing
 * survives. Resolves when it serves. Rejects naming the setting that is wrong, or the port that is taken.
 */
export async function startBroker ({ clock, kafka = {}, port = 0 }: EmbeddedOptions = {}): Promise<EmbeddedBroker> {
  const config = await loadConfig({
    environment: {},
    settings: { node: { listeners: [`plaintext://127.0.0.1:${port}`] }, kafka: { ...testKafka, ...kafka } }
  })
  const environment = nodeEnvironment({ crc32c })
  const broker = await openBroker(config, {
    environment: clock === undefined ? environment : { ...environment, clock },
    network: nodeNetwork,
    backends: inMemory()
  })
  const [address] = broker.server.addresses
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => { await (stopping ??= Promise.resolve(broker[Symbol.asyncDispose]())) }
  return { bootstrap: `127.0.0.1:${address!.port}`, port: address!.port, failed: broker.failed, stop, [Symbol.asyncDispose]: stop }
}

function inMemory (): LoadedBackends {
  const wal = { plugin: memoryWalPlugin(), options: {} }
  return {
    wal,
    stores: new Map([[firstStoreName, { plugin: memoryObjectStorePlugin(), options: {} }]]),
    metadata: { plugin: memoryMetadataLogPlugin(), options: {} },
    loadWal: async () => wal
  }
}
