import assert from 'node:assert/strict'
import fc from 'fast-check'
import { StreambedError } from '@streambed/sdk'
import { brokerConfigs } from '../../../src/broker/config/broker-config-table.ts'
import { validateBrokerConfigs } from '../../../src/broker/config/broker-configs.ts'
import { configProblem, isSameConfig, readConfig, type ConfigType } from '../../../src/broker/config/config-definition.ts'
import { valueProblem } from '../../../src/broker/config/config-problem.ts'
import { ConfigSource } from '../../../src/broker/config/config-sources.ts'
import { Configs } from '../../../src/broker/config/configs.ts'
import { brokerConfigReference, topicConfigReference } from '../../../src/broker/config/reference.ts'
import { topicConfigsProblem } from '../../../src/broker/config/topic-configs.ts'
import { topicConfigs } from '../../../src/broker/config/topic-config-table.ts'
import { BrokerFixture, nodeId, type OpenBroker } from '../broker-fixture.ts'

describe('tables of settings', () => {
  it('hold all 33 topic settings, and every broker setting once', () => {
    assert.equal(topicConfigs.size, 33)
    assert.equal([...brokerConfigReference()].length, brokerConfigs.size)
    assert.equal([...topicConfigReference()].length, topicConfigs.size)
  })

  it('have defaults that may be set', () => {
    for (const definition of [...topicConfigs.values(), ...brokerConfigs.values()]) {
      if (definition.default !== null) assert.equal(valueProblem(definition, definition.default), undefined, definition.name)
    }
  })

  it('document every setting, and say of those without effect that they have none', () => {
    for (const { description, name, support } of [...topicConfigReference(), ...brokerConfigReference()]) {
      assert.match(description, /\.$/, name)
      if (support === 'accepted') assert.match(description, /[Nn]o effect|does not run/, name)
    }
  })

  it('give every synonym of a topic setting a broker setting with the same default', () => {
    for (const { default: defaultText, name, synonyms = [] } of topicConfigs.values()) {
      const last = synonyms.at(-1)
      if (last === undefined || defaultText === null) continue
      const ofBroker = brokerConfigs.get(last.name)!.default!
      assert.equal(last.factor === 1n ? ofBroker : String(BigInt(ofBroker) * last.factor), defaultText, name)
    }
  })
})

describe('values of settings', () => {
  const refused: readonly { readonly type: ConfigType, readonly text: string }[] = [
    { type: 'boolean', text: 'yes' }, { type: 'int', text: '1.5' }, { type: 'int', text: '' }, { type: 'int', text: '0x10' }, { type: 'int', text: '2147483648' },
    { type: 'short', text: '32768' }, { type: 'long', text: '9223372036854775808' }, { type: 'long', text: '1e3' }, { type: 'double', text: 'NaN' }, { type: 'double', text: '1e999' }
  ]
  for (const { text, type } of refused) it(`"${text}" is not a ${type}`, () => assert.equal(readConfig(type, text), undefined))

  it('keep every int64 exactly', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), value => readConfig('long', ` ${value} `) === value))
  })

  it('are the same whatever spaces and signs they are written with', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), value => isSameConfig('int', `+${value}`, ` ${value} `)))
    assert.ok(isSameConfig('list', 'a, b', 'a,b'))
  })

  it('of any text are read or refused, never thrown at', () => {
    fc.assert(fc.property(fc.string(), fc.constantFrom(...topicConfigs.values()), (text, definition) => {
      const problem = configProblem(definition, text)
      return problem === undefined || problem.startsWith('expected ')
    }))
  })

  const topicCases: readonly { readonly overrides: Readonly<Record<string, string>>, readonly want: string | undefined }[] = [
    { overrides: { 'cleanup.policy': 'compact,delete' }, want: undefined },
    { overrides: { 'cleanup.policy': '' }, want: undefined },
    { overrides: { 'cleanup.policy': 'delete,delete' }, want: undefined },
    { overrides: { 'cleanup.policy': 'none' }, want: 'expected a list of compact, delete' },
    { overrides: { 'min.cleanable.dirty.ratio': '0.5f' }, want: undefined },
    { overrides: { 'min.cleanable.dirty.ratio': '.5D' }, want: undefined },
    { overrides: { 'min.cleanable.dirty.ratio': '1.5f' }, want: 'expected from 0 to 1' },
    { overrides: { 'min.cleanable.dirty.ratio': 'f' }, want: 'expected a value of type double' },
    { overrides: { 'retention.ms': '-2' }, want: 'expected at least -1' },
    { overrides: { 'compression.type': 'none' }, want: 'expected one of uncompressed, zstd, lz4, snappy, gzip, producer' },
    { overrides: { 'compression.gzip.level': '0' }, want: 'expected from 1 to 9, or -1' },
    { overrides: { 'segment.bytes': '14' }, want: 'expected at least 1048576' },
    { overrides: { 'remote.storage.enable': 'false' }, want: undefined },
    { overrides: { 'min.compaction.lag.ms': '2', 'max.compaction.lag.ms': '1' }, want: 'expected at most max.compaction.lag.ms (1)' },
    { overrides: { 'leader.replication.throttled.replicas': '0:1,1:2' }, want: undefined },
    { overrides: { 'leader.replication.throttled.replicas': 'x' }, want: 'expected * or a list of partition:broker' },
    { overrides: { 'message.format.version': '2.8' }, want: 'expected a topic setting of Kafka 4' }
  ]
  for (const { overrides, want } of topicCases) it(`topic with ${JSON.stringify(overrides)}: ${want ?? 'taken'}`, () => assert.equal(topicConfigsProblem(overrides)?.expected, want))

  it('that ask for tiered storage are refused with Kafka\'s words', () => {
    assert.match(topicConfigsProblem({ 'remote.storage.enable': 'true' })!.expected, /Tiered Storage functionality is disabled in the broker/)
  })
})

