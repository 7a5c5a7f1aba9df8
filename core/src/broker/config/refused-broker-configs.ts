import type { ConfigType } from './config-definition.ts'

/** Settings that share a reason. Each: name, type, default as text (null: none). */
export interface RefusedGroup {
  readonly because: string
  readonly configs: readonly (readonly [name: string, type: ConfigType, defaultText: string | null])[]
}

/** Broker settings that only their default is taken of: what they ask for is not served. */
export const refusedBrokerConfigs: readonly RefusedGroup[] = [
  {
    because: 'plug-ins in Java cannot be loaded, and access control is not part of this release',
    configs: [
      ['config.providers', 'list', ''],
      ['authorizer.class.name', 'string', '']
    ]
  },
  {
    because: 'such limits are not part of this release',
    configs: [
      ['socket.listen.backlog.size', 'int', '50'],
      ['max.connections.per.ip', 'int', '2147483647'],
      ['max.connections.per.ip.overrides', 'string', ''],
      ['max.connection.creation.rate', 'int', '2147483647'],
      ['connection.failed.authentication.delay.ms', 'int', '100']
    ]
  },
  {
    because: 'plug-ins in Java cannot be loaded',
    configs: [
      ['create.topic.policy.class.name', 'class', null],
      ['alter.config.policy.class.name', 'class', null]
    ]
  },
  {
    because: 'the broker serves the classic group protocol only',
    configs: [
      ['offsets.commit.timeout.ms', 'int', '5000'],
      ['group.consumer.session.timeout.ms', 'int', '45000'],
      ['group.consumer.min.session.timeout.ms', 'int', '45000'],
      ['group.consumer.max.session.timeout.ms', 'int', '60000'],
      ['group.consumer.heartbeat.interval.ms', 'int', '5000'],
      ['group.consumer.min.heartbeat.interval.ms', 'int', '5000'],
      ['group.consumer.max.heartbeat.interval.ms', 'int', '15000'],
      ['group.consumer.max.size', 'int', '2147483647'],
      ['group.consumer.assignors', 'list', 'uniform,range'],
      ['group.consumer.migration.policy', 'string', 'bidirectional'],
      ['group.consumer.assignment.interval.ms', 'int', '1000'],
      ['group.consumer.min.assignment.interval.ms', 'int', '0'],
      ['group.consumer.max.assignment.interval.ms', 'int', '15000'],
      ['group.share.session.timeout.ms', 'int', '45000'],
      ['group.share.min.session.timeout.ms', 'int', '45000'],
      ['group.share.max.session.timeout.ms', 'int', '60000'],
      ['group.share.heartbeat.interval.ms', 'int', '5000'],
      ['group.share.min.heartbeat.interval.ms', 'int', '5000'],
      ['group.share.max.heartbeat.interval.ms', 'int', '15000'],
      ['group.share.max.size', 'int', '200'],
      ['group.share.assignors', 'list', 'simple'],
      ['group.share.assignment.interval.ms', 'int', '1000'],
      ['group.share.min.assignment.interval.ms', 'int', '0'],
      ['group.share.max.assignment.interval.ms', 'int', '15000'],
      ['group.streams.session.timeout.ms', 'int', '45000'],
      ['group.streams.min.session.timeout.ms', 'int', '45000'],
      ['group.streams.max.session.timeout.ms', 'int', '60000'],
      ['group.streams.heartbeat.interval.ms', 'int', '5000'],
      ['group.streams.min.heartbeat.interval.ms', 'int', '5000'],
      ['group.streams.max.heartbeat.interval.ms', 'int', '15000'],
      ['group.streams.max.size', 'int', '2147483647'],
      ['group.streams.num.standby.replicas', 'int', '0'],
      ['group.streams.max.standby.replicas', 'int', '2'],
      ['group.streams.initial.rebalance.delay.ms', 'int', '3000'],
      ['group.streams.assignment.interval.ms', 'int', '1000'],
      ['group.streams.min.assignment.interval.ms', 'int', '0'],
      ['group.streams.max.assignment.interval.ms', 'int', '15000']
    ]
  },
  {
    because: 'share groups are not part of this release',
    configs: [
      ['group.share.delivery.count.limit', 'int', '5'],
      ['group.share.max.delivery.count.limit', 'int', '10'],
      ['group.share.min.delivery.count.limit', 'int', '2'],
      ['group.share.record.lock.duration.ms', 'int', '30000'],
      ['group.share.min.record.lock.duration.ms', 'int', '15000'],
      ['group.share.max.record.lock.duration.ms', 'int', '60000'],
      ['group.share.partition.max.record.locks', 'int', '2000'],
      ['group.share.max.partition.max.record.locks', 'int', '4000'],
      ['group.share.min.partition.max.record.locks', 'int', '100'],
      ['group.share.max.share.sessions', 'int', '2000']
    ]
  },
  {
    because: 'share groups are not part of this release',
    configs: [
      ['share.coordinator.state.topic.num.partitions', 'int', '50'],
      ['share.coordinator.write.timeout.ms', 'int', '5000']
    ]
  },
  {
    because: 'transactions are not part of this release',
    configs: [
      ['transaction.state.log.num.partitions', 'int', '50'],
      ['transaction.partition.verification.enable', 'boolean', 'true']
    ]
  },
  {
    because: 'transactions are not part of this release',
    configs: [
      ['transactional.id.expiration.ms', 'int', '604800000'],
      ['transaction.max.timeout.ms', 'int', '900000'],
      ['transaction.abort.timed.out.transaction.cleanup.interval.ms', 'int', '10000'],
      ['transaction.remove.expired.transaction.cleanup.interval.ms', 'int', '3600000'],
      ['transaction.two.phase.commit.enable', 'boolean', 'false']
    ]
  },
  {
    because: 'transactions are not part of this release',
    configs: [
      ['add.partitions.to.txn.retry.backoff.max.ms', 'int', '100'],
      ['add.partitions.to.txn.retry.backoff.ms', 'int', '20']
    ]
  },
  {
    because: 'quotas are not part of this release',
    configs: [
      ['quota.window.num', 'int', '11'],
      ['quota.window.size.seconds', 'int', '1'],
      ['client.quota.callback.class', 'class', null]
    ]
  },
  {
    because: 'TLS and authentication are not part of this release',
    configs: [
      ['connections.max.reauth.ms', 'long', '0'],
      ['sasl.server.max.receive.size', 'int', '524288'],
      ['security.providers', 'string', null],
      ['principal.builder.class', 'class', 'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder'],
      ['ssl.client.auth', 'string', 'none'],
      ['ssl.principal.mapping.rules', 'string', 'DEFAULT'],
      ['ssl.allow.dn.changes', 'boolean', 'false'],
      ['ssl.allow.san.changes', 'boolean', 'false'],
      ['ssl.protocol', 'string', 'TLSv1.3'],
      ['ssl.provider', 'string', null],
      ['ssl.enabled.protocols', 'list', 'TLSv1.2,TLSv1.3'],
      ['ssl.keystore.type', 'string', 'JKS'],
      ['ssl.keystore.location', 'string', null],
      ['ssl.keystore.password', 'password', null],
      ['ssl.key.password', 'password', null],
      ['ssl.keystore.key', 'password', null],
      ['ssl.keystore.certificate.chain', 'password', null],
      ['ssl.truststore.type', 'string', 'JKS'],
      ['ssl.truststore.location', 'string', null],
      ['ssl.truststore.password', 'password', null],
      ['ssl.truststore.certificates', 'password', null],
      ['ssl.keymanager.algorithm', 'string', 'SunX509'],
      ['ssl.trustmanager.algorithm', 'string', 'PKIX'],
      ['ssl.secure.random.implementation', 'string', null],
      ['ssl.cipher.suites', 'list', ''],
      ['ssl.engine.factory.class', 'class', null],
      ['sasl.enabled.mechanisms', 'list', 'GSSAPI'],
      ['sasl.server.callback.handler.class', 'class', null],
      ['sasl.oauthbearer.scope.claim.name', 'string', 'scope'],
      ['sasl.oauthbearer.sub.claim.name', 'string', 'sub'],
      ['sasl.oauthbearer.jwks.endpoint.url', 'string', null],
      ['sasl.oauthbearer.jwks.endpoint.refresh.ms', 'long', '3600000'],
      ['sasl.oauthbearer.jwks.endpoint.retry.backoff.ms', 'long', '100'],
      ['sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms', 'long', '10000'],
      ['sasl.oauthbearer.clock.skew.seconds', 'int', '30'],
      ['sasl.oauthbearer.expected.audience', 'list', ''],
      ['sasl.oauthbearer.expected.issuer', 'string', null],
      ['ssl.endpoint.identification.algorithm', 'string', 'https'],
      ['sasl.mechanism.inter.broker.protocol', 'string', 'GSSAPI'],
      ['sasl.kerberos.principal.to.local.rules', 'list', 'DEFAULT'],
      ['sasl.jaas.config', 'password', null],
      ['sasl.client.callback.handler.class', 'class', null],
      ['sasl.login.class', 'class', null],
      ['sasl.login.callback.handler.class', 'class', null],
      ['sasl.kerberos.service.name', 'string', null],
      ['sasl.kerberos.kinit.cmd', 'string', '/usr/bin/kinit'],
      ['sasl.kerberos.ticket.renew.window.factor', 'double', '0.80'],
      ['sasl.kerberos.ticket.renew.jitter', 'double', '0.05'],
      ['sasl.kerberos.min.time.before.relogin', 'long', '60000'],
      ['sasl.login.refresh.window.factor', 'double', '0.80'],
      ['sasl.login.refresh.window.jitter', 'double', '0.05'],
      ['sasl.login.refresh.min.period.seconds', 'short', '60'],
      ['sasl.login.refresh.buffer.seconds', 'short', '300'],
      ['sasl.login.connect.timeout.ms', 'int', null],
      ['sasl.login.read.timeout.ms', 'int', null],
      ['sasl.login.retry.backoff.max.ms', 'long', '10000'],
      ['sasl.login.retry.backoff.ms', 'long', '100'],
      ['sasl.oauthbearer.jwt.retriever.class', 'class', 'org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever'],
      ['sasl.oauthbearer.jwt.validator.class', 'class', 'org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator'],
      ['sasl.oauthbearer.scope', 'string', null],
      ['sasl.oauthbearer.client.credentials.client.id', 'string', null],
      ['sasl.oauthbearer.client.credentials.client.secret', 'password', null],
      ['sasl.oauthbearer.assertion.algorithm', 'string', 'RS256'],
      ['sasl.oauthbearer.assertion.claim.aud', 'string', null],
      ['sasl.oauthbearer.assertion.claim.exp.seconds', 'int', '300'],
      ['sasl.oauthbearer.assertion.claim.iss', 'string', null],
      ['sasl.oauthbearer.assertion.claim.jti.include', 'boolean', 'false'],
      ['sasl.oauthbearer.assertion.claim.nbf.seconds', 'int', '60'],
      ['sasl.oauthbearer.assertion.claim.sub', 'string', null],
      ['sasl.oauthbearer.assertion.file', 'string', null],
      ['sasl.oauthbearer.assertion.private.key.file', 'string', null],
      ['sasl.oauthbearer.assertion.private.key.passphrase', 'password', null],
      ['sasl.oauthbearer.assertion.template.file', 'string', null],
      ['sasl.oauthbearer.token.endpoint.url', 'string', null]
    ]
  },
  {
    because: 'delegation tokens are not part of this release',
    configs: [
      ['delegation.token.secret.key', 'password', null],
      ['delegation.token.max.lifetime.ms', 'long', '604800000'],
      ['delegation.token.expiry.time.ms', 'long', '86400000'],
      ['delegation.token.expiry.check.interval.ms', 'long', '3600000']
    ]
  },
  {
    because: 'all data lives in the object store already',
    configs: [
      ['remote.log.storage.system.enable', 'boolean', 'false']
    ]
  }
]
