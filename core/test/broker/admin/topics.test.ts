import assert from 'node:assert/strict'
import { ApiKey, type ResponseOf } from '../../../src/protocol/messages/apis.ts'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ZERO_UUID } from '../../../src/protocol/primitives/uuid.ts'
import { offsetsTopic } from '../../../src/broker/topics/internal-topics.ts'
import { BrokerFixture, clusterId, nodeId, type OpenBroker } from '../broker-fixture.ts'

const unknownId = 'b8tRS7h4TJ2Vt43Dp85v2A'
const notAsked = -0x8000_0000

describe('Metadata', () => {
  it('lists all topics for an empty list in version 0, for null from version 1 on', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    assert.equal((await broker.request(ApiKey.Metadata, 0, { topics: [] })).topics.length, 1)
    assert.equal((await broker.request(ApiKey.Metadata, 1, { topics: [] })).topics.length, 0)
    assert.equal((await broker.request(ApiKey.Metadata, 1, { topics: null })).topics.length, 1)
  })

  it('names the addresses of the listener that was asked', async () => {
    await using broker = await new BrokerFixture({ rack: 'zone-a' }).open()
    const inside = await broker.request(ApiKey.Metadata, 9, { topics: null })
    assert.deepEqual(inside.brokers, [{ nodeId, host: 'broker.test', port: 9092, rack: 'zone-a' }])
    assert.deepEqual([inside.clusterId, inside.controllerId], [clusterId, nodeId])
    const outside = await broker.request(ApiKey.Metadata, 9, { topics: null }, { listener: 'EXTERNAL' })
    assert.equal(outside.brokers[0]!.port, 19092)
  })

  it('tells of a partition whose leader the listener does not reach', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    const { topics } = await broker.request(ApiKey.Metadata, 9, { topics: null }, { listener: 'OTHER' })
    assert.deepEqual([topics[0]!.partitions[0]!.errorCode, topics[0]!.partitions[0]!.leaderId], [KafkaErrorCode.LISTENER_NOT_FOUND, -1])
  })

  const creation = [
    { name: 'creates a topic that is asked for', version: 4, allow: true, kafka: {}, topic: 'new', want: KafkaErrorCode.NONE },
    { name: 'creates it in old versions, which cannot say otherwise', version: 3, allow: true, kafka: {}, topic: 'new', want: KafkaErrorCode.NONE },
    { name: 'creates nothing when the request forbids it', version: 4, allow: false, kafka: {}, topic: 'new', want: KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    { name: 'creates nothing when the broker forbids it', version: 4, allow: true, kafka: { 'auto.create.topics.enable': 'false' }, topic: 'new', want: KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    { name: 'refuses a bad name', version: 4, allow: true, kafka: {}, topic: 'a b', want: KafkaErrorCode.INVALID_TOPIC_EXCEPTION },
    { name: 'refuses a bad name also when it would not create it', version: 4, allow: false, kafka: {}, topic: 'a b', want: KafkaErrorCode.INVALID_TOPIC_EXCEPTION },
    { name: 'tells why it cannot create', version: 4, allow: true, kafka: { 'default.replication.factor': '3' }, topic: 'new', want: KafkaErrorCode.INVALID_REPLICATION_FACTOR },
    { name: 'creates the topic of groups as the broker would', version: 4, allow: true, kafka: {}, topic: offsetsTopic, want: KafkaErrorCode.NONE },
    { name: 'creates no other internal topic', version: 4, allow: true, kafka: {}, topic: '__transaction_state', want: KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  ]
  for (const { allow, kafka, name, topic, version, want } of creation) {
    it(`${name} (version ${version})`, async () => {
      await using broker = await new BrokerFixture().open({ kafka: { 'num.partitions': '3', ...kafka } })
      const { topics } = await broker.request(ApiKey.Metadata, version, { topics: [{ name: topic }], allowAutoTopicCreation: allow })
      assert.equal(topics[0]!.errorCode, want)
      assert.equal(topics[0]!.partitions.length, want !== 0 ? 0 : topic === offsetsTopic ? 50 : 3)
    })
  }

  it('creates a topic once for many that ask at once', async () => {
    await using broker = await new BrokerFixture().open()
    const answers = await Promise.all(Array.from({ length: 10 }, () => broker.request(ApiKey.Metadata, 12, { topics: [{ name: 'new' }] })))
    const ids = new Set(answers.map(({ topics }) => topics[0]!.topicId))
    assert.equal(ids.size, 1)
    assert.ok(answers.every(({ topics }) => topics[0]!.errorCode === 0))
  })

  it('looks topics up by id from version 12 on', async () => {
    await using broker = await new BrokerFixture().open()
    const topicId = await broker.createTopic('a')
    const { topics } = await broker.request(ApiKey.Metadata, 12, { topics: [{ name: null, topicId }, { name: null, topicId: unknownId }] })
    assert.deepEqual(topics.map(topic => [topic.errorCode, topic.name]), [[KafkaErrorCode.NONE, 'a'], [KafkaErrorCode.UNKNOWN_TOPIC_ID, null]])
    const old = await broker.request(ApiKey.Metadata, 10, { topics: [{ name: null, topicId }] })
    assert.equal(old.topics[0]!.errorCode, KafkaErrorCode.INVALID_REQUEST)
  })

  it('tells what may be done only when asked', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    const silent = await broker.request(ApiKey.Metadata, 8, { topics: null })
    assert.deepEqual([silent.clusterAuthorizedOperations, silent.topics[0]!.topicAuthorizedOperations], [notAsked, notAsked])
    const asked = await broker.request(ApiKey.Metadata, 8, { topics: null, includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true })
    assert.ok(asked.clusterAuthorizedOperations > 0 && asked.topics[0]!.topicAuthorizedOperations > 0)
  })
})

