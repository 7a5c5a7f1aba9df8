import { StreambedError } from '@streambed/sdk'
import { KafkaErrorCode, isRetriable, kafkaErrorName } from '../protocol/error-codes.ts'
import { ApiKey, type RequestInputOf, type ResponseOf } from '../protocol/messages/apis.ts'
import type { Network } from '../runtime/network.ts'
import { KafkaConnection } from './kafka-connection.ts'

export interface Address { readonly host: string, readonly port: number }
export interface TopicPartition { readonly topic: string, readonly partition: number }
export type TopicMetadata = ResponseOf<typeof ApiKey.Metadata>['topics'][number]

/** Of a topic, by name: all settings in force, and those that are its own. */
export interface TopicSettings { readonly inForce: Readonly<Record<string, string>>, readonly overrides: Readonly<Record<string, string>> }

/** The versions this client speaks: any broker since Kafka 2.1 has them. */
const versions = {
  [ApiKey.Produce]: 7,
  [ApiKey.Fetch]: 11,
  [ApiKey.ListOffsets]: 5,
  [ApiKey.Metadata]: 7,
  [ApiKey.CreateTopics]: 3,
  [ApiKey.DeleteTopics]: 3,
  [ApiKey.DescribeConfigs]: 2
} as const
type SpokenKey = keyof typeof versions

/** A failure that the broker told by a Kafka error code. */
export class BrokerError extends StreambedError {
  readonly kafkaCode: number
  constructor (kafkaCode: number, what: string, detail?: string | null) {
    super(isRetriable(kafkaCode) ? 'UNAVAILABLE' : 'INVALID_ARGUMENT', `${what}: ${kafkaErrorName(kafkaCode)}${detail == null ? '' : ` (${detail})`}`)
    this.kafkaCode = kafkaCode
  }
}

/** A small Kafka client for the command line: one connection a broker, no background work. */
export class KafkaClient implements AsyncDisposable {
  readonly #network: Network
  readonly #bootstrap: Address
  readonly #clientId: string
  readonly #connections = new Map<string, Promise<KafkaConnection>>()

  constructor (network: Network, bootstrap: Address, clientId = 'streambed-cli') {
    this.#network = network
    this.#bootstrap = bootstrap
    this.#clientId = clientId
  }

