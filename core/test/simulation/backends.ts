import type { Environment, MetadataLog, MetadataLogPlugin, ObjectStore, ObjectStoreCapabilities, ObjectStorePlugin, Wal, WalPlugin } from '@streambed/sdk'
import { RemoteObjectStore, type ObjectService } from '@streambed/sdk/remote'
import { faultyMetadataLog, faultyObjectStore, faultyWal, type FaultPlan } from '@streambed/sdk/testing'
import fileMetadataLog from '@streambed/metadata-file'
import objectMetadataLog from '@streambed/metadata-object'
import fsObjectStore from '@streambed/object-store-fs'
import efs from '@streambed/wal-efs'
import objectWal from '@streambed/wal-object'
import regionalDisk from '@streambed/wal-regional-disk'
import { MemoryService } from '../../../sdk/test/remote/memory-service.ts'
import type { LoadedBackends } from '../../src/main/backends.ts'
import type { BackendConfig, BrokerConfig } from '../../src/main/config/broker-config.ts'

export const walKinds = ['regional-disk', 'efs', 'object'] as const
export const storeKinds = ['fs', 'remote'] as const
export const metadataKinds = ['file', 'object'] as const

/** Which plugins a broker of the simulation runs on. `remote`: a service on the network, under what all clouds' plugins share. */
export interface BackendKinds {
  readonly wal: typeof walKinds[number]
  readonly store: typeof storeKinds[number]
  readonly metadata: typeof metadataKinds[number]
}

export const folders = { wal: '/data/wal', objects: '/data/objects', metadata: '/data/metadata' }
/** Of what WAL and metadata log keep in the object store. */
export const logPrefixes = { wal: 'wal', metadata: 'metadata' }

const remoteCapabilities: ObjectStoreCapabilities = {
  conditionalCreate: 'atomic', multipart: { partBytesMin: 1, partsMax: 100, conditionalComplete: true }, objectBytesMax: 2 ** 30, scope: 'region', latencyClass: 'C'
}
const remoteOptions = { prefix: '', requestTimeoutMs: 5_000, bytesPerSecondMin: 1_000_000 }

export type WalContext = Parameters<WalPlugin['open']>[2]

/** Breaks the system on purpose, to prove that the checkers see it. */
export interface BackendSabotage {
  readonly wal?: (wal: Wal) => Wal
  readonly objects?: (store: ObjectStore) => ObjectStore
  readonly metadata?: (log: MetadataLog) => MetadataLog
  readonly walContext?: (context: WalContext) => WalContext
  /** Told of the WAL that each process is configured with. */
  readonly onConfigured?: (wal: BackendConfig) => void
}

/** Where the WAL of one life is. */
export interface WalPlace {
  readonly kind: BackendKinds['wal']
  /** '' for the first that a world has. */
  readonly name: string
  /** How much larger than usual it is. */
  readonly extraMiB: number
}

export function walSuffix ({ name }: WalPlace): string { return name === '' ? '' : `-${name}` }

export function storageConfig ({ metadata, store }: BackendKinds, walBytes: number, place: WalPlace): Pick<BrokerConfig['storage'], 'wal' | 'stores' | 'metadata'> {
  const path = folders.wal + walSuffix(place)
  const capacity = `${4 + place.extraMiB}MiB`
  const wals: Readonly<Record<BackendKinds['wal'], BackendConfig>> = {
    'regional-disk': { plugin: 'regional-disk', options: { path, capacity: walBytes + place.extraMiB * 2 ** 20 } },
    efs: { plugin: 'efs', options: { path, capacity, segmentBytes: '1MiB' } },
    object: { plugin: 'object', options: { prefix: logPrefixes.wal + walSuffix(place), capacity, putTimeoutMs: 500, putDeadlineMs: 5_000 } }
  }
  const stores: Readonly<Record<BackendKinds['store'], BackendConfig>> = {
    fs: { plugin: 'fs', options: { path: folders.objects } },
    remote: { plugin: 'remote', options: {} }
  }
  const logs: Readonly<Record<BackendKinds['metadata'], BackendConfig>> = {
    file: { plugin: 'file', options: { path: folders.metadata } },
    object: { plugin: 'object', options: { prefix: logPrefixes.metadata, putTimeoutMs: 500, putDeadlineMs: 5_000 } }
  }
  return { wal: wals[place.kind], stores: { default: stores[store] }, metadata: logs[metadata] }
}

