import { acceptedBrokerConfigs, dynamicAcceptedBrokerConfigs } from './accepted-broker-configs.ts'
import { atLeast, between, exactly, listOf, type ConfigDefinition, type ConfigRule, type ConfigSynonym, type ConfigType } from './config-definition.ts'
import { refusedBrokerConfigs } from './refused-broker-configs.ts'
import { topicConfigs } from './topic-config-table.ts'

/**
 * Every broker setting of Kafka 4.3 that is not internal to it. Where our default is not Kafka's, `doc` says so.
 */
export const brokerConfigs: ReadonlyMap<string, ConfigDefinition> = new Map([
  ...ofBroker(),
  ...topicDefaults(),
  ...ofOtherPlaces(),
  ...acceptedBrokerConfigs.flatMap(({ configs, tunes }) => configs.map(([name, type, defaultText]): ConfigDefinition => ({
    name, type, default: defaultText, support: 'accepted', doc: `No effect here: it tunes ${tunes}.`, isDynamic: dynamicAcceptedBrokerConfigs.has(name)
  }))),
  ...refusedBrokerConfigs.flatMap(({ because, configs }) => configs.map(([name, type, defaultText]): ConfigDefinition => ({
    name, type, default: defaultText, support: 'refused', doc: `Only the default is taken: ${because}.`, instead: because
  })))
].map(definition => [definition.name, definition]))

function ofBroker (): readonly ConfigDefinition[] {
  return [
    supported('auto.create.topics.enable', 'boolean', 'true', 'Whether a topic that a producer or consumer asks for is created.'),
    supported('num.partitions', 'int', '1', 'Partitions of a topic that is created without a number of them.', atLeast(1)),
    supported('default.replication.factor', 'int', '1', 'Replication factor of a topic that is created without one; at most the number of brokers. One broker serves a partition in any case: the storage service replicates.', between(1, 32_767)),
    supported('delete.topic.enable', 'boolean', 'true', 'Whether topics can be deleted.'),
    supported('offsets.topic.num.partitions', 'int', '50', 'Partitions of the topic of consumer groups, from its creation on.', between(1, 1_000)),
    supported('offsets.retention.minutes', 'int', '10080', 'Minutes for which offsets of a group without members are kept.', atLeast(1)),
    supported('offsets.retention.check.interval.ms', 'long', '600000', 'Milliseconds between looking for offsets to forget.', atLeast(1)),
    supported('offset.metadata.max.bytes', 'int', '4096', 'The longest text that a client may store with an offset, in bytes.', atLeast(0)),
    supported('group.min.session.timeout.ms', 'int', '6000', 'The shortest session timeout of a group member.', atLeast(0)),
    supported('group.max.session.timeout.ms', 'int', '1800000', 'The longest session timeout of a group member.', atLeast(0)),
    supported('group.max.size', 'int', '2147483647', 'The most members of a group.', atLeast(1)),
    supported('group.initial.rebalance.delay.ms', 'int', '3000', 'How long the first member of an empty group waits for others.', atLeast(0)),
    supported('log.retention.check.interval.ms', 'long', '300000', 'Milliseconds between looking for records past their retention.', atLeast(1)),
    supported('max.request.partition.size.limit', 'int', '2000', 'The most partitions in one answer to DescribeTopicPartitions.', atLeast(1)),
    { ...supported('producer.id.expiration.ms', 'int', '86400000', 'Milliseconds after which an idle idempotent producer is forgotten.', atLeast(1)), isDynamic: true },
    onlyDefault('fetch.max.bytes', 'int', '57671680', 'The most bytes of records in one answer to Fetch.', 'it is fixed in this release'),
    onlyDefault('max.incremental.fetch.session.cache.slots', 'int', '0', 'Fetch sessions kept. None here: every answer to Fetch is a full one (Kafka\'s default is 1000).', 'fetch sessions are not part of this release', exactly(0)),
    onlyDefault('group.coordinator.rebalance.protocols', 'list', 'classic', 'Group protocols that are served. The classic one here (Kafka\'s default is classic,consumer,streams).', 'other group protocols are not part of this release', listOf('classic'))
  ]
}

/** Broker-wide defaults of topic settings: those that a topic setting names as its synonyms. */
function topicDefaults (): readonly ConfigDefinition[] {
  return [...topicConfigs.values()].flatMap(topicConfig => (topicConfig.synonyms ?? []).map((synonym, index) => defaultOf(topicConfig, synonym, index)))
}

function defaultOf (topicConfig: ConfigDefinition, { factor, name }: ConfigSynonym, index: number): ConfigDefinition {
  const { rule, support, type } = topicConfig
  const holdsDefault = index === (topicConfig.synonyms ?? []).length - 1
  const isCounted = factor !== 1n
  const unit = isCounted ? ` In ${name.split('.').at(-1)!}.` : ''
  return {
    name,
    type: isCounted ? 'int' : type,
    default: !holdsDefault || topicConfig.default === null ? null : isCounted ? String(BigInt(topicConfig.default) / factor) : topicConfig.default,
    ...rule === undefined ? {} : { rule },
    support,
    doc: `Default of ${topicConfig.name} for topics without their own.${unit} ${topicConfig.doc}`,
    // As in Kafka: of several synonyms the first alone can be changed while the broker runs.
    isDynamic: index === 0
  }
}

function ofOtherPlaces (): readonly ConfigDefinition[] {
  return [
    elsewhere('broker.id', 'int', 'node.id'),
    elsewhere('node.id', 'int', 'node.id'),
    elsewhere('broker.rack', 'string', 'node.rack'),
    elsewhere('listeners', 'list', 'node.listeners'),
    elsewhere('advertised.listeners', 'list', 'node.listeners'),
    elsewhere('listener.security.protocol.map', 'string', 'node.listeners'),
    elsewhere('socket.request.max.bytes', 'int', 'limits.requestBytesMax'),
    elsewhere('max.connections', 'int', 'limits.connectionsMax'),
    elsewhere('connections.max.idle.ms', 'long', 'limits.idleMsMax'),
    elsewhere('log.dir', 'list', 'storage'),
    elsewhere('log.dirs', 'list', 'storage'),
    elsewhere('cordoned.log.dirs', 'list', 'storage'),
    elsewhere('metadata.log.dir', 'string', 'storage.metadata')
  ]
}

function supported (name: string, type: ConfigType, defaultText: string, doc: string, rule?: ConfigRule): ConfigDefinition {
  return { name, type, default: defaultText, support: 'supported', doc, ...rule === undefined ? {} : { rule } }
}

function onlyDefault (name: string, type: ConfigType, defaultText: string, doc: string, because: string, rule?: ConfigRule): ConfigDefinition {
  return { name, type, default: defaultText, support: 'refused', doc, instead: because, ...rule === undefined ? {} : { rule } }
}

function elsewhere (name: string, type: ConfigType, instead: string): ConfigDefinition {
  return { name, type, default: null, support: 'elsewhere', doc: `Set by \`${instead}\` of the configuration file.`, instead }
}
