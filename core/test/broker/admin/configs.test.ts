import assert from 'node:assert/strict'
import { ApiKey, type ResponseOf } from '../../../src/protocol/messages/apis.ts'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { BrokerFixture, nodeId, type OpenBroker } from '../broker-fixture.ts'

const Type = { topic: 2, broker: 4, logger: 8, clientMetrics: 16, group: 32 } as const
const Op = { set: 0, delete: 1, append: 2, subtract: 3 } as const
type Described = ResponseOf<typeof ApiKey.DescribeConfigs>['results'][number]

async function describeOne (broker: OpenBroker, resourceType: number, resourceName: string, configurationKeys: readonly string[] | null = null, version = 4): Promise<Described> {
  const { results } = await broker.request(ApiKey.DescribeConfigs, version, { resources: [{ resourceType, resourceName, configurationKeys }], includeSynonyms: true, includeDocumentation: version >= 3 })
  return results[0]!
}

interface Change { readonly name: string, readonly configOperation: number, readonly value: string | null }

async function alter (broker: OpenBroker, resourceType: number, resourceName: string, configs: readonly Change[], validateOnly = false): Promise<KafkaErrorCode> {
  const { responses } = await broker.request(ApiKey.IncrementalAlterConfigs, 1, { resources: [{ resourceType, resourceName, configs }], validateOnly })
  return responses[0]!.errorCode as KafkaErrorCode
}

async function valueOf (broker: OpenBroker, topic: string, name: string): Promise<string | null> {
  return (await describeOne(broker, Type.topic, topic, [name])).configs[0]!.value
}

describe('DescribeConfigs', () => {
  it('gives all 33 settings of a topic, with types, sources and documentation', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a', 1, { 'retention.ms': '5' })
    for (const keys of [null, []]) assert.equal((await describeOne(broker, Type.topic, 'a', keys)).configs.length, 33)
    const { configs: [config] } = await describeOne(broker, Type.topic, 'a', ['retention.ms', 'no.such.setting'])
    assert.deepEqual([config!.value, config!.configSource, config!.configType, config!.readOnly, config!.isSensitive], ['5', 1, 5, false, false])
    assert.deepEqual(config!.synonyms.map(({ name, source, value }) => [name, value, source]), [['retention.ms', '5', 1]])
    assert.match(config!.documentation!, /Milliseconds/)
  })

  const told: readonly { readonly setting: string, readonly kafka?: Readonly<Record<string, string>>, readonly dynamic?: Readonly<Record<string, string>>, readonly want: readonly [value: string, source: number, synonyms: readonly string[]] }[] = [
    { setting: 'retention.ms', want: ['604800000', 5, []] },
    { setting: 'retention.ms', kafka: { 'log.retention.hours': '2' }, want: ['7200000', 5, []] },
    { setting: 'retention.ms', kafka: { 'log.retention.hours': '2' }, dynamic: { 'log.retention.ms': '9' }, want: ['9', 3, ['log.retention.ms=9', 'log.retention.hours=2', 'log.retention.hours=168']] },
    { setting: 'segment.ms', want: ['604800000', 5, []] },
    { setting: 'segment.jitter.ms', want: ['0', 5, []] },
    { setting: 'flush.ms', want: ['9223372036854775807', 5, []] },
    { setting: 'retention.bytes', want: ['-1', 5, ['log.retention.bytes=-1']] },
    { setting: 'segment.bytes', kafka: { 'log.segment.bytes': '2000000' }, want: ['2000000', 4, ['log.segment.bytes=2000000', 'log.segment.bytes=1073741824']] },
    { setting: 'leader.replication.throttled.replicas', want: ['', 5, []] }
  ]
  for (const { dynamic = {}, kafka = {}, setting, want } of told) {
    it(`tells of ${setting} with ${JSON.stringify({ ...kafka, ...dynamic })} what Kafka tells`, async () => {
      await using broker = await new BrokerFixture().open({ kafka })
      await broker.createTopic('a')
      for (const [name, value] of Object.entries(dynamic)) assert.equal(await alter(broker, Type.broker, '', [{ name, configOperation: Op.set, value }]), 0)
      const { configSource, synonyms, value } = (await describeOne(broker, Type.topic, 'a', [setting])).configs[0]!
      assert.deepEqual([value, configSource, synonyms.map(synonym => `${synonym.name}=${synonym.value}`)], want)
    })
  }

  it('gives the settings of this broker, secrets without value', async () => {
    await using broker = await new BrokerFixture().open({ kafka: { 'num.partitions': '4' } })
    const { configs } = await describeOne(broker, Type.broker, String(nodeId))
    const of = (name: string): Described['configs'][number] | undefined => configs.find(config => config.name === name)
    assert.deepEqual([of('num.partitions')!.value, of('num.partitions')!.configSource, of('num.partitions')!.readOnly], ['4', 4, true])
    assert.equal(of('log.retention.ms')!.readOnly, false)
    assert.deepEqual([of('ssl.keystore.password')!.value, of('ssl.keystore.password')!.isSensitive, of('ssl.keystore.password')!.configType], [null, true, 9])
    assert.equal(of('node.id')!.value, String(nodeId))
    assert.equal(of('advertised.listeners')!.value, 'PLAINTEXT://broker.test:9092,EXTERNAL://outside.test:19092')
    for (const name of ['listeners', 'log.dir', 'broker.rack', 'metadata.log.dir', 'connections.max.idle.ms']) assert.equal(of(name)!.value, null, name)
    assert.deepEqual([of('log.dirs')!.value, of('log.dirs')!.readOnly], ['object-storage', true])
  })

  const refused = [
    { name: 'an unknown topic', type: Type.topic, resource: 'x', want: KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    { name: 'a bad topic name', type: Type.topic, resource: 'a b', want: KafkaErrorCode.INVALID_TOPIC_EXCEPTION },
    { name: 'another broker', type: Type.broker, resource: '7', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a broker that is no number', type: Type.broker, resource: 'one', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a group', type: Type.group, resource: 'g', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'metrics of clients', type: Type.clientMetrics, resource: 'm', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'what does not exist', type: 3, resource: '', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'log levels', type: Type.logger, resource: String(nodeId), want: KafkaErrorCode.NONE }
  ]
  for (const { name, resource, type, want } of refused) {
    it(`of ${name}: ${want}`, async () => {
      await using broker = await new BrokerFixture().open()
      const { configs, errorCode } = await describeOne(broker, type, resource)
      assert.equal(errorCode, want)
      assert.deepEqual(configs, [])
    })
  }
})

