/** What the broker acts on, typed, with units; from the static settings and their dynamic overrides. */
export interface BrokerSettings {
  readonly autoCreateTopics: boolean
  readonly numPartitions: number
  readonly defaultReplicationFactor: number
  readonly deleteTopicEnabled: boolean
  readonly messageMaxBytes: number
  readonly offsetsTopicPartitions: number
  readonly offsetsRetentionMs: number
  readonly offsetsRetentionCheckIntervalMs: number
  readonly offsetMetadataMaxBytes: number
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupMaxSize: number
  readonly groupInitialRebalanceDelayMs: number
  readonly producerIdExpirationMs: number
  readonly logRetentionCheckIntervalMs: number
  readonly describePartitionsMax: number
}

const minuteMs = 60_000

/** `textOf` gives the value in force of a setting that has one. */
export function brokerSettings (textOf: (name: string) => string): BrokerSettings {
  const number = (name: string): number => Number(textOf(name))
  const flag = (name: string): boolean => textOf(name).trim().toLowerCase() === 'true'
  return Object.freeze({
    autoCreateTopics: flag('auto.create.topics.enable'),
    numPartitions: number('num.partitions'),
    defaultReplicationFactor: number('default.replication.factor'),
    deleteTopicEnabled: flag('delete.topic.enable'),
    messageMaxBytes: number('message.max.bytes'),
    offsetsTopicPartitions: number('offsets.topic.num.partitions'),
    offsetsRetentionMs: number('offsets.retention.minutes') * minuteMs,
    offsetsRetentionCheckIntervalMs: number('offsets.retention.check.interval.ms'),
    offsetMetadataMaxBytes: number('offset.metadata.max.bytes'),
    groupMinSessionTimeoutMs: number('group.min.session.timeout.ms'),
    groupMaxSessionTimeoutMs: number('group.max.session.timeout.ms'),
    groupMaxSize: number('group.max.size'),
    groupInitialRebalanceDelayMs: number('group.initial.rebalance.delay.ms'),
    producerIdExpirationMs: number('producer.id.expiration.ms'),
    logRetentionCheckIntervalMs: number('log.retention.check.interval.ms'),
    describePartitionsMax: number('max.request.partition.size.limit')
  })
}
