import 'reflect-metadata'
import { Container } from 'inversify'
import type { Environment, MetadataLog } from '@streambed/sdk'
import { Broker } from '../broker/broker.ts'
import { defaultShardTuning, type ShardTuning } from '../broker/state-shard/state-shard.ts'
import { Metadata } from '../metadata/metadata.ts'
import type { Endpoint } from '../metadata/records.ts'
import { StreamCatalog } from '../metadata/stream-catalog.ts'
import type { Network } from '../runtime/network.ts'
import { Server } from '../server/server.ts'
import { StreamEngine } from '../storage/stream/stream-engine.ts'
import { loadBackends, type LoadedBackends } from './backends.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { keys } from './keys.ts'
import { checkFounding, checkStores, openStores, storeNameFor, type ObjectStores } from './object-stores.ts'
import { noteStopped, serve } from './note-node.ts'
import { openWal, type OpenedWal } from './open-wal.ts'
import { told } from './told.ts'
import { checkCurrent, foundCluster, Incarnation, noteLostEnd, overtaken, type Registration } from './register-node.ts'

/** Thresholds that no option sets. */
export interface Tuning {
  /** Entries of the metadata log between snapshots. */
  readonly snapshotEveryEntries: number
  /** Bytes of batches between checkpoints of a partition: opening it replays no more. */
  readonly checkpointBytes: number
  /** When coordinators write their logs anew. */
  readonly groupLog: ShardTuning
}

const defaultTuning: Tuning = Object.freeze({ snapshotEveryEntries: 1_000, checkpointBytes: 16 * 1024 * 1024, groupLog: defaultShardTuning })

/** What a broker runs on: the machine, or a simulation of it. */
export interface Host {
  readonly environment: Environment
  readonly network: Network
  /** Stands in for the plugins that the configuration names: tests bring doubles that share a medium. */
  readonly backends?: LoadedBackends
  /** Aborted: no object store is waited for any more. */
  readonly giveUp?: AbortSignal
  /** Other thresholds than the usual: simulations take small ones, to get past them within a run. */
  readonly tuning?: Tuning
}

/** A broker that serves clients. Disposing it drains connections, then closes everything in the reverse order of opening. */
export interface OpenBroker extends AsyncDisposable {
  readonly server: Server
  readonly broker: Broker
  readonly engine: StreamEngine
  readonly metadata: Metadata
  readonly registration: Registration
  /** Resolves with the reason once this broker can no longer serve: it must be disposed, and perhaps opened anew. */
  readonly failed: Promise<unknown>
}

/**
 * Opens a broker, from its backends up to its listeners. A failing open closes what had opened, and leaves nothing that others see.
 * `incarnation`: of the process, which may open a broker again and again.
 */