describe('CreateTopics', () => {
  it('answers with id, partitions and all settings, sorted', async () => {
    await using broker = await new BrokerFixture().open()
    const { topics: [topic] } = await broker.request(ApiKey.CreateTopics, 7, { topics: [{ name: 'a', numPartitions: 2, replicationFactor: -1, assignments: [], configs: [{ name: 'retention.ms', value: '5' }] }], timeoutMs: 1_000 })
    assert.deepEqual([topic!.errorCode, topic!.numPartitions, topic!.replicationFactor, topic!.topicId], [0, 2, 1, broker.metadata.image.topicNamed('a')!.topicId])
    const names = topic!.configs!.map(({ name }) => name)
    assert.deepEqual(names, [...names].sort())
    assert.deepEqual(topic!.configs!.find(({ name }) => name === 'retention.ms'), { name: 'retention.ms', value: '5', readOnly: false, configSource: 1, isSensitive: false })
  })

  it('only validates when asked to', async () => {
    await using broker = await new BrokerFixture().open()
    const { topics } = await broker.request(ApiKey.CreateTopics, 7, { topics: [{ name: 'a', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }, { name: 'a b', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 1_000, validateOnly: true })
    assert.deepEqual(topics.map(({ errorCode, topicId }) => [errorCode, topicId]), [[KafkaErrorCode.NONE, ZERO_UUID], [KafkaErrorCode.INVALID_TOPIC_EXCEPTION, ZERO_UUID]])
    assert.equal(broker.metadata.image.topicNamed('a'), undefined)
  })

  it('of a compacted topic warns that compaction does not run', async () => {
    const fixture = new BrokerFixture()
    await using broker = await fixture.open()
    await broker.createTopic('a', 1, { 'cleanup.policy': 'compact' })
    assert.ok(fixture.log.some(({ level, message }) => level === 'warn' && message.includes('compaction')))
  })

  it('tells of a metadata log that fails, topic by topic', async () => {
    const fixture = new BrokerFixture()
    let isDown = false
    fixture.wrapMetadataLog = log => new Proxy(log, {
      get: (target, name) => {
        if (name === 'append' && isDown) return () => Promise.reject(new Error('down'))
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) as unknown : value
      }
    })
    await using broker = await fixture.open()
    isDown = true
    const { topics } = await broker.request(ApiKey.CreateTopics, 7, { topics: [{ name: 'a', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 1_000 })
    assert.deepEqual([topics[0]!.errorCode, topics[0]!.errorMessage], [KafkaErrorCode.UNKNOWN_SERVER_ERROR, 'internal error'])
    const deleted = await broker.request(ApiKey.InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })
    assert.equal(deleted.errorCode, KafkaErrorCode.UNKNOWN_SERVER_ERROR)
    isDown = false
  })
})

describe('DeleteTopics', () => {
  it('forgets a topic at once; its name then gets a new id', async () => {
    await using broker = await new BrokerFixture().open()
    const topicId = await broker.createTopic('a')
    await broker.produce('a', 0, [{ key: null, value: Buffer.from('v') }], { timestamp: broker.fixture.clock.wallMs() })
    const { responses } = await broker.request(ApiKey.DeleteTopics, 6, { topics: [{ name: null, topicId }], timeoutMs: 1_000 })
    assert.deepEqual(responses.map(({ errorCode, name }) => [errorCode, name]), [[0, 'a']])
    const gone = await broker.request(ApiKey.Metadata, 12, { topics: [{ name: 'a' }], allowAutoTopicCreation: false })
    assert.equal(gone.topics[0]!.errorCode, KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert.notEqual(await broker.createTopic('a'), topicId)
  })

  for (const { version, want } of [{ version: 2, want: KafkaErrorCode.INVALID_REQUEST }, { version: 3, want: KafkaErrorCode.TOPIC_DELETION_DISABLED }]) {
    it(`is refused with ${want} in version ${version} when disabled`, async () => {
      await using broker = await new BrokerFixture().open({ kafka: { 'delete.topic.enable': 'false' } })
      await broker.createTopic('a')
      const { responses } = await broker.request(ApiKey.DeleteTopics, version, { topicNames: ['a'], timeoutMs: 1_000 })
      assert.equal(responses[0]!.errorCode, want)
    })
  }
})

describe('CreatePartitions', () => {
  it('adds partitions that can be produced to at once', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    const { results } = await broker.request(ApiKey.CreatePartitions, 3, { topics: [{ name: 'a', count: 3, assignments: null }, { name: 'x', count: 3, assignments: null }], timeoutMs: 1_000, validateOnly: false })
    assert.deepEqual(results.map(({ errorCode }) => errorCode), [KafkaErrorCode.NONE, KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    assert.equal(await broker.produce('a', 2, [{ key: null, value: Buffer.from('v') }], { timestamp: broker.fixture.clock.wallMs() }), 0)
  })

  it('only validates when asked to', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    const { results } = await broker.request(ApiKey.CreatePartitions, 3, { topics: [{ name: 'a', count: 3, assignments: [{ brokerIds: [nodeId] }, { brokerIds: [nodeId] }] }], timeoutMs: 1_000, validateOnly: true })
    assert.equal(results[0]!.errorCode, 0)
    assert.equal(broker.metadata.image.topicNamed('a')!.partitions.length, 1)
  })
})

describe('DescribeTopicPartitions', () => {
  async function pages (broker: OpenBroker, limit: number): Promise<readonly string[]> {
    const seen: string[] = []
    let cursor: ResponseOf<typeof ApiKey.DescribeTopicPartitions>['nextCursor'] = null
    do {
      const answer: ResponseOf<typeof ApiKey.DescribeTopicPartitions> = await broker.request(ApiKey.DescribeTopicPartitions, 0, { topics: [], responsePartitionLimit: limit, cursor })
      seen.push(...answer.topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`)))
      cursor = answer.nextCursor
    } while (cursor !== null)
    return seen
  }

  it('gives every partition once, in order, whatever the size of a page', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('b', 3)
    await broker.createTopic('a', 2)
    for (const limit of [1, 2, 3, 4, 5, 6, 2_000]) assert.deepEqual(await pages(broker, limit), ['a-0', 'a-1', 'b-0', 'b-1', 'b-2'], `limit ${limit}`)
  })

  it('never gives more than the broker allows', async () => {
    await using broker = await new BrokerFixture().open({ kafka: { 'max.request.partition.size.limit': '2' } })
    await broker.createTopic('a', 3)
    const { nextCursor, topics } = await broker.request(ApiKey.DescribeTopicPartitions, 0, { topics: [{ name: 'a' }], responsePartitionLimit: 1_000_000 })
    assert.equal(topics[0]!.partitions.length, 2)
    assert.deepEqual(nextCursor, { topicName: 'a', partitionIndex: 2 })
  })

  it('refuses a cursor at a topic that is not asked for, or before its first partition', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    for (const cursor of [{ topicName: 'z', partitionIndex: 0 }, { topicName: 'a', partitionIndex: -1 }]) {
      const { topics } = await broker.request(ApiKey.DescribeTopicPartitions, 0, { topics: [{ name: 'a' }], cursor })
      assert.equal(topics[0]!.errorCode, KafkaErrorCode.INVALID_REQUEST)
    }
  })

  it('tells of topics that do not exist', async () => {
    await using broker = await new BrokerFixture().open()
    const { topics } = await broker.request(ApiKey.DescribeTopicPartitions, 0, { topics: [{ name: 'x' }, { name: 'a b' }] })
    assert.deepEqual(topics.map(({ errorCode }) => errorCode), [KafkaErrorCode.INVALID_TOPIC_EXCEPTION, KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
  })
})
