import { KafkaErrorCode } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/primitives/uuid.ts'
import type { ClusterImage, TopicFacts } from '../../metadata/image.ts'
import type { MetadataRecord } from '../../metadata/records.ts'
import type { BrokerSettings } from '../config/broker-settings.ts'
import { topicConfigsProblem } from '../config/topic-configs.ts'
import { KafkaError } from '../kafka-error.ts'
import { decide, repeatedIn, type Changes } from '../outcome.ts'
import { clusterMetadataTopic, isInternalTopic } from './internal-topics.ts'
import { collisionForm, topicNameProblem } from './topic-name.ts'

/** So that one request, and all together, cannot take the memory of every node: each partition has two streams in the image. */
export const partitionsPerRequestMax = 10_000
export const partitionsMax = 200_000

/** What Kafka means by -1: the broker's default. */
const byDefault = -1

export interface Assignment { readonly partitionIndex: number, readonly brokerIds: readonly number[] }

/** A topic as somebody asks for it. */
export interface WantedTopic {
  readonly name: string
  /** The id that it gets if it is created. */
  readonly topicId: string
  /** -1: the broker's default. */
  readonly numPartitions: number
  readonly replicationFactor: number
  readonly assignments: readonly Assignment[]
  readonly configs: readonly { readonly name: string, readonly value: string | null }[]
}

export interface TopicPlan { readonly topicId: string, readonly partitionCount: number, readonly configs: Readonly<Record<string, string>> }

export interface TopicRules {
  /** The node that leads new partitions: for now the one that is asked. */
  readonly ownerNodeId: number
  readonly settings: Pick<BrokerSettings, 'numPartitions' | 'defaultReplicationFactor'>
  /** The broker itself may create internal topics. */
  readonly allowsInternal?: boolean
}

/** The records that create those of `wanted` that may be created. */
export function createTopics (image: ClusterImage, wanted: readonly WantedTopic[], rules: TopicRules): Changes<TopicPlan> {
  const budget = new PartitionBudget(image)
  const names = repeatedIn(wanted.map(({ name }) => name))
  const formsTaken = new Map([...image.topics()].map(({ name }) => [collisionForm(name), name]))
  const records: MetadataRecord[] = []
  const result = wanted.map(topic => decide(() => {
    if (names.has(topic.name)) throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, `the request names the topic more than once. topic=${topic.name}`)
    const plan = planTopic(image, topic, rules, formsTaken)
    records.push({
      type: 'topicCreated',
      topicId: plan.topicId,
      name: topic.name,
      partitionCount: plan.partitionCount,
      ownerNodeId: rules.ownerNodeId,
      firstStreamId: budget.take(plan.partitionCount),
      configs: plan.configs
    })
    formsTaken.set(collisionForm(topic.name), topic.name)
    return plan
  }))
  return { records, result }
}

export interface TopicReference {
  /** null: by id. */
  readonly name: string | null
  /** ZERO_UUID: by name. */
  readonly topicId: string
}

/** The records that delete those of `references` that may be deleted. */
export function deleteTopics (image: ClusterImage, references: readonly TopicReference[], atMs: number): Changes<TopicFacts> {
  const found = references.map(({ name, topicId }) => name === null ? image.topic(topicId) : image.topicNamed(name))
  const repeated = repeatedIn(found.flatMap(topic => topic?.topicId ?? []))
  const records: MetadataRecord[] = []
  const result = references.map(({ name, topicId }, index) => decide(() => {
    if ((name === null) === (topicId === ZERO_UUID)) throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, 'a topic is named either by name or by id')
    const topic = found[index]
    if (topic === undefined) {
      throw name === null
        ? new KafkaError(KafkaErrorCode.UNKNOWN_TOPIC_ID, `no topic has this id. topicId=${topicId}`)
        : new KafkaError(KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `no such topic. topic=${name}`)
    }
    if (repeated.has(topic.topicId)) throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, `the request names the topic more than once. topic=${topic.name}`)
    if (isInternalTopic(topic.name)) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, `the broker needs its internal topics. topic=${topic.name}`)
    records.push({ type: 'topicDeleted', topicId: topic.topicId, atMs })
    return topic
  }))
  return { records, result }
}

