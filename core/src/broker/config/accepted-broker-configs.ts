import type { ConfigType } from './config-definition.ts'

/** Settings that share a reason. Each: name, type, default as text (null: none). */
export interface AcceptedGroup {
  readonly tunes: string
  readonly configs: readonly (readonly [name: string, type: ConfigType, defaultText: string | null])[]
}

/** Broker settings that are checked, kept and reported, and have no effect: what they tune does not exist here. */
export const acceptedBrokerConfigs: readonly AcceptedGroup[] = [
  {
    tunes: 'threads and connections between brokers that do not exist here',
    configs: [
      ['num.io.threads', 'int', '8'],
      ['num.replica.alter.log.dirs.threads', 'int', null],
      ['background.threads', 'int', '10'],
      ['request.timeout.ms', 'int', '30000'],
      ['socket.connection.setup.timeout.ms', 'long', '10000'],
      ['socket.connection.setup.timeout.max.ms', 'long', '30000'],
      ['early.start.listeners', 'list', null],
      ['controlled.shutdown.enable', 'boolean', 'true'],
      ['unstable.api.versions.enable', 'boolean', 'false'],
      ['unstable.feature.versions.enable', 'boolean', 'false']
    ]
  },
  {
    tunes: 'socket buffers and threads, which Node manages',
    configs: [
      ['socket.send.buffer.bytes', 'int', '102400'],
      ['socket.receive.buffer.bytes', 'int', '102400'],
      ['queued.max.requests', 'int', '500'],
      ['queued.max.request.bytes', 'long', '-1'],
      ['num.network.threads', 'int', '3']
    ]
  },
  {
    tunes: 'files of a partition, which do not exist here: durability is the WAL\'s and the object store\'s',
    configs: [
      ['log.flush.offset.checkpoint.interval.ms', 'int', '60000'],
      ['log.flush.start.offset.checkpoint.interval.ms', 'int', '60000'],
      ['num.recovery.threads.per.data.dir', 'int', '2'],
      ['log.dir.failure.timeout.ms', 'long', '30000']
    ]
  },
  {
    tunes: 'the threads of Kafka\'s log cleaner',
    configs: [
      ['log.cleaner.threads', 'int', '1'],
      ['log.cleaner.io.max.bytes.per.second', 'double', '1.7976931348623157E308'],
      ['log.cleaner.dedupe.buffer.size', 'long', '134217728'],
      ['log.cleaner.io.buffer.size', 'int', '524288'],
      ['log.cleaner.io.buffer.load.factor', 'double', '0.9'],
      ['log.cleaner.backoff.ms', 'long', '15000'],
      ['log.cleaner.enable', 'boolean', 'true']
    ]
  },
  {
    tunes: 'threads and buffers of Kafka\'s group coordinator',
    configs: [
      ['group.coordinator.threads', 'int', '4'],
      ['group.coordinator.background.threads', 'int', '2'],
      ['group.coordinator.append.linger.ms', 'int', '-1'],
      ['offsets.load.buffer.size', 'int', '5242880'],
      ['offsets.topic.replication.factor', 'short', '3'],
      ['offsets.topic.segment.bytes', 'int', '104857600'],
      ['offsets.topic.compression.codec', 'int', '0'],
      ['group.coordinator.cached.buffer.max.bytes', 'int', '1048588']
    ]
  },
  {
    tunes: 'share groups, which are not served',
    configs: [
      ['share.fetch.purgatory.purge.interval.requests', 'int', '1000']
    ]
  },
  {
    tunes: 'the topic of share groups, which are not served',
    configs: [
      ['share.coordinator.state.topic.replication.factor', 'short', '3'],
      ['share.coordinator.state.topic.min.isr', 'short', '2'],
      ['share.coordinator.state.topic.segment.bytes', 'int', '104857600'],
      ['share.coordinator.threads', 'int', '1'],
      ['share.coordinator.snapshot.update.records.per.snapshot', 'int', '500'],
      ['share.coordinator.load.buffer.size', 'int', '5242880'],
      ['share.coordinator.state.topic.compression.codec', 'int', '0'],
      ['share.coordinator.append.linger.ms', 'int', '-1'],
      ['share.coordinator.state.topic.prune.interval.ms', 'int', '300000'],
      ['share.coordinator.cold.partition.snapshot.interval.ms', 'int', '300000'],
      ['share.coordinator.cached.buffer.max.bytes', 'int', '1048588']
    ]
  },
  {
    tunes: 'the topic of transactions, which are not served',
    configs: [
      ['transaction.state.log.min.isr', 'int', '2'],
      ['transaction.state.log.load.buffer.size', 'int', '5242880'],
      ['transaction.state.log.replication.factor', 'short', '3'],
      ['transaction.state.log.segment.bytes', 'int', '104857600']
    ]
  },
  {
    tunes: 'quotas of replication and of controllers',
    configs: [
      ['replication.quota.window.num', 'int', '11'],
      ['alter.log.dirs.replication.quota.window.num', 'int', '11'],
      ['controller.quota.window.num', 'int', '11'],
      ['replication.quota.window.size.seconds', 'int', '1'],
      ['alter.log.dirs.replication.quota.window.size.seconds', 'int', '1'],
      ['controller.quota.window.size.seconds', 'int', '1'],
      ['leader.replication.throttled.rate', 'long', '9223372036854775807'],
      ['follower.replication.throttled.rate', 'long', '9223372036854775807'],
      ['replica.alter.log.dirs.io.max.bytes.per.second', 'long', '9223372036854775807']
    ]
  },
  {
    tunes: 'metrics of the Java process',
    configs: [
      ['metrics.num.samples', 'int', '2'],
      ['metrics.sample.window.ms', 'long', '30000'],
      ['metric.reporters', 'list', 'org.apache.kafka.common.metrics.JmxReporter'],
      ['metrics.recording.level', 'string', 'INFO'],
      ['kafka.metrics.reporters', 'list', ''],
      ['kafka.metrics.polling.interval.secs', 'int', '10'],
      ['telemetry.max.bytes', 'int', '1048576']
    ]
  },
  {
    tunes: 'replication between brokers: the storage service replicates',
    configs: [
      ['controller.socket.timeout.ms', 'int', '30000'],
      ['replica.lag.time.max.ms', 'long', '30000'],
      ['replica.socket.timeout.ms', 'int', '30000'],
      ['replica.socket.receive.buffer.bytes', 'int', '65536'],
      ['replica.fetch.max.bytes', 'int', '1048576'],
      ['replica.fetch.wait.max.ms', 'int', '500'],
      ['replica.fetch.backoff.ms', 'int', '1000'],
      ['replica.fetch.min.bytes', 'int', '1'],
      ['replica.fetch.response.max.bytes', 'int', '10485760'],
      ['num.replica.fetchers', 'int', '1'],
      ['replica.high.watermark.checkpoint.interval.ms', 'long', '5000'],
      ['fetch.purgatory.purge.interval.requests', 'int', '1000'],
      ['producer.purgatory.purge.interval.requests', 'int', '1000'],
      ['delete.records.purgatory.purge.interval.requests', 'int', '1'],
      ['auto.leader.rebalance.enable', 'boolean', 'true'],
      ['leader.imbalance.check.interval.seconds', 'long', '300'],
      ['security.inter.broker.protocol', 'string', 'PLAINTEXT'],
      ['inter.broker.listener.name', 'string', null],
      ['replica.selector.class', 'string', null],
      ['follower.fetch.last.tiered.offset.enable', 'boolean', 'false']
    ]
  },
  {
    tunes: 'KRaft, which the metadata log replaces',
    configs: [
      ['process.roles', 'list', null],
      ['initial.broker.registration.timeout.ms', 'int', '60000'],
      ['broker.heartbeat.interval.ms', 'int', '2000'],
      ['broker.session.timeout.ms', 'int', '9000'],
      ['controller.listener.names', 'list', null],
      ['sasl.mechanism.controller.protocol', 'string', 'GSSAPI']
    ]
  },
  {
    tunes: 'KRaft, which the metadata log replaces',
    configs: [
      ['controller.quorum.voters', 'list', ''],
      ['controller.quorum.bootstrap.servers', 'list', ''],
      ['controller.quorum.election.timeout.ms', 'int', '1000'],
      ['controller.quorum.fetch.timeout.ms', 'int', '2000'],
      ['controller.quorum.election.backoff.max.ms', 'int', '1000'],
      ['controller.quorum.append.linger.ms', 'int', '25'],
      ['controller.quorum.request.timeout.ms', 'int', '2000'],
      ['controller.quorum.retry.backoff.ms', 'int', '20'],
      ['controller.quorum.auto.join.enable', 'boolean', 'false'],
      ['controller.quorum.fetch.snapshot.max.bytes', 'int', '1048576'],
      ['controller.quorum.fetch.max.bytes', 'int', '1048576']
    ]
  },
  {
    tunes: 'KRaft, which the metadata log replaces',
    configs: [
      ['metadata.log.max.record.bytes.between.snapshots', 'long', '20971520'],
      ['metadata.log.max.snapshot.interval.ms', 'long', '3600000'],
      ['metadata.log.segment.bytes', 'int', '1073741824'],
      ['metadata.log.segment.ms', 'long', '604800000'],
      ['metadata.max.retention.bytes', 'long', '104857600'],
      ['metadata.max.retention.ms', 'long', '604800000'],
      ['metadata.max.idle.interval.ms', 'int', '500']
    ]
  },
  {
    tunes: 'tiered storage: all data lives in the object store already',
    configs: [
      ['remote.log.storage.manager.impl.prefix', 'string', 'rsm.config.'],
      ['remote.log.metadata.manager.impl.prefix', 'string', 'rlmm.config.'],
      ['remote.log.storage.manager.class.name', 'string', null],
      ['remote.log.storage.manager.class.path', 'string', null],
      ['remote.log.metadata.manager.class.name', 'string', 'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager'],
      ['remote.log.metadata.manager.class.path', 'string', null],
      ['remote.log.metadata.manager.listener.name', 'string', null],
      ['remote.log.metadata.custom.metadata.max.bytes', 'int', '128'],
      ['remote.log.index.file.cache.total.size.bytes', 'long', '1073741824'],
      ['remote.log.manager.thread.pool.size', 'int', '2'],
      ['remote.log.manager.copier.thread.pool.size', 'int', '10'],
      ['remote.log.manager.expiration.thread.pool.size', 'int', '10'],
      ['remote.log.manager.follower.thread.pool.size', 'int', '2'],
      ['remote.log.manager.task.interval.ms', 'long', '30000'],
      ['remote.log.reader.threads', 'int', '10'],
      ['remote.log.reader.max.pending.tasks', 'int', '100'],
      ['remote.log.manager.copy.max.bytes.per.second', 'long', '9223372036854775807'],
      ['remote.log.manager.copy.quota.window.num', 'int', '11'],
      ['remote.log.manager.copy.quota.window.size.seconds', 'int', '1'],
      ['remote.log.manager.fetch.max.bytes.per.second', 'long', '9223372036854775807'],
      ['remote.log.manager.fetch.quota.window.num', 'int', '11'],
      ['remote.log.manager.fetch.quota.window.size.seconds', 'int', '1'],
      ['remote.fetch.max.wait.ms', 'int', '500'],
      ['remote.list.offsets.request.timeout.ms', 'long', '30000']
    ]
  }
]

/** Those of them that Kafka, too, lets clients change while the broker runs: tools set them before and after a job. */
export const dynamicAcceptedBrokerConfigs: ReadonlySet<string> = new Set([
  'background.threads', 'num.io.threads', 'num.network.threads', 'num.recovery.threads.per.data.dir', 'num.replica.fetchers',
  'leader.replication.throttled.rate', 'follower.replication.throttled.rate', 'replica.alter.log.dirs.io.max.bytes.per.second',
  'log.cleaner.threads', 'log.cleaner.io.max.bytes.per.second', 'log.cleaner.dedupe.buffer.size', 'log.cleaner.io.buffer.size',
  'log.cleaner.io.buffer.load.factor', 'log.cleaner.backoff.ms', 'metric.reporters'
])
