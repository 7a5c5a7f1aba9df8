import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { PartitionHistory, Violation } from './checker.ts'
import { SimulatedClient } from './client.ts'
import { SimulatedReader } from './consumer.ts'
import { SimulatedProducer, type Target } from './producer.ts'
import type { World } from './world.ts'

/** Creates topics, deletes them and deletes records. One admin a topic name: so it knows what there must be. */
export class SimulatedAdmin {
  readonly client: SimulatedClient
  readonly #world: World
  readonly #topics = new Set<string>()
  #lifeCount = 0

  constructor (world: World, name: string) {
    this.#world = world
    this.client = new SimulatedClient(world, name)
  }

  async create (name: string, numPartitions: number, configs: readonly { readonly name: string, readonly value: string }[] = []): Promise<void> {
    this.client.note(`create ${name}`)
    const done = await this.client.until(ApiKey.CreateTopics, 3, () => ({ topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [...configs] }], timeoutMs: 1_000, validateOnly: false }),
      // That it exists says that an earlier attempt made it.
      ({ topics }) => [KafkaErrorCode.NONE, KafkaErrorCode.TOPIC_ALREADY_EXISTS].includes(topics[0]!.errorCode as 0))
    this.client.note(`created ${name} ${done.topics[0]!.errorCode}`)
    this.#topics.add(name)
  }

  async delete (name: string): Promise<void> {
    this.client.note(`delete ${name}`)
    await this.client.until(ApiKey.DeleteTopics, 3, () => ({ topicNames: [name], timeoutMs: 1_000 }),
      ({ responses }) => [KafkaErrorCode.NONE, KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION].includes(responses[0]!.errorCode as 0))
    this.client.note(`deleted ${name}`)
    this.#topics.delete(name)
  }

  /** Of the topics whose names begin with `prefix`, there must be those that this admin made. */
  async verifyTopics (prefix: string): Promise<void> {
    const { topics } = await this.client.until(ApiKey.Metadata, 7, () => ({ topics: null, allowAutoTopicCreation: false }), () => true)
    const found = new Set(topics.flatMap(topic => topic.name?.startsWith(prefix) === true ? [topic.name] : []))
    for (const name of this.#topics) if (!found.has(name)) throw new Violation('lost-topic', `topic ${name} was created and is not there`)
    for (const name of found) if (!this.#topics.has(name)) throw new Violation('undead-topic', `topic ${name} was deleted and is there`)
  }

  /** One topic after another under few names, each written, read back, and deleted. */
  async churn (prefix: string): Promise<void> {
    const { random } = this.client
    while (this.#world.isChaotic) {
      const name = `${prefix}${random.below(2)}`
      if (this.#topics.has(name)) await this.delete(name)
      await this.create(name, 1)
      await this.verifyTopics(prefix)
      const life = ++this.#lifeCount
      const target: Target = { topic: name, partition: 0, history: new PartitionHistory(`${name} life ${life}`) }
      await new SimulatedProducer(this.#world, { name: `${prefix}${life}`, target, isIdempotent: random.below(2) === 0, batchesMax: 1 + random.below(5) }).run()
      const { recordIds, startOffset } = await new SimulatedReader(this.#world, `${this.client.name} ${life}`).readAll(target)
      target.history.whole(startOffset, recordIds)
      await this.client.pause(30)
    }
  }

  /** Deletes records now and then, none that the broker still needs to recognise a repeated batch (as Kafka would, too). */
  async deleteRecords (targets: readonly Target[], producersOf: (target: Target) => readonly SimulatedProducer[]): Promise<void> {
    const { random } = this.client
    while (this.#world.isChaotic) {
      await this.client.pause(150)
      const target = targets[random.below(targets.length)]!
      const bound = Math.min(target.history.highWatermark, ...producersOf(target).map(producer => producer.lastAcknowledgedOffset))
      if (bound < 1) continue
      const offset = 1 + random.below(bound)
      target.history.deleteRequested(offset)
      this.client.note(`delete records of ${target.history.name} before ${offset}`)
      const answer = await this.client.request(ApiKey.DeleteRecords, 1, { topics: [{ name: target.topic, partitions: [{ partitionIndex: target.partition, offset }] }], timeoutMs: 1_000 }).catch(() => undefined)
      const partition = answer?.topics[0]?.partitions[0]
      if (partition?.errorCode !== KafkaErrorCode.NONE) continue
      this.client.note(`records deleted before ${partition.lowWatermark}`)
      target.history.deleteAcknowledged(offset)
    }
  }
}