describe('IncrementalAlterConfigs', () => {
  it('sets and deletes, and topics act on it at once', async () => {
    await using broker = await new BrokerFixture().open()
    const topicId = await broker.createTopic('a')
    assert.equal(await alter(broker, Type.topic, 'a', [{ name: 'max.message.bytes', configOperation: Op.set, value: '70' }]), 0)
    assert.equal(broker.broker.services.configs.ofTopic(topicId).maxMessageBytes, 70)
    await assert.rejects(broker.produce('a', 0, [{ key: null, value: Buffer.alloc(100) }], { timestamp: broker.fixture.clock.wallMs() }))
    assert.equal(await alter(broker, Type.topic, 'a', [{ name: 'max.message.bytes', configOperation: Op.delete, value: null }]), 0)
    assert.equal(await valueOf(broker, 'a', 'max.message.bytes'), '1048588')
  })

  it('appends to a list what it lacks, and subtracts from it', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    for (const value of ['compact', 'compact']) assert.equal(await alter(broker, Type.topic, 'a', [{ name: 'cleanup.policy', configOperation: Op.append, value }]), 0)
    assert.equal(await valueOf(broker, 'a', 'cleanup.policy'), 'delete,compact')
    assert.equal(await alter(broker, Type.topic, 'a', [{ name: 'cleanup.policy', configOperation: Op.subtract, value: 'delete' }]), 0)
    assert.equal(await valueOf(broker, 'a', 'cleanup.policy'), 'compact')
  })

  const refused: readonly { readonly name: string, readonly configs: readonly Change[], readonly want: KafkaErrorCode }[] = [
    { name: 'an unknown setting', configs: [{ name: 'x', configOperation: Op.set, value: '1' }], want: KafkaErrorCode.INVALID_CONFIG },
    { name: 'a bad value, and the good one beside it', configs: [{ name: 'retention.ms', configOperation: Op.set, value: '1' }, { name: 'segment.ms', configOperation: Op.set, value: '0' }], want: KafkaErrorCode.INVALID_CONFIG },
    { name: 'a value of 40,000 characters', configs: [{ name: 'leader.replication.throttled.replicas', configOperation: Op.set, value: '0:1,'.repeat(10_000) }], want: KafkaErrorCode.INVALID_CONFIG },
    { name: 'an element more for what is no list', configs: [{ name: 'retention.ms', configOperation: Op.append, value: '1' }], want: KafkaErrorCode.INVALID_CONFIG },
    { name: 'no value', configs: [{ name: 'retention.ms', configOperation: Op.set, value: null }], want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'an unknown operation', configs: [{ name: 'retention.ms', configOperation: 9, value: '1' }], want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a setting twice', configs: [{ name: 'retention.ms', configOperation: Op.set, value: '1' }, { name: 'retention.ms', configOperation: Op.delete, value: null }], want: KafkaErrorCode.INVALID_REQUEST }
  ]
  for (const { configs, name, want } of refused) {
    it(`refuses ${name} with ${want}`, async () => {
      await using broker = await new BrokerFixture().open()
      await broker.createTopic('a')
      assert.equal(await alter(broker, Type.topic, 'a', configs), want)
      assert.equal(await valueOf(broker, 'a', 'retention.ms'), '604800000')
    })
  }

  it('of the topic without a name: INVALID_REQUEST', async () => {
    await using broker = await new BrokerFixture().open()
    assert.equal(await alter(broker, Type.topic, '', [{ name: 'retention.ms', configOperation: Op.set, value: '1' }]), KafkaErrorCode.INVALID_REQUEST)
  })

  it('refuses a resource that is named twice, and alters the others', async () => {
    await using broker = await new BrokerFixture().open()
    for (const topic of ['a', 'b']) await broker.createTopic(topic)
    const set = { configs: [{ name: 'retention.ms', configOperation: Op.set, value: '1' }], resourceType: Type.topic }
    const { responses } = await broker.request(ApiKey.IncrementalAlterConfigs, 1, { resources: ['a', 'b', 'a'].map(resourceName => ({ ...set, resourceName })), validateOnly: false })
    assert.deepEqual(responses.map(({ errorCode }) => errorCode), [KafkaErrorCode.INVALID_REQUEST, KafkaErrorCode.NONE, KafkaErrorCode.INVALID_REQUEST])
    assert.equal(await valueOf(broker, 'b', 'retention.ms'), '1')
  })

  it('only validates when asked to', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    assert.equal(await alter(broker, Type.topic, 'a', [{ name: 'retention.ms', configOperation: Op.set, value: '1' }], true), 0)
    assert.equal(await alter(broker, Type.topic, 'a', [{ name: 'retention.ms', configOperation: Op.set, value: 'x' }], true), KafkaErrorCode.INVALID_CONFIG)
    assert.equal(await valueOf(broker, 'a', 'retention.ms'), '604800000')
  })

  const ofBrokers = [
    { name: 'a dynamic setting of all brokers', resource: '', config: 'log.retention.ms', value: '9', want: KafkaErrorCode.NONE },
    { name: 'a dynamic setting of this broker', resource: String(nodeId), config: 'log.retention.ms', value: '9', want: KafkaErrorCode.NONE },
    { name: 'a fixed setting', resource: '', config: 'num.partitions', value: '9', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a setting of the configuration file', resource: '', config: 'listeners', value: 'x', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'an unknown setting', resource: '', config: 'x', value: '9', want: KafkaErrorCode.INVALID_CONFIG },
    { name: 'a bad value', resource: '', config: 'log.retention.ms', value: 'x', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a value out of range', resource: '', config: 'log.cleaner.min.cleanable.ratio', value: '2', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'another broker', resource: '7', config: 'log.retention.ms', value: '9', want: KafkaErrorCode.INVALID_REQUEST }
  ]
  for (const { config, name, resource, value, want } of ofBrokers) {
    it(`of ${name}: ${want}`, async () => {
      await using broker = await new BrokerFixture().open()
      await broker.createTopic('a')
      assert.equal(await alter(broker, Type.broker, resource, [{ name: config, configOperation: Op.set, value }]), want)
      assert.equal(await valueOf(broker, 'a', 'retention.ms'), want === 0 ? '9' : '604800000')
      if (want === 0 && resource === '') assert.deepEqual((await describeOne(broker, Type.broker, '')).configs.map(described => [described.name, described.value, described.configSource]), [[config, value, 3]])
    })
  }

  it('is kept over a restart', async () => {
    const fixture = new BrokerFixture()
    {
      await using broker = await fixture.open()
      await broker.createTopic('a')
      await alter(broker, Type.topic, 'a', [{ name: 'retention.ms', configOperation: Op.set, value: '77' }])
    }
    await using broker = await fixture.open()
    assert.equal(await valueOf(broker, 'a', 'retention.ms'), '77')
  })
})

describe('AlterConfigs', () => {
  it('replaces all overrides', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a', 1, { 'retention.ms': '5', 'segment.ms': '6' })
    const { responses } = await broker.request(ApiKey.AlterConfigs, 2, { resources: [{ resourceType: Type.topic, resourceName: 'a', configs: [{ name: 'segment.ms', value: '7' }] }], validateOnly: false })
    assert.equal(responses[0]!.errorCode, 0)
    assert.deepEqual([await valueOf(broker, 'a', 'retention.ms'), await valueOf(broker, 'a', 'segment.ms')], ['604800000', '7'])
  })

  it('refuses a setting without value, and changes nothing', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a', 1, { 'retention.ms': '5' })
    const { responses } = await broker.request(ApiKey.AlterConfigs, 2, { resources: [{ resourceType: Type.topic, resourceName: 'a', configs: [{ name: 'segment.ms', value: null }] }], validateOnly: false })
    assert.equal(responses[0]!.errorCode, KafkaErrorCode.INVALID_REQUEST)
    assert.equal(await valueOf(broker, 'a', 'retention.ms'), '5')
  })
})