export async function openBroker (config: BrokerConfig, host: Host, incarnation: Incarnation = new Incarnation(host.environment)): Promise<OpenBroker> {
  await using opened = new AsyncDisposableStack()
  const container = bindings(config, host, incarnation, opened)
  // A port in use is found before an epoch is taken, which fences whoever runs.
  await container.getAsync(keys.server)
  const broker = await container.getAsync(keys.broker)
  const { engine, metadata, registration, server } = {
    server: await container.getAsync(keys.server),
    engine: await container.getAsync(keys.engine),
    metadata: await container.getAsync(keys.metadata),
    registration: await container.getAsync(keys.registration)
  }
  // Listening came first, so that a port in use is found before anything is fenced; serving ends first. Draining must not
  // wait for members that wait for each other.
  opened.defer(async () => { await Promise.all([server.close(), broker.releaseMembers()]) })
  server.serve((frame, context) => broker.dispatch(frame, context))
  const engineFailed = engine.failed.then(async error => {
    await noteLostEnd(metadata, registration, error)
    return error
  })
  // A process that stood still may have nothing to do that would tell it.
  const overtaking = overtaken(metadata, registration)
  opened.defer(overtaking.stop)
  const failed = Promise.race([engineFailed, metadata.failed, overtaking.failed])
  const stack = opened.move()
  return { server, broker, engine, metadata, registration, failed, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** The stack owns the order of closing: inversify would close all singletons at once. */
function bindings (config: BrokerConfig, host: Host, incarnation: Incarnation, opened: AsyncDisposableStack): Container {
  const container = new Container({ defaultScope: 'Singleton' })
  const { environment } = host
  const { checkpointBytes, groupLog, snapshotEveryEntries } = host.tuning ?? defaultTuning
  container.bind(keys.config).toConstantValue(config)
  container.bind(keys.environment).toConstantValue(environment)
  container.bind(keys.network).toConstantValue(host.network)
  container.bind(keys.incarnation).toConstantValue(incarnation)
  container.bind(keys.backends).toResolvedValue(async () => host.backends ?? await loadBackends(config))

  container.bind(keys.stores).toResolvedValue((backends: LoadedBackends) =>
    told('the object stores', environment, () => openStores(backends, environment, opened, host.giveUp)), [keys.backends])

  container.bind(keys.metadataLog).toResolvedValue(async (backends: LoadedBackends, stores: ObjectStores): Promise<MetadataLog> =>
    opened.use(await told('the metadata log', environment, () => openMetadataLog(config, backends, stores, environment))), [keys.backends, keys.stores])

  container.bind(keys.metadata).toResolvedValue(async (log: MetadataLog) =>
    opened.use(await told('what the metadata log holds', environment, () => Metadata.open({ log, environment, snapshotEveryEntries, giveUp: host.giveUp }))), [keys.metadataLog])

  container.bind(keys.server).toResolvedValue(async (network: Network) =>
    opened.use(await Server.open({ network, clock: environment.clock, logger: environment.logger, limits: config.limits }, config.node.listeners)),
  [keys.network])

  container.bind(keys.checkedStores).toResolvedValue(async (stores: ObjectStores, metadata: Metadata): Promise<ObjectStores> => {
    await told('the object stores, to see whose they are', environment, async () => {
      await checkFounding(stores, metadata, config, environment)
      await checkStores(stores, metadata, await foundCluster(metadata, environment), config, environment)
    })
    return stores
  }, [keys.stores, keys.metadata])

  container.bind(keys.wal).toResolvedValue(async (backends: LoadedBackends, stores: ObjectStores, metadata: Metadata): Promise<OpenedWal> => {
    const openedWal = await told('the write-ahead log', environment, () => openWal({ config, environment, backends, stores, metadata, incarnation }))
    opened.use(openedWal.wal)
    return openedWal
  }, [keys.backends, keys.checkedStores, keys.metadata])

  container.bind(keys.engine).toResolvedValue(async ({ registration, wal }: OpenedWal, stores: ObjectStores, metadata: Metadata) => {
    const catalog = new StreamCatalog({ metadata, clock: environment.clock, ...registration })
    const opening = told('what the write-ahead log holds', environment, () => StreamEngine.open({ wal, stores, catalog, environment, options: config.storage.engine }))
    return opened.use(await opening.catch(async (error: unknown) => {
      await noteLostEnd(metadata, registration, error)
      throw error
    }))
  }, [keys.wal, keys.checkedStores, keys.metadata])

  container.bind(keys.registration).toResolvedValue(async ({ registration, wal }: OpenedWal, engine: StreamEngine, metadata: Metadata, server: Server) => {
    metadata.proposeOnlyWhile(image => checkCurrent(image, registration))
    const facts = { endpoints: endpointsOf(config, server), rack: config.node.rack }
    await told('the cluster to know of this node', environment, () => serve(metadata, registration, wal, engine, facts))
    opened.defer(() => noteStopped(metadata, registration, engine, environment.logger))
    return registration
  }, [keys.wal, keys.engine, keys.metadata, keys.server])

  container.bind(keys.broker).toResolvedValue(async (engine: StreamEngine, metadata: Metadata, { nodeEpoch, nodeId }: Registration, server: Server) =>
    opened.use(await Broker.open({ engine, metadata, environment, nodeId, nodeEpoch, kafka: config.kafka, elsewhere: settingsByKafkaName(config, server), checks: config.produce, checkpointBytes, groupLog })),
  [keys.engine, keys.metadata, keys.registration, keys.server])

  return container
}

/** Opens the configured metadata log, in its store if it lives in one. */
export async function openMetadataLog (config: BrokerConfig, { metadata }: LoadedBackends, stores: ObjectStores, environment: Environment): Promise<MetadataLog> {
  const { options, plugin } = metadata
  if (!plugin.needsObjectStore) return await plugin.open(options, environment, {})
  return await plugin.open(options, environment, { objectStore: stores.get(storeNameFor('metadata', config.storage.metadata, config))! })
}

/** What clients are told: the advertised address, or the one in use. */
function endpointsOf ({ node }: BrokerConfig, server: Server): Endpoint[] {
  return server.addresses.map(({ host, name, port }) => {
    const advertised = node.listeners.find(listener => listener.name === name)?.advertised
    return { name, ...advertised ?? { host, port } }
  })
}

/** Our own settings under the names that Kafka's tools know. */
function settingsByKafkaName ({ limits }: BrokerConfig, { addresses }: Server): Record<string, string> {
  return {
    'listeners': addresses.map(({ host, name, port }) => `${name}://${host}:${port}`).join(','),
    'listener.security.protocol.map': addresses.map(({ name }) => `${name}:PLAINTEXT`).join(','),
    'socket.request.max.bytes': String(limits.requestBytesMax),
    'max.connections': String(limits.connectionsMax),
    'connections.max.idle.ms': String(limits.idleMsMax)
  }
}