  /** Topics by name, or all. With `create`, the broker may make those that are missing. */
  async topics (names: readonly string[] | null, options: { readonly create?: boolean } = {}): Promise<readonly TopicMetadata[]> {
    const response = await this.request(this.#bootstrap, ApiKey.Metadata, {
      topics: names === null ? null : names.map(name => ({ name })),
      allowAutoTopicCreation: options.create ?? false
    })
    return response.topics
  }

  /** The leader of each partition of a topic, in order. Throws a BrokerError for an unknown topic. */
  async leaders (topic: string, options: { readonly create?: boolean } = {}): Promise<readonly Address[]> {
    const response = await this.request(this.#bootstrap, ApiKey.Metadata, { topics: [{ name: topic }], allowAutoTopicCreation: options.create ?? false })
    const found = response.topics[0]!
    if (found.errorCode !== KafkaErrorCode.NONE) throw new BrokerError(found.errorCode, `topic '${topic}'`)
    const brokers = new Map(response.brokers.map(({ host, nodeId, port }) => [nodeId, { host, port }]))
    return [...found.partitions].sort((left, right) => left.partitionIndex - right.partitionIndex).map(partition => {
      const leader = brokers.get(partition.leaderId)
      if (leader === undefined) throw new BrokerError(KafkaErrorCode.LEADER_NOT_AVAILABLE, `topic '${topic}' partition ${partition.partitionIndex}`)
      return leader
    })
  }

  /** Appends one batch; resolves with its base offset once the broker confirms it. */
  async produce (leader: Address, { partition, topic }: TopicPartition, batch: Uint8Array): Promise<number> {
    const response = await this.request(leader, ApiKey.Produce, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }]
    })
    const result = response.responses[0]!.partitionResponses[0]!
    if (result.errorCode !== KafkaErrorCode.NONE) throw new BrokerError(result.errorCode, `produce to '${topic}' partition ${partition}`, result.errorMessage)
    return result.baseOffset
  }

  /** Batches from `offset` on, as they are stored; empty when none came within `maxWaitMs`. */
  async fetch (leader: Address, { partition, topic }: TopicPartition, offset: number, maxWaitMs: number): Promise<{ readonly records: Uint8Array, readonly highWatermark: number }> {
    const response = await this.request(leader, ApiKey.Fetch, {
      maxWaitMs,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 8 * 1024 * 1024 }] }]
    })
    const result = response.responses[0]!.partitions[0]!
    if (result.errorCode !== KafkaErrorCode.NONE) throw new BrokerError(result.errorCode, `fetch from '${topic}' partition ${partition} at offset ${offset}`)
    return { records: result.records ?? new Uint8Array(0), highWatermark: result.highWatermark }
  }

  /** The offset for a timestamp or a sentinel (-1 latest, -2 earliest); -1 when there is none. */
  async offsetFor (leader: Address, { partition, topic }: TopicPartition, timestamp: number): Promise<number> {
    const response = await this.request(leader, ApiKey.ListOffsets, { replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }] })
    const result = response.topics[0]!.partitions[0]!
    if (result.errorCode !== KafkaErrorCode.NONE) throw new BrokerError(result.errorCode, `offsets of '${topic}' partition ${partition}`)
    return result.offset
  }

  async createTopic (name: string, options: { readonly partitions: number, readonly configs: Readonly<Record<string, string>> }): Promise<void> {
    const response = await this.request(this.#bootstrap, ApiKey.CreateTopics, {
      topics: [{ name, numPartitions: options.partitions, replicationFactor: 1, assignments: [], configs: Object.entries(options.configs).map(([key, value]) => ({ name: key, value })) }],
      timeoutMs: 30_000,
      validateOnly: false
    })
    const result = response.topics[0]!
    if (result.errorCode !== KafkaErrorCode.NONE) throw new BrokerError(result.errorCode, `create topic '${name}'`, result.errorMessage)
  }

  async deleteTopic (name: string): Promise<void> {
    const response = await this.request(this.#bootstrap, ApiKey.DeleteTopics, { topicNames: [name], timeoutMs: 30_000 })
    const result = response.responses[0]!
    if (result.errorCode !== KafkaErrorCode.NONE) throw new BrokerError(result.errorCode, `delete topic '${name}'`)
  }

  async topicSettings (name: string): Promise<TopicSettings> {
    const topicResource = 2
    const topicSource = 1
    const response = await this.request(this.#bootstrap, ApiKey.DescribeConfigs, { resources: [{ resourceType: topicResource, resourceName: name, configurationKeys: null }] })
    const result = response.results[0]!
    if (result.errorCode !== KafkaErrorCode.NONE) throw new BrokerError(result.errorCode, `settings of topic '${name}'`, result.errorMessage)
    const textOf = (configs: typeof result.configs): Readonly<Record<string, string>> => Object.fromEntries(configs.map(({ name: key, value }) => [key, value ?? '']))
    return { inForce: textOf(result.configs), overrides: textOf(result.configs.filter(({ configSource }) => configSource === topicSource)) }
  }

  async request<K extends SpokenKey> (address: Address, apiKey: K, body: RequestInputOf<K>): Promise<ResponseOf<K>> {
    const connection = await this.#connectionTo(address)
    return await connection.request(apiKey, versions[apiKey], body)
  }

  async close (): Promise<void> {
    const connections = await Promise.allSettled(this.#connections.values())
    await Promise.all(connections.map(result => result.status === 'fulfilled' ? result.value.close() : undefined))
  }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  #connectionTo (address: Address): Promise<KafkaConnection> {
    const key = `${address.host}:${address.port}`
    const known = this.#connections.get(key)
    if (known !== undefined) return known
    const opening = KafkaConnection.open(this.#network, address, this.#clientId)
    this.#connections.set(key, opening)
    opening.catch(() => this.#connections.delete(key))
    return opening
  }
}
