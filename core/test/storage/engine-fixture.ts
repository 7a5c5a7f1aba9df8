import { MemoryMetadataLog, MemoryMetadataMedium, MemoryObjectMedium, MemoryObjectStore, MemoryWal, MemoryWalMedium, SeededRandom, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import type { Environment, ObjectStore } from '@streambed/sdk'
import { serve } from '../../src/main/note-node.ts'
import { Incarnation, takeEpoch, type Registration } from '../../src/main/register-node.ts'
import { Metadata } from '../../src/metadata/metadata.ts'
import { StreamCatalog } from '../../src/metadata/stream-catalog.ts'
import { defaultStorageOptions, type StorageOptions } from '../../src/storage/options.ts'
import { StreamEngine } from '../../src/storage/stream/stream-engine.ts'

export const clusterId = 'test-cluster'
export const nodeId = 1
export const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** Storage that outlives engines: open one, "crash" by leaving it, open another. */
export class EngineFixture {
  readonly clock = new VirtualClock()
  readonly environment: Environment
  readonly walMedium: MemoryWalMedium
  readonly objects = new MemoryObjectMedium()
  metadataMedium = new MemoryMetadataMedium()
  /** Lets a test put faults between engine and store. */
  wrapStore: (store: ObjectStore) => ObjectStore = store => store
  nodeEpoch = 0

  constructor (options: { readonly walBytes?: number, readonly seed?: string } = {}) {
    this.environment = testEnvironment({ clock: this.clock, random: new SeededRandom(options.seed ?? 'engine') })
    this.walMedium = new MemoryWalMedium({ capacityBytes: options.walBytes ?? 64 * 2 ** 20 })
  }

  /** Opens everything as a broker would, in the next epoch; the first time with one topic of `partitions` partitions. */
  async open (options: Partial<StorageOptions> = {}, partitions = 4): Promise<OpenEngine> {
    const { registration, ...opened } = await this.openUnnoted(options, partitions)
    await serve(opened.metadata, registration, opened.wal, opened.engine, { endpoints: [], rack: null })
    return opened
  }

  /** As far as a broker comes before it tells the cluster. */
  async openUnnoted (options: Partial<StorageOptions> = {}, partitions = 4): Promise<OpenEngine & { readonly registration: Registration }> {
    const { environment } = this
    const metadata = await Metadata.open({ log: new MemoryMetadataLog(this.metadataMedium), environment, snapshotEveryEntries: 50 })
    await metadata.propose(image => ({
      records: image.clusterId === '' ? [{ type: 'clusterFounded', clusterId }] : [],
      result: undefined
    }))
    const registration = await takeEpoch(metadata, nodeId, new Incarnation(environment))
    this.nodeEpoch = registration.nodeEpoch
    await metadata.propose(image => ({
      records: image.topic(topicId) === undefined && image.nextStreamId === 1
        ? [{ type: 'topicCreated', topicId, name: 'test', partitionCount: partitions, ownerNodeId: nodeId, firstStreamId: image.nextStreamId, configs: {} }]
        : [],
      result: undefined
    }))
    const wal = await MemoryWal.open(this.walMedium, { clusterId, nodeId, writerEpoch: this.nodeEpoch })
    const store = this.wrapStore(new MemoryObjectStore({ clock: this.clock, medium: this.objects }))
    const catalog = new StreamCatalog({ metadata, clock: this.clock, nodeId, nodeEpoch: this.nodeEpoch })
    const engine = await StreamEngine.open({
      wal,
      stores: new Map([['default', store]]),
      catalog,
      environment,
      options: { ...defaultStorageOptions, uploadIntervalMs: 0, deletionGraceMs: 0, ...options }
    })
    return { engine, metadata, wal, catalog, registration }
  }

  /** Lets time pass until `promise` settles. */
  async runUntil<T> (promise: Promise<T>): Promise<T> {
    let isSettled = false
    promise.then(() => { isSettled = true }, () => { isSettled = true })
    while (!isSettled) await this.clock.run(100)
    return await promise
  }

  objectCount (): number { return this.objects.objects.size }
}

export interface OpenEngine { readonly engine: StreamEngine, readonly metadata: Metadata, readonly wal: MemoryWal, readonly catalog: StreamCatalog }

/** Batch bytes that say which batch they are. */
export function payload (label: string, size = 64): Uint8Array {
  return Buffer.alloc(Math.max(size, label.length), `${label}.`)
}