export interface WantedPartitions {
  readonly name: string
  /** The new total. */
  readonly count: number
  readonly assignments: readonly (readonly number[])[] | null
}

/** The records that give topics more partitions, where they may have them. */
export function addPartitions (image: ClusterImage, wanted: readonly WantedPartitions[], rules: Pick<TopicRules, 'ownerNodeId'>): Changes<TopicFacts> {
  const budget = new PartitionBudget(image)
  const names = repeatedIn(wanted.map(({ name }) => name))
  const records: MetadataRecord[] = []
  const result = wanted.map(({ assignments, count, name }) => decide(() => {
    if (names.has(name)) throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, `the request names the topic more than once. topic=${name}`)
    const topic = image.topicNamed(name)
    if (topic === undefined) throw new KafkaError(KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `no such topic. topic=${name}`)
    if (isInternalTopic(name)) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, `groups are spread over the partitions that an internal topic has. topic=${name}`)
    const current = topic.partitions.length
    if (count === current) throw new KafkaError(KafkaErrorCode.INVALID_PARTITIONS, `Topic already has ${current} partition(s).`)
    if (count < current) throw new KafkaError(KafkaErrorCode.INVALID_PARTITIONS, `The topic ${name} currently has ${current} partition(s); ${count} would not be an increase.`)
    const increase = count - current
    if (assignments !== null) {
      if (assignments.length !== increase) throw badAssignment(`expected one list of brokers for each of the ${increase} new partitions, got ${assignments.length}`)
      checkReplicas(image, assignments, rules.ownerNodeId)
    }
    records.push({ type: 'partitionsAdded', topicId: topic.topicId, count: increase, ownerNodeId: rules.ownerNodeId, firstStreamId: budget.take(increase) })
    return topic
  }))
  return { records, result }
}

/** Counts streams and partitions as a request takes them. */
class PartitionBudget {
  #nextStreamId: number
  #taken = 0
  #total: number

  constructor (image: ClusterImage) {
    this.#nextStreamId = image.nextStreamId
    this.#total = [...image.topics()].reduce((total, { partitions }) => total + partitions.length, 0)
  }

