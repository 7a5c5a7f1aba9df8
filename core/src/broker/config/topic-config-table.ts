import { atLeast, between, either, exactly, listOf, oneOf, type ConfigDefinition, type ConfigRule, type ConfigSynonym } from './config-definition.ts'

const noEffect = 'No effect here'
const compactionIsLater = 'Kept for compaction, which does not run in this release'
const hourMs = 3_600_000n
const minuteMs = 60_000n

const compressionTypes = oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer')
const throttledReplicas: ConfigRule = {
  text: '* or a list of partition:broker',
  allows: value => (value as readonly string[]).every(element => /^\d+:\d+$/.test(element)) || String(value) === '*'
}

/**
 * Every topic setting of Kafka 4.3. What Kafka does by means of disks and replicas is accepted, because tools set it blindly,
 * and does nothing.
 */
export const topicConfigs: ReadonlyMap<string, ConfigDefinition> = byName([
  {
    name: 'cleanup.policy', type: 'list', default: 'delete', rule: listOf('compact', 'delete'), support: 'supported', synonyms: same('log.cleanup.policy'),
    doc: 'What becomes of old records. `delete`: those past retention.ms or retention.bytes are deleted. `compact`: records need keys; older ones of a key are not yet removed, compaction does not run in this release. Empty: all is kept.'
  },
  {
    name: 'retention.ms', type: 'long', default: '604800000', rule: atLeast(-1), support: 'supported',
    synonyms: [{ name: 'log.retention.ms', factor: 1n }, { name: 'log.retention.minutes', factor: minuteMs }, { name: 'log.retention.hours', factor: hourMs }],
    doc: 'Milliseconds after which records are deleted, by the largest timestamp of the piece of an object that holds them; -1: never. What is not uploaded yet is kept.'
  },
  {
    name: 'retention.bytes', type: 'long', default: '-1', support: 'supported', synonyms: same('log.retention.bytes'),
    doc: 'Bytes of a partition in the object store past which the oldest pieces are deleted, as long as this much stays; negative: unlimited.'
  },
  {
    name: 'max.message.bytes', type: 'int', default: '1048588', rule: atLeast(0), support: 'supported', synonyms: same('message.max.bytes'),
    doc: 'The largest record batch, compressed as it is stored, in bytes.'
  },
  {
    name: 'message.timestamp.type', type: 'string', default: 'CreateTime', rule: oneOf('CreateTime', 'LogAppendTime'), support: 'supported', synonyms: same('log.message.timestamp.type'),
    doc: 'Whether records carry the time of the producer or that of the broker.'
  },
  {
    name: 'message.timestamp.before.max.ms', type: 'long', default: '9223372036854775807', rule: atLeast(0), support: 'supported', synonyms: same('log.message.timestamp.before.max.ms'),
    doc: 'How far, in milliseconds, a producer\'s timestamp may lie before the broker\'s clock.'
  },
  {
    name: 'message.timestamp.after.max.ms', type: 'long', default: '3600000', rule: atLeast(0), support: 'supported', synonyms: same('log.message.timestamp.after.max.ms'),
    doc: 'How far, in milliseconds, a producer\'s timestamp may lie after the broker\'s clock.'
  },
  {
    name: 'compression.type', type: 'string', default: 'producer', rule: compressionTypes, support: 'supported', synonyms: same('compression.type'),
    doc: 'The codec that batches are stored with; `producer`: as they come.'
  },
  accepted('compression.gzip.level', 'int', '-1', 'Level of gzip when the broker recompresses. No effect here: the codec\'s default is used', 'compression.gzip.level', either(between(1, 9), exactly(-1))),
  accepted('compression.lz4.level', 'int', '9', 'Level of lz4 when the broker recompresses. No effect here: the codec\'s default is used', 'compression.lz4.level', between(1, 17)),
  accepted('compression.zstd.level', 'int', '3', 'Level of zstd when the broker recompresses. No effect here: the codec\'s default is used', 'compression.zstd.level', between(-131_072, 22)),
  accepted('min.insync.replicas', 'int', '1', `${noEffect}: the storage service replicates, and every acknowledged record is durable`, 'min.insync.replicas', atLeast(1)),
  accepted('unclean.leader.election.enable', 'boolean', 'false', `${noEffect}: no election can lose records`, 'unclean.leader.election.enable'),
  accepted('delete.retention.ms', 'long', '86400000', compactionIsLater, 'log.cleaner.delete.retention.ms', atLeast(0)),
  accepted('min.compaction.lag.ms', 'long', '0', compactionIsLater, 'log.cleaner.min.compaction.lag.ms', atLeast(0)),
  accepted('max.compaction.lag.ms', 'long', '9223372036854775807', compactionIsLater, 'log.cleaner.max.compaction.lag.ms', atLeast(1)),
  accepted('min.cleanable.dirty.ratio', 'double', '0.5', compactionIsLater, 'log.cleaner.min.cleanable.ratio', between(0, 1)),
  {
    name: 'segment.bytes', type: 'int', default: '1073741824', rule: atLeast(1_048_576), support: 'supported', synonyms: same('log.segment.bytes'),
    doc: 'A batch larger than this is refused. Files of a partition do not exist here: uploads decide the granularity of deletion.'
  },
  {
    ...accepted('segment.ms', 'long', '604800000', `${noEffect}: uploads decide the granularity of deletion`, undefined, atLeast(1)),
    synonyms: [{ name: 'log.roll.ms', factor: 1n }, { name: 'log.roll.hours', factor: hourMs }]
  },
  {
    ...accepted('segment.jitter.ms', 'long', '0', noEffect, undefined, atLeast(0)),
    synonyms: [{ name: 'log.roll.jitter.ms', factor: 1n }, { name: 'log.roll.jitter.hours', factor: hourMs }]
  },
  accepted('segment.index.bytes', 'int', '10485760', noEffect, 'log.index.size.max.bytes', atLeast(4)),
  accepted('index.interval.bytes', 'int', '4096', noEffect, 'log.index.interval.bytes', atLeast(0)),
  accepted('flush.messages', 'long', '9223372036854775807', `${noEffect}: every acknowledged record is durable`, 'log.flush.interval.messages', atLeast(1)),
  {
    ...accepted('flush.ms', 'long', '9223372036854775807', `${noEffect}: every acknowledged record is durable`, undefined, atLeast(0)),
    synonyms: [{ name: 'log.flush.interval.ms', factor: 1n }, { name: 'log.flush.scheduler.interval.ms', factor: 1n }]
  },
  accepted('file.delete.delay.ms', 'long', '60000', `${noEffect}: the grace period of objects is a setting of the storage engine`, 'log.segment.delete.delay.ms', atLeast(0)),
  accepted('preallocate', 'boolean', 'false', noEffect, 'log.preallocate'),
  accepted('leader.replication.throttled.replicas', 'list', '', `${noEffect}: brokers do not replicate`, undefined, throttledReplicas),
  accepted('follower.replication.throttled.replicas', 'list', '', `${noEffect}: brokers do not replicate`, undefined, throttledReplicas),
  {
    name: 'remote.storage.enable', type: 'boolean', default: 'false', support: 'refused', instead: 'Tiered Storage functionality is disabled in the broker: all data lives in the object store already',
    doc: 'Kafka\'s tiered storage. Always false: all data lives in the object store already.'
  },
  accepted('local.retention.ms', 'long', '-2', noEffect, 'log.local.retention.ms', atLeast(-2)),
  accepted('local.retention.bytes', 'long', '-2', noEffect, 'log.local.retention.bytes', atLeast(-2)),
  accepted('remote.log.copy.disable', 'boolean', 'false', noEffect),
  accepted('remote.log.delete.on.disable', 'boolean', 'false', noEffect)
])

function same (name: string): readonly ConfigSynonym[] { return [{ name, factor: 1n }] }

function accepted (name: string, type: ConfigDefinition['type'], defaultText: string, doc: string, synonym?: string, rule?: ConfigRule): ConfigDefinition {
  return {
    name, type, default: defaultText, support: 'accepted', doc: `${doc}.`,
    ...synonym === undefined ? {} : { synonyms: same(synonym) },
    ...rule === undefined ? {} : { rule }
  }
}

function byName (definitions: readonly ConfigDefinition[]): ReadonlyMap<string, ConfigDefinition> {
  return new Map(definitions.map(definition => [definition.name, definition]))
}
