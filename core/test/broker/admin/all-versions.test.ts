import assert from 'node:assert/strict'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ApiKey, type RequestInputOf } from '../../../src/protocol/messages/apis.ts'
import { encodeBatch } from '../../../src/protocol/records/encode-batch.ts'
import { BrokerFixture, nodeId, versionsOf, type OpenBroker } from '../broker-fixture.ts'

/** A request of each API for records, topics and settings as a client would send it in a version. */
const requests: { readonly [K in ApiKey]?: (version: number, topicId: string) => RequestInputOf<K> } = {
  [ApiKey.Produce]: (version, topicId) => ({
    transactionalId: null,
    acks: -1,
    timeoutMs: 1_000,
    topicData: [{ ...version >= 13 ? { topicId } : { name: 'orders' }, partitionData: [{ index: 0, records: encodeBatch([{ key: null, value: Buffer.from('v') }], { timestamp: Date.UTC(2026, 0, 1) }) }] }]
  }),
  [ApiKey.Fetch]: (version, topicId) => ({
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ ...version >= 13 ? { topicId } : { topic: 'orders' }, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }] }]
  }),
  [ApiKey.ListOffsets]: () => ({ replicaId: -1, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] }),
  [ApiKey.Metadata]: () => ({ topics: [{ name: 'orders' }] }),
  [ApiKey.ApiVersions]: version => version >= 3 ? { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' } : {},
  [ApiKey.CreateTopics]: version => ({ topics: [{ name: `made-in-${version}`, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }], timeoutMs: 1_000 }),
  [ApiKey.DeleteTopics]: version => version >= 6 ? { topics: [{ name: `made-in-${version}`, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }], timeoutMs: 1_000 } : { topicNames: [`made-in-${version}`], timeoutMs: 1_000 },
  [ApiKey.DeleteRecords]: () => ({ topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, offset: 0 }] }], timeoutMs: 1_000 }),
  [ApiKey.InitProducerId]: () => ({ transactionalId: null, transactionTimeoutMs: 0 }),
  [ApiKey.OffsetForLeaderEpoch]: () => ({ topics: [{ topic: 'orders', partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
  [ApiKey.DescribeConfigs]: () => ({ resources: [{ resourceType: 2, resourceName: 'orders', configurationKeys: null }], includeSynonyms: true }),
  [ApiKey.DescribeAcls]: () => ({ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 }),
  [ApiKey.AlterConfigs]: () => ({ resources: [{ resourceType: 2, resourceName: 'orders', configs: [{ name: 'retention.ms', value: '1000' }] }], validateOnly: false }),
  [ApiKey.DescribeLogDirs]: () => ({ topics: null }),
  [ApiKey.CreatePartitions]: version => ({ topics: [{ name: 'orders', count: 2 + version, assignments: null }], timeoutMs: 1_000, validateOnly: false }),
  [ApiKey.ElectLeaders]: version => ({ ...version >= 1 ? { electionType: 1 } : {}, topicPartitions: [{ topic: 'orders', partitions: [0] }] }),
  [ApiKey.IncrementalAlterConfigs]: () => ({ resources: [{ resourceType: 2, resourceName: 'orders', configs: [{ name: 'retention.ms', configOperation: 1, value: null }] }], validateOnly: false }),
  [ApiKey.AlterPartitionReassignments]: () => ({ topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas: [nodeId] }] }] }),
  [ApiKey.ListPartitionReassignments]: () => ({ topics: null }),
  [ApiKey.DescribeCluster]: () => ({ includeClusterAuthorizedOperations: true }),
  [ApiKey.DescribeTopicPartitions]: () => ({ topics: [{ name: 'orders' }] })
}

/** What there never is, asked for well: neither elections nor access lists. */
const refusals: { readonly [K in ApiKey]?: KafkaErrorCode } = { [ApiKey.ElectLeaders]: KafkaErrorCode.ELECTION_NOT_NEEDED, [ApiKey.DescribeAcls]: KafkaErrorCode.SECURITY_DISABLED }

describe('every served version of every API for records, topics and settings', () => {
  for (const apiKey of Object.keys(requests).map(Number) as ApiKey[]) {
    it(`key ${apiKey} is answered in versions ${versionsOf(apiKey).join(', ')}`, async () => {
      await using broker: OpenBroker = await new BrokerFixture().open()
      const topicId = await broker.createTopic('orders', 1)
      if (apiKey === ApiKey.DeleteTopics) for (const version of versionsOf(apiKey)) await broker.createTopic(`made-in-${version}`)
      const request = requests[apiKey] as (version: number, topicId: string) => RequestInputOf<ApiKey>
      for (const version of versionsOf(apiKey)) {
        const answer = await broker.request(apiKey, version, request(version, topicId))
        assert.deepEqual([...errorsIn(answer)].filter(([, code]) => code !== (refusals[apiKey] ?? KafkaErrorCode.NONE)), [], `version ${version}`)
      }
    })
  }
})

function * errorsIn (value: unknown, path = ''): Generator<[string, number]> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, field] of Object.entries(value)) {
    if (name === 'errorCode' && !(path === '' && field === 0)) yield [`${path}.${name}`, field as number]
    yield * errorsIn(field, `${path}.${name}`)
  }
}
