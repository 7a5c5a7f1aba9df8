import assert from 'node:assert/strict'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { BrokerFixture, nodeId, type OpenBroker } from './broker-fixture.ts'

/** Requests that a broker must answer as Kafka 4.3.1 does: each with the part of the answer that clients act on. */
interface Case { readonly name: string, readonly ask: (broker: OpenBroker) => Promise<unknown>, readonly want: unknown }

/** The cases find topic `t` of two partitions, with a record of each of two leader epochs in the first. */
function check (cases: readonly Case[]): void {
  for (const { ask, name, want } of cases) {
    it(name, async () => {
      const fixture = new BrokerFixture()
      const produce = (broker: OpenBroker): Promise<number> => broker.produce('t', 0, [{ key: null, value: Buffer.from('v') }], { timestamp: fixture.clock.wallMs() })
      {
        await using earlier = await fixture.open()
        await earlier.createTopic('t', 2)
        await produce(earlier)
        await earlier.engine.flush()
        await nextLeaderEpoch(earlier)
      }
      await using broker = await fixture.open()
      await produce(broker)
      assert.deepEqual(await ask(broker), want)
    })
  }
}

/** What a recovery that goes on without a lost WAL does: the streams of the node are of a new epoch from the next start on. */
async function nextLeaderEpoch ({ metadata }: OpenBroker): Promise<void> {
  const { epoch: nodeEpoch } = metadata.image.node(nodeId)!
  await metadata.propose(() => ({ records: [{ type: 'lossAccepted', nodeId, nodeEpoch, objects: [], atMs: 0 }], result: undefined }))
}

function epochOf (broker: OpenBroker): number {
  return broker.metadata.image.stream(broker.metadata.image.topicNamed('t')!.partitions[0]!.dataStreamId)!.epoch
}

describe('OffsetForLeaderEpoch answers', () => {
  const ask = async (broker: OpenBroker, partition: number, leaderEpoch: number, currentLeaderEpoch = -1): Promise<unknown> => {
    const { topics } = await broker.request(ApiKey.OffsetForLeaderEpoch, 4, { replicaId: -1, topics: [{ topic: 't', partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }] })
    const { endOffset, errorCode, leaderEpoch: epoch } = topics[0]!.partitions[0]!
    return [errorCode, epoch, endOffset]
  }
  check([
    { name: 'epoch -1 with nothing', ask: broker => ask(broker, 0, -1), want: [0, -1, -1] },
    { name: 'an epoch of the future with nothing', ask: broker => ask(broker, 0, epochOf(broker) + 1), want: [0, -1, -1] },
    { name: 'an earlier epoch with where it ended', ask: broker => ask(broker, 0, 0), want: [0, 0, 1] },
    { name: 'an earlier epoch of an empty log with its end', ask: broker => ask(broker, 1, 0), want: [0, 0, 0] },
    { name: 'a current epoch of -2 with FENCED_LEADER_EPOCH', ask: broker => ask(broker, 0, 0, -2), want: [KafkaErrorCode.FENCED_LEADER_EPOCH, -1, -1] }
  ])
})

describe('Fetch answers', () => {
  const ask = async (broker: OpenBroker, version: number, options: { readonly epoch?: number, readonly lastFetchedEpoch?: number, readonly replicaId?: number, readonly offset?: number }): Promise<unknown> => {
    const { epoch = -1, lastFetchedEpoch = -1, offset = 0, replicaId = -1 } = options
    const topic = version >= 13 ? { topicId: broker.metadata.image.topicNamed('t')!.topicId } : { topic: 't' }
    const { responses } = await broker.request(ApiKey.Fetch, version, {
      ...version >= 15 ? { replicaState: { replicaId } } : { replicaId },
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ ...topic, partitions: [{ partition: 0, fetchOffset: offset, currentLeaderEpoch: epoch, partitionMaxBytes: 1_000, ...version >= 12 ? { lastFetchedEpoch } : {} }] }]
    })
    const { divergingEpoch, errorCode, records } = responses[0]!.partitions[0]!
    return [errorCode, records === null ? 0 : Math.sign(records.length), ...version >= 12 && divergingEpoch.epoch >= 0 ? [divergingEpoch.endOffset] : []]
  }
  check([
    { name: 'a last fetched epoch above all known with OFFSET_OUT_OF_RANGE', ask: broker => ask(broker, 12, { lastFetchedEpoch: epochOf(broker) + 1 }), want: [KafkaErrorCode.OFFSET_OUT_OF_RANGE, 0] },
    { name: 'the last fetched epoch of the log with records', ask: broker => ask(broker, 12, { lastFetchedEpoch: epochOf(broker) }), want: [0, 1] },
    { name: 'a last fetched epoch that ended before with where it ended', ask: broker => ask(broker, 12, { lastFetchedEpoch: 0, offset: 2 }), want: [0, 0, 1] },
    { name: 'a replica with NOT_LEADER_OR_FOLLOWER', ask: broker => ask(broker, 14, { replicaId: 2 }), want: [KafkaErrorCode.NOT_LEADER_OR_FOLLOWER, 0] },
    { name: 'a replica of newer versions with NOT_LEADER_OR_FOLLOWER', ask: broker => ask(broker, 15, { replicaId: 2 }), want: [KafkaErrorCode.NOT_LEADER_OR_FOLLOWER, 0] },
    { name: 'a debugging consumer with records', ask: broker => ask(broker, 11, { replicaId: -2 }), want: [0, 1] },
    { name: 'a current epoch of -2 as none', ask: broker => ask(broker, 11, { epoch: -2 }), want: [0, 1] },
    { name: 'an old current epoch with FENCED_LEADER_EPOCH', ask: broker => ask(broker, 11, { epoch: epochOf(broker) - 1 }), want: [KafkaErrorCode.FENCED_LEADER_EPOCH, 0] }
  ])
})

