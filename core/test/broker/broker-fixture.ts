import assert from 'node:assert/strict'
import { MemoryMetadataLog, MemoryMetadataMedium, MemoryObjectMedium, MemoryObjectStore, MemoryWal, MemoryWalMedium, SeededRandom, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import type { Environment, LogFields, Logger, MetadataLog, ObjectStore, Wal } from '@streambed/sdk'
import { Broker } from '../../src/broker/broker.ts'
import type { BatchChecks } from '../../src/broker/partition/batch-checks.ts'
import type { ShardTuning } from '../../src/broker/state-shard/state-shard.ts'
import { serve } from '../../src/main/note-node.ts'
import { Incarnation, takeEpoch } from '../../src/main/register-node.ts'
import { Metadata } from '../../src/metadata/metadata.ts'
import type { Endpoint } from '../../src/metadata/records.ts'
import { StreamCatalog } from '../../src/metadata/stream-catalog.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/frames.ts'
import { ApiKey, apis, type RequestInputOf, type ResponseOf } from '../../src/protocol/messages/apis.ts'
import { encodeBatch, type BatchOptions, type RecordInput } from '../../src/protocol/records/encode-batch.ts'
import { defaultStorageOptions, type StorageOptions } from '../../src/storage/options.ts'
import { StreamEngine } from '../../src/storage/stream/stream-engine.ts'

export const clusterId = 'test-cluster'
export const nodeId = 1
export const listener = 'PLAINTEXT'

export interface BrokerFixtureOptions { readonly seed?: string, readonly walBytes?: number, readonly endpoints?: readonly Endpoint[], readonly rack?: string | null }

export interface OpenOptions {
  readonly kafka?: Readonly<Record<string, string>>
  readonly storage?: Partial<StorageOptions>
  readonly groupLog?: ShardTuning
  readonly checks?: BatchChecks
}

export interface RequestOptions {
  readonly clientId?: string | null
  readonly listener?: string
  readonly signal?: AbortSignal
}

export interface LogLine { readonly level: string, readonly message: string, readonly fields?: LogFields }

/** Storage that outlives brokers: open one, close or leave it, open another. Everything is in memory, on a virtual clock. */
export class BrokerFixture {
  readonly clock = new VirtualClock()
  readonly environment: Environment
  readonly walMedium: MemoryWalMedium
  readonly objects = new MemoryObjectMedium()
  readonly metadataMedium = new MemoryMetadataMedium()
  /** What brokers logged, oldest first. */
  readonly log: LogLine[] = []
  readonly endpoints: readonly Endpoint[]
  /** Let a test put faults between broker and storage. */
  wrapStore: (store: ObjectStore) => ObjectStore = store => store
  wrapMetadataLog: (log: MetadataLog) => MetadataLog = log => log
  wrapWal: (wal: Wal) => Wal = wal => wal
  readonly #rack: string | null

  constructor (options: BrokerFixtureOptions = {}) {
    const environment = testEnvironment({ clock: this.clock, random: new SeededRandom(options.seed ?? 'broker') })
    this.environment = { ...environment, logger: recordingLogger(this.log) }
    this.walMedium = new MemoryWalMedium({ capacityBytes: options.walBytes ?? 64 * 2 ** 20 })
    this.endpoints = options.endpoints ?? [{ name: listener, host: 'broker.test', port: 9092 }, { name: 'EXTERNAL', host: 'outside.test', port: 19092 }]
    this.#rack = options.rack ?? null
  }

  /** Opens everything as the composition root would, in the node's next epoch. */
  async open (options: OpenOptions = {}): Promise<OpenBroker> {
    const { clock, endpoints, environment } = this
    const metadata = await Metadata.open({ log: this.wrapMetadataLog(new MemoryMetadataLog(this.metadataMedium)), environment, snapshotEveryEntries: 50 })
    await metadata.propose(image => ({ records: image.clusterId === '' ? [{ type: 'clusterFounded', clusterId }] : [], result: undefined }))
    const registration = await takeEpoch(metadata, nodeId, new Incarnation(environment))
    const { nodeEpoch } = registration
    const wal = this.wrapWal(await MemoryWal.open(this.walMedium, { clusterId, nodeId, writerEpoch: nodeEpoch }))
    const store = this.wrapStore(new MemoryObjectStore({ clock, medium: this.objects }))
    const engine = await StreamEngine.open({
      wal,
      stores: new Map([['default', store]]),
      catalog: new StreamCatalog({ metadata, clock, nodeId, nodeEpoch }),
      environment,
      options: { ...defaultStorageOptions, uploadIntervalMs: 0, deletionGraceMs: 0, ...options.storage }
    })
    await serve(metadata, registration, wal, engine, { endpoints, rack: this.#rack })
    const { checks, groupLog, kafka = {} } = options
    const broker = await Broker.open({ engine, metadata, environment, nodeId, nodeEpoch, kafka, checkpointBytes: 16 * 2 ** 20, ...checks === undefined ? {} : { checks }, ...groupLog === undefined ? {} : { groupLog } })
    return new OpenBroker({ broker, engine, metadata, fixture: this })
  }
}

interface OpenBrokerParts { readonly broker: Broker, readonly engine: StreamEngine, readonly metadata: Metadata, readonly fixture: BrokerFixture }

/** A broker without sockets: requests are encoded, dispatched and decoded as they would be over one connection. */
export class OpenBroker implements AsyncDisposable {
  readonly broker: Broker
  readonly engine: StreamEngine
  readonly metadata: Metadata
  readonly fixture: BrokerFixture
  #correlationId = 0
  #isClosed = false

  constructor ({ broker, engine, fixture, metadata }: OpenBrokerParts) {
    this.broker = broker
    this.engine = engine
    this.metadata = metadata
    this.fixture = fixture
  }

  /** The answer to a request; fails when the broker gives none. */
  async request<K extends ApiKey> (apiKey: K, version: number, body: RequestInputOf<K>, options: RequestOptions = {}): Promise<ResponseOf<K>> {
    const answer = await this.send(apiKey, version, body, options)
    if (typeof answer === 'string') assert.fail(`expected an answer, got ${answer}: ${JSON.stringify(this.fixture.log.at(-1))}`)
    return answer
  }

  /** As `request`, for what may be left unanswered. */
  async send<K extends ApiKey> (apiKey: K, version: number, body: RequestInputOf<K>, options: RequestOptions = {}): Promise<ResponseOf<K> | 'noReply' | 'close'> {
    const correlationId = ++this.#correlationId
    const clientId = options.clientId === undefined ? 'test-client' : options.clientId
    const reply = await this.dispatch(encodeRequest(apiKey, version, correlationId, clientId, body).subarray(4), options)
    if (!(reply instanceof Uint8Array)) return reply
    const decoded = decodeResponse(apiKey, version, reply)
    assert.equal(decoded.correlationId, correlationId)
    return decoded.body
  }

  /** Bytes in, bytes out, both without the four-byte size. */
  async dispatch (frame: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array | 'noReply' | 'close'> {
    const reply = await this.broker.dispatch(frame, { clientHost: '127.0.0.1', listener: options.listener ?? listener, signal: options.signal ?? new AbortController().signal, tookEffect: () => undefined })
    if (reply.kind !== 'send') return reply.kind
    const bytes = Buffer.concat(reply.chunks)
    assert.equal(bytes.readInt32BE(0), bytes.length - 4)
    return bytes.subarray(4)
  }

  /** Creates a topic; fails when the broker refuses. */
  async createTopic (name: string, numPartitions = 1, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    const { topics: [topic] } = await this.request(ApiKey.CreateTopics, 7, {
      topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })) }],
      timeoutMs: 1_000,
      validateOnly: false
    })
    assert.equal(topic?.errorCode, 0, topic?.errorMessage ?? '')
    return topic.topicId
  }

  /** Produces one batch, acks=all; gives its base offset. */
  async produce (topic: string, index: number, records: readonly RecordInput[], options: BatchOptions): Promise<number> {
    const { responses: [response] } = await this.request(ApiKey.Produce, 11, {
      transactionalId: null, acks: -1, timeoutMs: 1_000, topicData: [{ name: topic, partitionData: [{ index, records: encodeBatch(records, options) }] }]
    })
    const partition = response?.partitionResponses[0]
    assert.equal(partition?.errorCode, 0, partition?.errorMessage ?? '')
    return partition.baseOffset
  }

  /** Closes broker, engine and metadata, in that order. Idempotent. */
  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.broker.close()
    await this.engine.close()
    await this.metadata.close()
  }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }
}

/** Every version of an API that the broker serves. */
export function versionsOf (apiKey: ApiKey): readonly number[] {
  const { versionMax, versionMin } = apis[apiKey]
  return Array.from({ length: versionMax - versionMin + 1 }, (_, index) => versionMin + index)
}

function recordingLogger (lines: LogLine[]): Logger {
  const at = (level: string) => (message: string, fields?: LogFields): void => { lines.push({ level, message, ...fields === undefined ? {} : { fields } }) }
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => logger }
  return logger
}
