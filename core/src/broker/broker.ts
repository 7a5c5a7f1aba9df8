import type { Environment } from '@streambed/sdk'
import type { Metadata } from '../metadata/metadata.ts'
import type { Endpoint } from '../metadata/records.ts'
import type { StreamEngine } from '../storage/stream/stream-engine.ts'
import { BackPressure } from './back-pressure.ts'
import { Configs } from './config/configs.ts'
import { Dispatcher, type ConnectionContext, type Reply } from './dispatcher.ts'
import { GroupCoordinator } from './group/group-coordinator.ts'
import { allHandlers } from './handlers/index.ts'
import { KafkaError } from './kafka-error.ts'
import { KafkaErrorCode } from '../protocol/error-codes.ts'
import { defaultBatchChecks, type BatchChecks } from './partition/batch-checks.ts'
import { ProducerIds } from './producer-ids.ts'
import { Retention } from './retention/retention.ts'
import type { BrokerServices } from './services.ts'
import { defaultShardTuning, type ShardTuning } from './state-shard/state-shard.ts'
import { ensureInternalTopic } from './topics/ensure-internal-topic.ts'
import { TopicRegistry } from './topics/topic-registry.ts'

export interface BrokerParts {
  readonly engine: StreamEngine
  readonly metadata: Metadata
  readonly environment: Environment
  readonly nodeId: number
  readonly nodeEpoch: number
  /** Broker settings of the configuration file, by their Kafka names. */
  readonly kafka: Readonly<Record<string, string>>
  /** What other places of the file set, by Kafka names: for DescribeConfigs alone. */
  readonly elsewhere?: Readonly<Record<string, string>>
  /** A partition writes a checkpoint after this many bytes of batches: opening it replays no more. */
  readonly checkpointBytes: number
  /** How far produced batches are looked into; left out: wholly. */
  readonly checks?: BatchChecks
  /** When group logs are written anew; left out: as a broker usually does. */
  readonly groupLog?: ShardTuning
}

/** What Kafka means, over the stream engine and the cluster's metadata. Frames in, replies out; it knows no sockets. */
export class Broker implements AsyncDisposable {
  readonly services: BrokerServices
  readonly #dispatcher: Dispatcher
  readonly #retention: Retention
  #opening: Promise<unknown> = Promise.resolve()

  private constructor (services: BrokerServices, retention: Retention) {
    this.services = services
    this.#dispatcher = new Dispatcher(allHandlers(services), services.logger)
    this.#retention = retention
  }

  /** The caller still owns engine and metadata. Partitions and groups load in the background, or when they are asked for. */
  static async open (parts: BrokerParts): Promise<Broker> {
    const { checkpointBytes, checks = defaultBatchChecks, elsewhere = {}, engine, environment, groupLog = defaultShardTuning, kafka, metadata, nodeEpoch, nodeId } = parts
    const { clock, logger, metrics, random } = environment
    const configs = new Configs({ metadata, nodeId, kafka, elsewhere })
    const topics = new TopicRegistry({
      metadata,
      engine,
      clock,
      logger,
      nodeId,
      checkpointBytes,
      checks,
      configOf: topicId => configs.ofTopic(topicId),
      producerExpirationMs: () => configs.broker.producerIdExpirationMs
    })
    const groups = new GroupCoordinator({ topics, configs, clock, random, logger, tuning: groupLog })
    const retention = new Retention({ topics, configs, metadata, clock, logger })
    const services: BrokerServices = {
      nodeId,
      nodeEpoch,
      metadata,
      engine,
      topics,
      configs,
      groups,
      producerIds: new ProducerIds({ metadata, nodeId, nodeEpoch }),
      backPressure: new BackPressure(() => engine.pressure),
      clock,
      random,
      logger,
      metrics,
      ensureInternalTopic: name => ensureInternalTopic({ metadata, configs, random, nodeId }, name),
      endpoint: listener => endpointOf(metadata, nodeId, listener)
    }
    const broker = new Broker(services, retention)
    retention.start()
    broker.#opening = topics.openAll().then(() => groups.openAll())
    return broker
  }

  /** See Dispatcher. */
  dispatch (frame: Uint8Array, connection: ConnectionContext): Promise<Reply> { return this.#dispatcher.dispatch(frame, connection) }

  /**
   * Tells members of groups who wait for each other to look for their coordinator again, and so everybody who asks from now on:
   * this broker is about to close.
   */
  async releaseMembers (): Promise<void> { await this.services.groups.close() }

  /** Ends background work, tells who waits to go elsewhere, and writes what the next start needs. */
  async close (): Promise<void> {
    await this.#opening
    await this.#retention.close()
    await this.services.groups.close()
    await this.services.topics.close()
  }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }
}

function endpointOf (metadata: Metadata, nodeId: number, listener: string): Endpoint {
  const endpoint = metadata.image.node(nodeId)?.endpoints.find(({ name }) => name === listener)
  if (endpoint === undefined) throw new KafkaError(KafkaErrorCode.LISTENER_NOT_FOUND, `this node has no such listener. listener=${listener}`)
  return endpoint
}