describe('DescribeAcls answers', () => {
  check([{
    name: 'every filter with SECURITY_DISABLED',
    ask: async broker => {
      const { errorCode, errorMessage, resources } = await broker.request(ApiKey.DescribeAcls, 3, { resourceTypeFilter: 2, resourceNameFilter: 't', patternTypeFilter: 3, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 })
      return [errorCode, errorMessage, resources]
    },
    want: [KafkaErrorCode.SECURITY_DISABLED, 'No Authorizer is configured.', []]
  }])
})

describe('FindCoordinator answers', () => {
  const ask = async (broker: OpenBroker, version: number, keyType: number): Promise<unknown> => {
    const answer = await broker.request(ApiKey.FindCoordinator, version, version >= 4 ? { coordinatorKeys: ['a', 'b'], keyType } : { key: 'a', keyType })
    return version >= 4 ? answer.coordinators.map(({ errorCode, key }) => [key, errorCode]) : answer.errorCode
  }
  check([
    { name: 'an unknown type with INVALID_REQUEST', ask: broker => ask(broker, 3, 5), want: KafkaErrorCode.INVALID_REQUEST },
    { name: 'an unknown type with INVALID_REQUEST for each key', ask: broker => ask(broker, 6, 5), want: [['a', KafkaErrorCode.INVALID_REQUEST], ['b', KafkaErrorCode.INVALID_REQUEST]] },
    { name: 'share partitions before version 6 with INVALID_REQUEST', ask: broker => ask(broker, 5, 2), want: [['a', KafkaErrorCode.INVALID_REQUEST], ['b', KafkaErrorCode.INVALID_REQUEST]] },
    { name: 'share partitions with UNSUPPORTED_VERSION', ask: broker => ask(broker, 6, 2), want: [['a', KafkaErrorCode.UNSUPPORTED_VERSION], ['b', KafkaErrorCode.UNSUPPORTED_VERSION]] },
    { name: 'a transactional id with what clients take as final', ask: broker => ask(broker, 3, 1), want: KafkaErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED }
  ])
})

describe('DeleteGroups answers', () => {
  const remove = async (broker: OpenBroker): Promise<unknown> => (await broker.request(ApiKey.DeleteGroups, 2, { groupsNames: [''] })).results[0]!.errorCode
  const commit = async (broker: OpenBroker): Promise<unknown> => {
    await broker.request(ApiKey.FindCoordinator, 3, { key: '', keyType: 0 })
    const { topics } = await broker.request(ApiKey.OffsetCommit, 7, { groupId: '', generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }] }] })
    return topics[0]!.partitions[0]!.errorCode
  }
  check([
    { name: 'the group without a name with NONE, where there is one', ask: async broker => [await commit(broker), await remove(broker), await remove(broker)], want: [0, 0, KafkaErrorCode.GROUP_ID_NOT_FOUND] }
  ])
})

describe('ListOffsets answers', () => {
  const ask = async (broker: OpenBroker, topics: readonly (readonly [topic: string, partitionIndex: number, currentLeaderEpoch: number])[]): Promise<unknown> => {
    const answer = await broker.request(ApiKey.ListOffsets, 8, { replicaId: -1, topics: topics.map(([name, partitionIndex, currentLeaderEpoch]) => ({ name, partitions: [{ partitionIndex, currentLeaderEpoch, timestamp: -1 }] })) })
    return answer.topics.map(({ partitions }) => partitions[0]!.errorCode)
  }
  check([
    { name: 'a partition that two entries of its topic name with INVALID_REQUEST', ask: broker => ask(broker, [['t', 0, -1], ['t', 1, -1], ['t', 0, -1]]), want: [KafkaErrorCode.INVALID_REQUEST, 0, KafkaErrorCode.INVALID_REQUEST] },
    { name: 'a current epoch of -2 with FENCED_LEADER_EPOCH', ask: broker => ask(broker, [['t', 0, -2]]), want: [KafkaErrorCode.FENCED_LEADER_EPOCH] }
  ])
})
