import assert from 'node:assert/strict'
import { advertisedApis } from '../../../src/broker/dispatcher.ts'
import { allHandlers } from '../../../src/broker/handlers/index.ts'
import { ApiKey } from '../../../src/protocol/messages/apis.ts'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { BrokerFixture, clusterId, nodeId } from '../broker-fixture.ts'

describe('ApiVersions', () => {
  it('advertises what has a handler, Produce from version 0 on, and no features', async () => {
    await using broker = await new BrokerFixture().open()
    const answer = await broker.request(ApiKey.ApiVersions, 4, { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' })
    assert.deepEqual(answer.apiKeys, advertisedApis(allHandlers(broker.broker.services)))
    assert.deepEqual(answer.apiKeys.find(({ apiKey }) => apiKey === ApiKey.Produce), { apiKey: 0, minVersion: 0, maxVersion: 13 })
    assert.deepEqual([answer.supportedFeatures, answer.finalizedFeatures, answer.finalizedFeaturesEpoch], [[], [], -1])
  })

  const names = [
    { name: 'apache-kafka-java', version: '4.3.1', want: 0 },
    { name: 'a', version: '1', want: 0 },
    { name: '', version: '1', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a', version: '', want: KafkaErrorCode.INVALID_REQUEST },
    { name: '-a', version: '1', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a.', version: '1', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a b', version: '1', want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'a\n', version: '1', want: KafkaErrorCode.INVALID_REQUEST }
  ]
  for (const { name, version, want } of names) {
    it(`to ${JSON.stringify(name)} ${JSON.stringify(version)}: ${want}`, async () => {
      await using broker = await new BrokerFixture().open()
      const { errorCode } = await broker.request(ApiKey.ApiVersions, 3, { clientSoftwareName: name, clientSoftwareVersion: version })
      assert.equal(errorCode, want)
    })
  }

  it('of an unknown version is answered in version 0', async () => {
    await using broker = await new BrokerFixture().open()
    const frame = Buffer.from('0012' + '0063' + '00000007' + 'ffff', 'hex')
    const answer = await broker.dispatch(frame)
    assert.equal(Buffer.from(answer as Uint8Array).toString('hex'), '00000007' + '0023' + '00000001' + '0012' + '0000' + '0004')
  })
})

describe('DescribeCluster', () => {
  it('names this node, by the listener that was asked', async () => {
    await using broker = await new BrokerFixture({ rack: 'zone-a' }).open()
    const answer = await broker.request(ApiKey.DescribeCluster, 2, { includeClusterAuthorizedOperations: false, includeFencedBrokers: true }, { listener: 'EXTERNAL' })
    assert.deepEqual([answer.clusterId, answer.controllerId, answer.clusterAuthorizedOperations], [clusterId, nodeId, -0x8000_0000])
    assert.deepEqual(answer.brokers, [{ brokerId: nodeId, host: 'outside.test', port: 19092, rack: 'zone-a', isFenced: false }])
  })

  for (const { endpointType, want } of [{ endpointType: 2, want: KafkaErrorCode.MISMATCHED_ENDPOINT_TYPE }, { endpointType: 9, want: KafkaErrorCode.UNSUPPORTED_ENDPOINT_TYPE }]) {
    it(`refuses endpoint type ${endpointType} with ${want}`, async () => {
      await using broker = await new BrokerFixture().open()
      assert.equal((await broker.request(ApiKey.DescribeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType })).errorCode, want)
    })
  }
})

describe('InitProducerId', () => {
  it('gives every producer an id of its own, also over a restart', async () => {
    const fixture = new BrokerFixture()
    const ids: number[] = []
    for (let opened = 0; opened < 2; opened++) {
      await using broker = await fixture.open()
      const answers = await Promise.all(Array.from({ length: 1_500 }, () => broker.request(ApiKey.InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 })))
      assert.ok(answers.every(({ errorCode, producerEpoch }) => errorCode === 0 && producerEpoch === 0))
      ids.push(...answers.map(({ producerId }) => producerId))
    }
    assert.equal(new Set(ids).size, 3_000)
  })

  const cases = [
    { name: 'a transactional id', transactionalId: 't', producerId: -1, producerEpoch: -1, want: KafkaErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED },
    { name: 'an empty transactional id', transactionalId: '', producerId: -1, producerEpoch: -1, want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'an id without epoch', transactionalId: null, producerId: 5, producerEpoch: -1, want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'an epoch without id', transactionalId: null, producerId: -1, producerEpoch: 0, want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'an id and an epoch', transactionalId: null, producerId: 5, producerEpoch: 0, want: KafkaErrorCode.NONE }
  ]
  for (const { name, want, ...request } of cases) {
    it(`with ${name}: ${want}`, async () => {
      await using broker = await new BrokerFixture().open()
      const answer = await broker.request(ApiKey.InitProducerId, 4, { ...request, transactionTimeoutMs: 0 })
      assert.equal(answer.errorCode, want)
      assert.equal(answer.producerId >= 0, want === 0)
    })
  }
})

describe('DescribeLogDirs', () => {
  it('counts the bytes of committed objects', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a', 2)
    await broker.produce('a', 1, [{ key: null, value: Buffer.alloc(1_000) }], { timestamp: broker.fixture.clock.wallMs() })
    await broker.engine.flush()
    const { results } = await broker.request(ApiKey.DescribeLogDirs, 4, { topics: [{ topic: 'a', partitions: [0, 1, 1, 7] }, { topic: 'x', partitions: [0] }] })
    assert.equal(results.length, 1)
    const [topic, ...others] = results[0]!.topics
    assert.deepEqual(others, [])
    assert.deepEqual(topic!.partitions.map(({ partitionIndex }) => partitionIndex), [0, 1])
    assert.equal(topic!.partitions[0]!.partitionSize, 0)
    assert.ok(topic!.partitions[1]!.partitionSize > 1_000)
    assert.deepEqual([results[0]!.totalBytes, results[0]!.usableBytes], [-1, -1])
  })
})

