import { StreambedError, type Clock, type Logger } from '@streambed/sdk'
import type { Metadata } from '../../metadata/metadata.ts'
import type { TopicFacts } from '../../metadata/image.ts'
import type { PartitionFacts } from '../../metadata/records.ts'
import type { StreamEngine } from '../../storage/stream/stream-engine.ts'
import type { BatchChecks } from '../partition/batch-checks.ts'
import { Partition } from '../partition/partition.ts'
import type { PartitionConfig } from '../partition/partition-config.ts'

export interface TopicRegistryParts {
  readonly metadata: Metadata
  readonly engine: StreamEngine
  readonly clock: Clock
  readonly logger: Logger
  readonly nodeId: number
  readonly checkpointBytes: number
  readonly checks: BatchChecks
  /** The settings in force for a topic. */
  readonly configOf: (topicId: string) => PartitionConfig
  readonly producerExpirationMs: () => number
}

/** A topic as this node serves it: the partitions that it leads, each open, on its way, or failed. */
export class Topic {
  readonly topicId: string
  readonly name: string
  readonly #slots: PartitionSlot[] = []
  constructor (facts: TopicFacts) {
    this.topicId = facts.topicId
    this.name = facts.name
  }

  get partitionCount (): number { return this.#slots.length }
  /** The slot of a partition; undefined for an index that the topic does not have. */
  slot (index: number): PartitionSlot | undefined { return this.#slots[index] }
  get slots (): readonly PartitionSlot[] { return this.#slots }
  add (slot: PartitionSlot): void { this.#slots.push(slot) }
  close (): void { for (const slot of this.#slots) slot.close() }
}

/** One partition's place: opened at the first use, then kept. */
export class PartitionSlot {
  readonly streams: PartitionFacts
  readonly #open: () => Promise<Partition>
  #opening: Promise<Partition> | undefined
  #partition: Partition | undefined
  #isClosed = false

  constructor (streams: PartitionFacts, open: () => Promise<Partition>) {
    this.streams = streams
    this.#open = open
  }

  /** The partition, if it is open. */
  get partition (): Partition | undefined { return this.#partition }

  /**
   * The open partition. Callers get it in call order, before whoever finds `partition` set: so appends keep their order
   * while it opens. A failed opening is tried again by the next call.
   */
  whenOpen (): Promise<Partition> {
    if (this.#opening === undefined) {
      this.#opening = this.#open().then(partition => {
        this.#partition = partition
        if (this.#isClosed) partition.close()
        return partition
      })
      this.#opening.catch(() => { this.#opening = undefined })
    }
    return this.#opening
  }

  close (): void {
    this.#isClosed = true
    this.#partition?.close()
  }
}

/** The topics of the cluster, kept in step with the metadata image. */
export class TopicRegistry {
  readonly #parts: TopicRegistryParts
  readonly #byId = new Map<string, Topic>()
  readonly #byName = new Map<string, Topic>()
  readonly #stopFollowing: () => void

  constructor (parts: TopicRegistryParts) {
    this.#parts = parts
    this.#follow()
    this.#stopFollowing = parts.metadata.onChange(() => this.#follow())
  }

  byName (name: string): Topic | undefined { return this.#byName.get(name) }
  byId (topicId: string): Topic | undefined { return this.#byId.get(topicId) }
  all (): Iterable<Topic> { return this.#byName.values() }

  /** Opens every partition, so that the first requests need not wait. Failures are logged, and met again at use. */
  async openAll (): Promise<void> {
    for (const topic of [...this.#byName.values()]) {
      await Promise.all(topic.slots.map(slot => slot.whenOpen().catch((error: unknown) => {
        this.#parts.logger.error('a partition does not open', { topic: topic.name, error: String(error) })
      })))
    }
  }

  /** Writes a checkpoint of every open partition and closes it. */
  async close (): Promise<void> {
    this.#stopFollowing()
    const partitions = [...this.#byName.values()].flatMap(topic => topic.slots.flatMap(slot => slot.partition ?? []))
    await Promise.all(partitions.map(partition => partition.checkpoint()))
    for (const topic of this.#byName.values()) topic.close()
  }

  #follow (): void {
    const { image } = this.#parts.metadata
    for (const topic of [...this.#byId.values()]) {
      if (image.topic(topic.topicId) !== undefined) continue
      this.#byId.delete(topic.topicId)
      if (this.#byName.get(topic.name) === topic) this.#byName.delete(topic.name)
      topic.close()
      for (const { streams } of topic.slots) {
        this.#parts.engine.forget(streams.dataStreamId)
        this.#parts.engine.forget(streams.checkpointStreamId)
      }
    }
    for (const facts of image.topics()) {
      let topic = this.#byId.get(facts.topicId)
      if (topic?.partitionCount === facts.partitions.length) continue
      if (topic === undefined) {
        topic = new Topic(facts)
        this.#byId.set(facts.topicId, topic)
        this.#byName.set(facts.name, topic)
      }
      for (let index = topic.partitionCount; index < facts.partitions.length; index++) topic.add(this.#slot(facts, index))
    }
  }

  #slot (facts: TopicFacts, index: number): PartitionSlot {
    const { engine, metadata, nodeId, ...parts } = this.#parts
    const streams = facts.partitions[index]!
    return new PartitionSlot(streams, async () => {
      const owner = metadata.image.stream(streams.dataStreamId)
      if (owner === undefined) throw new StreambedError('NOT_FOUND', `partition is deleted. topic=${facts.name} partition=${index}`)
      if (owner.ownerNodeId !== nodeId) throw new StreambedError('FENCED', `another node leads the partition. topic=${facts.name} partition=${index} leader=${owner.ownerNodeId}`)
      return await Partition.open({
        ...parts,
        topicName: facts.name,
        topicId: facts.topicId,
        index,
        data: engine.stream(streams.dataStreamId),
        checkpoints: engine.stream(streams.checkpointStreamId),
        leaderEpoch: owner.epoch,
        config: () => parts.configOf(facts.topicId)
      })
    })
  }
}
