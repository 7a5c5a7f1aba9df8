import assert from 'node:assert/strict'
import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { BrokerProcess } from '../support/broker-process.ts'
import { Member, kafkajsClient } from './kafkajs-client.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, ResourcePatternTypes } = kafkajs

describe('kafkajs: admin', () => {
  let broker: BrokerProcess
  let kafka: Kafka
  let admin: Admin
  before(async () => {
    broker = await BrokerProcess.start()
    // It retries what it takes for a topic that is not known yet; few retries show the refusal soon.
    kafka = kafkajsClient(broker.bootstrap, { retry: { initialRetryTime: 20, maxRetryTime: 50, retries: 5 } })
    admin = kafka.admin()
    await admin.connect()
  })
  after(async () => {
    await admin?.disconnect()
    await broker?.[Symbol.asyncDispose]()
  })

  it('creates, lists, describes, enlarges and deletes topics', async () => {
    assert.equal(await admin.createTopics({ topics: [{ topic: 'a', numPartitions: 3 }, { topic: 'b' }] }), true)
    assert.equal(await admin.createTopics({ topics: [{ topic: 'a', numPartitions: 3 }] }), false, 'it exists')
    assert.deepEqual((await admin.listTopics()).filter(topic => !topic.startsWith('__')).sort(), ['a', 'b'])
    await admin.createPartitions({ topicPartitions: [{ topic: 'a', count: 5 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: ['a'] })
    assert.deepEqual(topics[0]?.partitions.map(({ partitionId }) => partitionId).sort(), [0, 1, 2, 3, 4])
    assert.ok(topics[0]?.partitions.every(({ isr, leader, replicas }) => leader === 1 && isr.length === 1 && replicas.length === 1))
    await assert.rejects(admin.createPartitions({ topicPartitions: [{ topic: 'a', count: 4 }] }), /Number of partitions is invalid/)
    await admin.deleteTopics({ topics: ['a', 'b'] })
    assert.deepEqual((await admin.listTopics()).filter(topic => !topic.startsWith('__')), [])
    await assert.rejects(admin.deleteTopics({ topics: ['a'] }), /does not host this topic-partition/)
  })

  it('describes the cluster', async () => {
    const cluster = await admin.describeCluster()
    assert.deepEqual(cluster.brokers, [{ nodeId: 1, host: '127.0.0.1', port: broker.address.port }])
    assert.equal(cluster.controller, 1)
    assert.ok(cluster.clusterId.length > 0)
  })

  it('describes and alters settings', async () => {
    await admin.createTopics({ topics: [{ topic: 'settings', configEntries: [{ name: 'retention.ms', value: '1000000' }] }] })
    const alter = async (name: string, value: string, validateOnly: boolean): Promise<void> => {
      await admin.alterConfigs({ validateOnly, resources: [{ type: ConfigResourceTypes.TOPIC, name: 'settings', configEntries: [{ name, value }] }] })
    }
    const read = async (): Promise<string | undefined> => {
      const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type: ConfigResourceTypes.TOPIC, name: 'settings', configNames: ['retention.ms'] }] })
      return resources[0]?.configEntries[0]?.configValue
    }
    assert.equal(await read(), '1000000')
    await alter('retention.ms', '5', true)
    assert.equal(await read(), '1000000')
    await alter('retention.ms', '2000000', false)
    assert.equal(await read(), '2000000')
    await assert.rejects(alter('no.such.thing', '1', false), /onfig/)
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.BROKER, name: '1' }] })
    assert.ok(resources[0]!.configEntries.length > 50)
    const valueOf = (setting: string): string | undefined => resources[0]!.configEntries.find(({ configName }) => configName === setting)?.configValue
    assert.match(valueOf('listeners')!, new RegExp(`^\\w+://127\\.0\\.0\\.1:${broker.address.port}$`))
    assert.match(valueOf('listener.security.protocol.map')!, /^\w+:PLAINTEXT$/)
  })

  it('lists, describes and deletes groups; reads and resets their offsets', async () => {
    await admin.createTopics({ topics: [{ topic: 'grouped', numPartitions: 2 }] })
    await send('grouped', 20, 2)
    const member = await Member.join(kafka, 'grouped', 'watched')
    await member.records.untilCount(20)
    assert.ok((await admin.listGroups()).groups.some(({ groupId, protocolType }) => groupId === 'watched' && protocolType === 'consumer'))
    const { groups } = await admin.describeGroups(['watched', 'never-heard-of'])
    assert.equal(groups[0]?.state, 'Stable')
    assert.equal(groups[0]?.members[0]?.clientId, 'kafkajs-test')
    assert.equal(groups[1]?.state, 'Dead')
    await assert.rejects(admin.deleteGroups(['watched']), { name: 'KafkaJSDeleteGroupsError' })
    await member.leave()
    const offsets = async (resolveOffsets = false): Promise<readonly string[]> => (await admin.fetchOffsets({ groupId: 'watched', topics: ['grouped'], resolveOffsets }))[0]!.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
    assert.deepEqual(await offsets(), ['10', '10'])
    await admin.setOffsets({ groupId: 'watched', topic: 'grouped', partitions: [{ partition: 0, offset: '3' }, { partition: 1, offset: '4' }] })
    assert.deepEqual(await offsets(), ['3', '4'])
    const again = await Member.join(kafka, 'grouped', 'watched')
    await again.records.untilCount(13)
    await again.leave()
    // It commits the -2 that stands for the earliest offset, and resolves that when it reads.
    await admin.resetOffsets({ groupId: 'watched', topic: 'grouped', earliest: true })
    assert.deepEqual(await offsets(), ['-2', '-2'])
    assert.deepEqual(await offsets(true), ['0', '0'])
    await admin.deleteGroups(['watched'])
    assert.deepEqual((await admin.listGroups()).groups.filter(({ groupId }) => groupId === 'watched'), [])
  })

  it('deletes records below an offset', async () => {
    await admin.createTopics({ topics: [{ topic: 'trimmed' }] })
    await send('trimmed', 10, 1)
    // It looks for the leader in what it knows already, so it must have asked about the topic before.
    await admin.fetchTopicOffsets('trimmed')
    await admin.deleteTopicRecords({ topic: 'trimmed', partitions: [{ partition: 0, offset: '6' }] })
    assert.deepEqual(await admin.fetchTopicOffsets('trimmed'), [{ partition: 0, offset: '10', high: '10', low: '6' }])
    const member = await Member.join(kafka, 'trimmed', 'trimmed')
    assert.deepEqual(await member.untilValues(4), ['6', '7', '8', '9'])
    await member.leave()
  })

  it('is told that access lists are not served', async () => {
    await assert.rejects(admin.describeAcls({
      resourceType: AclResourceTypes.ANY,
      resourcePatternType: ResourcePatternTypes.ANY,
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ANY
    }), { type: 'SECURITY_DISABLED' })
  })

  async function send (topic: string, count: number, partitions: number): Promise<void> {
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic, messages: Array.from({ length: count }, (_, index) => ({ partition: index % partitions, value: `${index}` })) })
    await producer.disconnect()
  }
})