  /** The first stream id of `count` more partitions; throws POLICY_VIOLATION, as Kafka past its own bounds. */
  take (count: number): number {
    if (this.#taken + count > partitionsPerRequestMax) throw new KafkaError(KafkaErrorCode.POLICY_VIOLATION, `a request may create at most ${partitionsPerRequestMax} partitions, got ${this.#taken + count}`)
    if (this.#total + count > partitionsMax) throw new KafkaError(KafkaErrorCode.POLICY_VIOLATION, `the cluster may have at most ${partitionsMax} partitions, has ${this.#total}, got ${count} more`)
    const first = this.#nextStreamId
    this.#taken += count
    this.#total += count
    this.#nextStreamId += 2 * count
    return first
  }
}

function planTopic (image: ClusterImage, topic: WantedTopic, rules: TopicRules, formsTaken: ReadonlyMap<string, string>): TopicPlan {
  const { name, topicId } = topic
  const problem = topicNameProblem(name)
  if (problem !== undefined) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  if (name === clusterMetadataTopic) throw new KafkaError(KafkaErrorCode.TOPIC_AUTHORIZATION_FAILED, `nobody may create the topic of the cluster's metadata. topic=${name}`)
  if (image.topicNamed(name) !== undefined) throw new KafkaError(KafkaErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  if (isInternalTopic(name) && rules.allowsInternal !== true) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, `the broker creates its internal topics itself. topic=${name}`)
  const collides = formsTaken.get(collisionForm(name))
  if (collides !== undefined) throw new KafkaError(KafkaErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${collides}`)
  const partitionCount = topic.assignments.length > 0 ? countAssigned(image, topic, rules) : countUnassigned(image, topic, rules)
  return { topicId, partitionCount, configs: configsOf(topic) }
}

function countUnassigned (image: ClusterImage, { numPartitions, replicationFactor }: WantedTopic, { settings }: TopicRules): number {
  if (numPartitions === 0 || numPartitions < byDefault) throw new KafkaError(KafkaErrorCode.INVALID_PARTITIONS, `Number of partitions was set to an invalid non-positive value. numPartitions=${numPartitions}`)
  if (replicationFactor === 0 || replicationFactor < byDefault) throw new KafkaError(KafkaErrorCode.INVALID_REPLICATION_FACTOR, `Replication factor must be larger than 0, or -1 to use the default value. replicationFactor=${replicationFactor}`)
  const factor = replicationFactor === byDefault ? settings.defaultReplicationFactor : replicationFactor
  const brokers = image.brokers().length
  if (factor > brokers) throw new KafkaError(KafkaErrorCode.INVALID_REPLICATION_FACTOR, `Unable to replicate the partition ${factor} time(s): ${brokers} broker(s) are registered.`)
  return numPartitions === byDefault ? settings.numPartitions : numPartitions
}

function countAssigned (image: ClusterImage, { assignments, numPartitions, replicationFactor }: WantedTopic, { ownerNodeId }: TopicRules): number {
  if (replicationFactor !== byDefault) throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but replication factor was not set to -1.')
  if (numPartitions !== byDefault) throw new KafkaError(KafkaErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but numPartitions was not set to -1.')
  const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex))
  for (let index = 0; index < assignments.length; index++) {
    if (!indexes.has(index)) throw badAssignment(`partitions must be 0 to ${assignments.length - 1}, each once; ${index} is missing`)
  }
  checkReplicas(image, assignments.map(({ brokerIds }) => brokerIds), ownerNodeId)
  return assignments.length
}

/** Replicas are not kept: the storage service has them. What is asked for must still make sense. */
function checkReplicas (image: ClusterImage, assignments: readonly (readonly number[])[], ownerNodeId: number): void {
  const factor = assignments[0]?.length ?? 0
  const known = new Set(image.brokers().map(({ nodeId }) => nodeId))
  for (const brokerIds of assignments) {
    if (brokerIds.length === 0) throw badAssignment('a list of brokers must not be empty')
    if (brokerIds.length !== factor) throw badAssignment(`all partitions must have the same replication factor, got ${factor} and ${brokerIds.length}`)
    if (new Set(brokerIds).size !== brokerIds.length) throw badAssignment(`a broker is named more than once. brokers=${brokerIds.join(',')}`)
    const unknown = brokerIds.find(brokerId => !known.has(brokerId))
    if (unknown !== undefined) throw badAssignment(`no such broker. broker=${unknown}`)
    if (brokerIds[0] !== ownerNodeId) throw badAssignment(`partitions are led by the broker that is asked, which must come first. expected=${ownerNodeId} got=${brokerIds[0]}`)
  }
}

function configsOf ({ configs }: WantedTopic): Readonly<Record<string, string>> {
  const overrides = Object.fromEntries(configs.map(({ name, value }) => {
    if (value === null) throw new KafkaError(KafkaErrorCode.INVALID_CONFIG, `Null value not supported for topic configs: ${name}`)
    return [name, value] as const
  }))
  checkTopicConfigs(overrides)
  return overrides
}

/** Throws INVALID_CONFIG, in Kafka's words, when a topic cannot have these overrides. */
export function checkTopicConfigs (overrides: Readonly<Record<string, string>>): void {
  const problem = topicConfigsProblem(overrides)
  if (problem === undefined) return
  throw new KafkaError(KafkaErrorCode.INVALID_CONFIG, problem.kind === 'unknown'
    ? `Unknown topic config name: ${problem.name}`
    : `Invalid value ${overrides[problem.name]} for configuration ${problem.name}: ${problem.expected}`)
}

function badAssignment (message: string): KafkaError { return new KafkaError(KafkaErrorCode.INVALID_REPLICA_ASSIGNMENT, message) }