describe('settings of a configuration file', () => {
  const cases: readonly { readonly kafka: Readonly<Record<string, string>>, readonly want: RegExp }[] = [
    { kafka: { 'num.partitions': '0' }, want: /^kafka\.num\.partitions: expected at least 1, got 0$/ },
    { kafka: { 'num.partition': '1' }, want: /^kafka\.num\.partition: expected a broker setting/ },
    { kafka: { 'listeners': 'PLAINTEXT://:1' }, want: /node\.listeners/ },
    { kafka: { 'authorizer.class.name': 'x' }, want: /access control is not part of this release/ },
    { kafka: { 'ssl.keystore.password': 'hunter2' }, want: /got a secret$/ },
    { kafka: { 'group.consumer.session.timeout.ms': '50000' }, want: /classic group protocol only/ },
    { kafka: { 'group.min.session.timeout.ms': '5000', 'group.max.session.timeout.ms': '4000' }, want: /expected at least kafka\.group\.min\.session\.timeout\.ms/ }
  ]
  for (const { kafka, want } of cases) {
    it(`${JSON.stringify(kafka)} are refused`, () => {
      assert.throws(() => validateBrokerConfigs(kafka), (error: unknown) => StreambedError.is(error, 'MISCONFIGURED') && want.test(error.message))
    })
  }

  it('that are the defaults of what is not served are taken', () => {
    validateBrokerConfigs({ 'ssl.client.auth': 'none', 'transaction.max.timeout.ms': '900000', 'num.io.threads': '16', 'offsets.topic.replication.factor': '1' })
  })
})

describe('settings in force', () => {
  async function set (broker: OpenBroker, kind: 'topic' | 'broker', name: string, configs: Readonly<Record<string, string>>): Promise<void> {
    await broker.metadata.propose(() => ({ records: [{ type: 'configsSet', resource: { kind, name }, configs }], result: undefined }))
  }

  it('come from the topic, else this broker, else all brokers, else the file, else the default', async () => {
    await using broker = await new BrokerFixture().open()
    const topicId = await broker.createTopic('t')
    const configs = new Configs({ metadata: broker.metadata, nodeId, kafka: { 'log.retention.hours': '2' } })
    const plain = new Configs({ metadata: broker.metadata, nodeId, kafka: {} })
    assert.equal(plain.ofTopic(topicId).retentionMs, 604_800_000)
    assert.equal(configs.ofTopic(topicId).retentionMs, 7_200_000)
    await set(broker, 'broker', '', { 'log.retention.ms': '3' })
    assert.equal(configs.ofTopic(topicId).retentionMs, 3)
    await set(broker, 'broker', String(nodeId), { 'log.retention.ms': '2' })
    assert.equal(configs.ofTopic(topicId).retentionMs, 2)
    await set(broker, 'topic', topicId, { 'retention.ms': '1' })
    assert.equal(configs.ofTopic(topicId).retentionMs, 1)
    const described = configs.describeTopic({ 'retention.ms': '1' }).find(({ definition }) => definition.name === 'retention.ms')
    assert.deepEqual(described?.synonyms, [
      { name: 'retention.ms', value: '1', source: ConfigSource.Topic },
      { name: 'log.retention.ms', value: '2', source: ConfigSource.DynamicBroker },
      { name: 'log.retention.ms', value: '3', source: ConfigSource.DynamicDefault },
      { name: 'log.retention.hours', value: '2', source: ConfigSource.Static },
      { name: 'log.retention.hours', value: '168', source: ConfigSource.Default }
    ])
    await set(broker, 'topic', topicId, {})
    await set(broker, 'broker', String(nodeId), {})
    await set(broker, 'broker', '', {})
    assert.equal(configs.ofTopic(topicId).retentionMs, 7_200_000)
  })

  it('stay the same object until an override changes', async () => {
    await using broker = await new BrokerFixture().open()
    const topicId = await broker.createTopic('t')
    const { configs } = broker.broker.services
    const before = configs.ofTopic(topicId)
    await broker.createTopic('another')
    assert.equal(configs.ofTopic(topicId), before)
    await set(broker, 'topic', topicId, { 'max.message.bytes': '100' })
    assert.equal(configs.ofTopic(topicId).maxMessageBytes, 100)
  })

  it('of a broker are typed, and follow what is changed while it runs', async () => {
    await using broker = await new BrokerFixture().open({ kafka: { 'offsets.retention.minutes': '2', 'auto.create.topics.enable': 'FALSE' } })
    const { configs } = broker.broker.services
    assert.equal(configs.broker.offsetsRetentionMs, 120_000)
    assert.equal(configs.broker.autoCreateTopics, false)
    await set(broker, 'broker', '', { 'producer.id.expiration.ms': '5000' })
    assert.equal(configs.broker.producerIdExpirationMs, 5_000)
  })
})