/** Whether `key` belongs to a WAL or a metadata log that lives in the object store. */
export function isOfLog (key: string): boolean { return /^(?:wal|metadata)[^/]*\//.test(key) }

export interface Surroundings {
  readonly service: SimulatedService
  /** Only while this process lives does it hear of the outcome of a call. */
  readonly guard: <T>(call: () => Promise<T>) => Promise<T>
  readonly faults: (label: 'store' | 'metadata' | 'wal') => FaultPlan
  /** Stands in front of the store, where answers are made up. */
  readonly lying: (store: ObjectStore) => ObjectStore
  readonly sabotage: BackendSabotage | undefined
}

/** What the configuration would load, with faults around it. */
export async function simulatedBackends ({ metadata, store }: BackendKinds, { stores, wal: walConfig, metadata: logConfig }: BrokerConfig['storage'], around: Surroundings): Promise<LoadedBackends> {
  const { faults, guard, sabotage, service } = around
  sabotage?.onConfigured?.(walConfig)
  const logPlugin = ({ file: fileMetadataLog, object: objectMetadataLog } satisfies Record<BackendKinds['metadata'], unknown>)[metadata] as MetadataLogPlugin
  const openStore = async (options: unknown, environment: Environment): Promise<ObjectStore> => store === 'fs'
    ? await fsObjectStore.open(options as never, environment)
    : new RemoteObjectStore(guarded(service, guard), remoteCapabilities, remoteOptions, environment)
  const storePlugin: ObjectStorePlugin = {
    ...fsObjectStore as ObjectStorePlugin,
    open: async (options, environment) => {
      const opened = await openStore(options, environment)
      return faultyObjectStore(around.lying(sabotage?.objects?.(opened) ?? opened), { clock: environment.clock, plan: faults('store') })
    }
  }
  return {
    wal: await loadedWal(walConfig, around),
    stores: new Map([['default', { options: stores['default']!.options, plugin: storePlugin }]]),
    metadata: {
      options: await validated(logPlugin, logConfig.options),
      plugin: {
        ...logPlugin,
        open: async (options, environment, context) => {
          const opened = await logPlugin.open(options, environment, context)
          return faultyMetadataLog(sabotage?.metadata?.(opened) ?? opened, { clock: environment.clock, plan: faults('metadata') })
        }
      }
    },
    loadWal: backend => loadedWal(backend, around)
  }
}

async function loadedWal ({ options, plugin: name }: BackendConfig, { faults, sabotage }: Surroundings): Promise<LoadedBackends['wal']> {
  const plugin = ({ 'regional-disk': regionalDisk, efs, object: objectWal } satisfies Record<BackendKinds['wal'], unknown>)[name as BackendKinds['wal']] as WalPlugin
  return {
    // A ring is smaller here than an operator may make it, so that it is written round and round.
    options: name === 'regional-disk' ? options : await validated(plugin, options),
    plugin: {
      ...plugin,
      open: async (settings, environment, context) => {
        const opened = await plugin.open(settings, environment, sabotage?.walContext?.(context) ?? context)
        return faultyWal(sabotage?.wal?.(opened) ?? opened, { clock: environment.clock, plan: faults('wal') })
      }
    }
  }
}

async function validated (plugin: WalPlugin | MetadataLogPlugin, options: unknown): Promise<unknown> {
  const result = await plugin.options['~standard'].validate(options)
  if (result.issues === undefined) return result.value
  throw new Error(result.issues.map(({ message }) => message).join('\n'))
}

/**
 * The service that all processes of the world share: what a dead one has sent may still take effect. Each request takes time
 * before and after, during which it, or its answer, may be lost.
 */
export class SimulatedService extends MemoryService {
  constructor (nowMs: () => number, disturb: MemoryService['disturb']) {
    super(nowMs)
    this.disturb = disturb
  }
}

/** The service as one process reaches it. */
function guarded (service: ObjectService, guard: Surroundings['guard']): ObjectService {
  return new Proxy(service, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || name === 'failureOf' || name === 'close') return typeof value === 'function' ? value.bind(target) as unknown : value
      return (...args: unknown[]): Promise<unknown> => guard(() => Reflect.apply(value, target, args) as Promise<unknown>)
    }
  })
}