describe('ElectLeaders', () => {
  it('is never needed', async () => {
    await using broker = await new BrokerFixture().open()
    await broker.createTopic('a')
    const { errorCode, replicaElectionResults } = await broker.request(ApiKey.ElectLeaders, 2, { electionType: 0, topicPartitions: [{ topic: 'a', partitions: [0, 1] }] })
    assert.equal(errorCode, 0)
    assert.deepEqual(replicaElectionResults[0]!.partitionResult.map(partition => partition.errorCode), [KafkaErrorCode.ELECTION_NOT_NEEDED, KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    const all = await broker.request(ApiKey.ElectLeaders, 2, { electionType: 0, topicPartitions: null })
    assert.deepEqual(all.replicaElectionResults, [])
  })

  it('of an unknown type is refused', async () => {
    await using broker = await new BrokerFixture().open()
    assert.equal((await broker.request(ApiKey.ElectLeaders, 2, { electionType: 5, topicPartitions: null })).errorCode, KafkaErrorCode.INVALID_REQUEST)
  })
})

describe('AlterPartitionReassignments', () => {
  const cases = [
    { name: 'to the leader', partitionIndex: 0, replicas: [nodeId], want: KafkaErrorCode.NONE },
    { name: 'to another broker', partitionIndex: 0, replicas: [7], want: KafkaErrorCode.INVALID_REPLICA_ASSIGNMENT },
    { name: 'to nobody', partitionIndex: 0, replicas: [], want: KafkaErrorCode.INVALID_REPLICA_ASSIGNMENT },
    { name: 'cancelled', partitionIndex: 0, replicas: null, want: KafkaErrorCode.NO_REASSIGNMENT_IN_PROGRESS },
    { name: 'of an unknown partition', partitionIndex: 5, replicas: [nodeId], want: KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  ]
  for (const { name, partitionIndex, replicas, want } of cases) {
    it(`${name}: ${want}`, async () => {
      await using broker = await new BrokerFixture().open()
      await broker.createTopic('a')
      const { responses } = await broker.request(ApiKey.AlterPartitionReassignments, 1, { topics: [{ name: 'a', partitions: [{ partitionIndex, replicas }] }] })
      assert.equal(responses[0]!.partitions[0]!.errorCode, want)
    })
  }
})
