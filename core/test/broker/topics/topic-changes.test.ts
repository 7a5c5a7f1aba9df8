import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SeededRandom } from '@streambed/sdk/testing'
import { collisionForm, topicNameProblem } from '../../../src/broker/topics/topic-name.ts'
import { newTopicId } from '../../../src/broker/topics/topic-id.ts'
import { addPartitions, createTopics, deleteTopics, partitionsPerRequestMax, type WantedTopic } from '../../../src/broker/topics/topic-changes.ts'
import { offsetsTopic } from '../../../src/broker/topics/internal-topics.ts'
import { ClusterImage } from '../../../src/metadata/image.ts'
import type { Outcome } from '../../../src/broker/outcome.ts'
import { kafkaErrorName } from '../../../src/protocol/error-codes.ts'
import { isUuid, ZERO_UUID } from '../../../src/protocol/primitives/uuid.ts'
import { BrokerFixture, nodeId } from '../broker-fixture.ts'

const random = new SeededRandom('topics')
const rules = { ownerNodeId: 1, settings: { numPartitions: 3, defaultReplicationFactor: 1 } }

function image (...topics: readonly { readonly name: string, readonly partitions: number }[]): ClusterImage {
  const made = new ClusterImage()
  made.apply({ type: 'clusterFounded', clusterId: 'c' }, 0)
  made.apply({ type: 'nodeRegistered', nodeId: 1, epoch: 1, endpoints: [{ name: 'PLAINTEXT', host: 'broker.test', port: 9092 }], rack: null }, 1)
  made.apply({ type: 'nodeEpochTaken', nodeId: 77, incarnation: 'of a start that was refused' }, 2)
  for (const { name, partitions } of topics) made.apply({ type: 'topicCreated', topicId: newTopicId(random), name, partitionCount: partitions, ownerNodeId: 1, firstStreamId: made.nextStreamId, configs: {} }, 3)
  return made
}

function wanted (change: Partial<WantedTopic> = {}): WantedTopic {
  return { name: 'new', topicId: newTopicId(random), numPartitions: -1, replicationFactor: -1, assignments: [], configs: [], ...change }
}

function codes (outcomes: readonly Outcome<unknown>[]): readonly string[] {
  return outcomes.map(outcome => outcome.kind === 'done' ? 'NONE' : kafkaErrorName(outcome.error.code))
}

describe('topic names', () => {
  for (const name of ['a', 'a.b_c-D9', 'x'.repeat(249), '...']) it(`${name.slice(0, 20)} (${name.length}) is allowed`, () => assert.equal(topicNameProblem(name), undefined))
  for (const name of ['', '.', '..', 'x'.repeat(250), 'a b', 'ä', 'a/b', 'a\n', 'a\0']) it(`${JSON.stringify(name.slice(0, 20))} (${name.length}) is refused`, () => assert.notEqual(topicNameProblem(name), undefined))
  it('collide when only . and _ tell them apart', () => assert.equal(collisionForm('a.b_c'), collisionForm('a_b.c')))
})

describe('topic ids', () => {
  it('are uuids that are no option on a command line', () => {
    const ids = Array.from({ length: 2_000 }, () => newTopicId(random))
    assert.ok(ids.every(topicId => isUuid(topicId) && !topicId.startsWith('-')))
    assert.equal(new Set(ids).size, ids.length)
  })
})

describe('creating topics', () => {
  const cases: readonly { readonly name: string, readonly change: Partial<WantedTopic>, readonly want: string }[] = [
    { name: 'with the defaults', change: {}, want: 'NONE' },
    { name: 'that exists', change: { name: 'old.topic' }, want: 'TOPIC_ALREADY_EXISTS' },
    { name: 'whose name collides', change: { name: 'old_topic' }, want: 'INVALID_TOPIC_EXCEPTION' },
    { name: 'of a bad name', change: { name: 'a b' }, want: 'INVALID_TOPIC_EXCEPTION' },
    { name: 'that is internal', change: { name: offsetsTopic }, want: 'INVALID_TOPIC_EXCEPTION' },
    { name: 'that would be the metadata of the cluster', change: { name: '__cluster_metadata' }, want: 'TOPIC_AUTHORIZATION_FAILED' },
    { name: 'of 0 partitions', change: { numPartitions: 0 }, want: 'INVALID_PARTITIONS' },
    { name: 'of -2 partitions', change: { numPartitions: -2 }, want: 'INVALID_PARTITIONS' },
    { name: 'of too many partitions', change: { numPartitions: 2_147_483_647 }, want: 'POLICY_VIOLATION' },
    { name: 'of 100,001 partitions', change: { numPartitions: 100_001 }, want: 'POLICY_VIOLATION' },
    { name: 'replicated 0 times', change: { replicationFactor: 0 }, want: 'INVALID_REPLICATION_FACTOR' },
    { name: 'replicated more often than there are brokers', change: { replicationFactor: 2 }, want: 'INVALID_REPLICATION_FACTOR' },
    { name: 'assigned', change: { assignments: [{ partitionIndex: 1, brokerIds: [1] }, { partitionIndex: 0, brokerIds: [1] }] }, want: 'NONE' },
    { name: 'assigned and counted', change: { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }, want: 'INVALID_REQUEST' },
    { name: 'assigned with a gap', change: { assignments: [{ partitionIndex: 1, brokerIds: [1] }] }, want: 'INVALID_REPLICA_ASSIGNMENT' },
    { name: 'assigned twice', change: { assignments: [{ partitionIndex: 0, brokerIds: [1] }, { partitionIndex: 0, brokerIds: [1] }] }, want: 'INVALID_REPLICA_ASSIGNMENT' },
    { name: 'assigned to nobody', change: { assignments: [{ partitionIndex: 0, brokerIds: [] }] }, want: 'INVALID_REPLICA_ASSIGNMENT' },
    { name: 'assigned to an unknown broker', change: { assignments: [{ partitionIndex: 0, brokerIds: [7] }] }, want: 'INVALID_REPLICA_ASSIGNMENT' },
    { name: 'assigned to a node that never came to serve', change: { assignments: [{ partitionIndex: 0, brokerIds: [77] }] }, want: 'INVALID_REPLICA_ASSIGNMENT' },
    { name: 'assigned to one broker twice', change: { assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] }, want: 'INVALID_REPLICA_ASSIGNMENT' },
    { name: 'with an unknown setting', change: { configs: [{ name: 'x', value: '1' }] }, want: 'INVALID_CONFIG' },
    { name: 'with a setting named as a trap for objects', change: { configs: [{ name: '__proto__', value: '1' }] }, want: 'INVALID_CONFIG' },
    { name: 'with a bad setting', change: { configs: [{ name: 'retention.ms', value: 'soon' }] }, want: 'INVALID_CONFIG' },
    { name: 'with a setting without value', change: { configs: [{ name: 'retention.ms', value: null }] }, want: 'INVALID_CONFIG' },
    { name: 'with tiered storage', change: { configs: [{ name: 'remote.storage.enable', value: 'true' }] }, want: 'INVALID_CONFIG' }
  ]
  for (const { change, name, want } of cases) {
    it(`a topic ${name}: ${want}`, () => {
      const { records, result } = createTopics(image({ name: 'old.topic', partitions: 1 }), [wanted(change)], rules)
      assert.deepEqual(codes(result), [want])
      assert.equal(records.length, want === 'NONE' ? 1 : 0)
    })
  }

  it('named twice in one request: both are refused, others are created', () => {
    const { records, result } = createTopics(image(), [wanted({ name: 'a' }), wanted({ name: 'b' }), wanted({ name: 'a' })], rules)
    assert.deepEqual(codes(result), ['INVALID_REQUEST', 'NONE', 'INVALID_REQUEST'])
    assert.equal(records.length, 1)
  })

  it('that collide within one request: the first is created', () => {
    assert.deepEqual(codes(createTopics(image(), [wanted({ name: 'a.b' }), wanted({ name: 'a_b' })], rules).result), ['NONE', 'INVALID_TOPIC_EXCEPTION'])
  })

  it('past the bound of one request refuses those that do not fit', () => {
    const { result } = createTopics(image(), [wanted({ name: 'a', numPartitions: partitionsPerRequestMax - 1 }), wanted({ name: 'b', numPartitions: 2 }), wanted({ name: 'c', numPartitions: 1 })], rules)
    assert.deepEqual(codes(result), ['NONE', 'POLICY_VIOLATION', 'NONE'])
  })

  it('in any number gives records that the image takes', () => {
    const topic = fc.record({ name: fc.stringMatching(/^[ab._]{0,3}$/), numPartitions: fc.integer({ min: -2, max: 5 }) })
    fc.assert(fc.property(fc.array(topic, { maxLength: 8 }), topics => {
      const state = image({ name: 'a.a', partitions: 2 })
      for (const record of createTopics(state, topics.map(wanted), rules).records) state.apply(record, 4)
    }))
  })
})

describe('adding partitions', () => {
  const cases = [
    { name: 'to more', count: 4, want: 'NONE' },
    { name: 'to as many', count: 2, want: 'INVALID_PARTITIONS' },
    { name: 'to fewer', count: 1, want: 'INVALID_PARTITIONS' },
    { name: 'to too many', count: 1_000_000, want: 'POLICY_VIOLATION' },
    { name: 'with an assignment for each', count: 3, assignments: [[1]], want: 'NONE' },
    { name: 'with too few assignments', count: 4, assignments: [[1]], want: 'INVALID_REPLICA_ASSIGNMENT' },
    { name: 'to an unknown topic', topic: 'x', count: 3, want: 'UNKNOWN_TOPIC_OR_PARTITION' },
    { name: 'to an internal topic', topic: offsetsTopic, count: 99, want: 'INVALID_TOPIC_EXCEPTION' }
  ]
  for (const { assignments = null, count, name, topic = 't', want } of cases) {
    it(`${name}: ${want}`, () => {
      const state = image({ name: 't', partitions: 2 }, { name: offsetsTopic, partitions: 5 })
      const { records, result } = addPartitions(state, [{ name: topic, count, assignments }], rules)
      assert.deepEqual(codes(result), [want])
      for (const record of records) state.apply(record, 4)
      if (want === 'NONE') assert.equal(state.topicNamed('t')!.partitions.length, count)
    })
  }
})

describe('deleting topics', () => {
  it('by name and by id, each outcome of its own', () => {
    const state = image({ name: 'a', partitions: 1 }, { name: 'b', partitions: 1 }, { name: 'c', partitions: 1 }, { name: offsetsTopic, partitions: 1 })
    const [b, c] = ['b', 'c'].map(name => state.topicNamed(name)!.topicId)
    const { records, result } = deleteTopics(state, [
      { name: 'a', topicId: ZERO_UUID }, { name: null, topicId: b! }, { name: 'x', topicId: ZERO_UUID }, { name: null, topicId: newTopicId(random) },
      { name: 'c', topicId: ZERO_UUID }, { name: null, topicId: c! }, { name: 'a', topicId: b! }, { name: null, topicId: ZERO_UUID }, { name: offsetsTopic, topicId: ZERO_UUID }
    ], 0)
    // The seventh names two things at once, which makes `a` named twice as well.
    assert.deepEqual(codes(result), ['INVALID_REQUEST', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID', 'INVALID_REQUEST', 'INVALID_REQUEST', 'INVALID_REQUEST', 'INVALID_REQUEST', 'INVALID_TOPIC_EXCEPTION'])
    assert.equal(records.length, 1)
  })
})

describe('internal topics', () => {
  it('are created once, whoever races', async () => {
    await using broker = await new BrokerFixture().open({ kafka: { 'offsets.topic.num.partitions': '7' } })
    const { ensureInternalTopic } = broker.broker.services
    await Promise.all(Array.from({ length: 20 }, () => ensureInternalTopic(offsetsTopic)))
    const topic = broker.metadata.image.topicNamed(offsetsTopic)!
    assert.equal(topic.partitions.length, 7)
    assert.equal(broker.metadata.image.nextStreamId, 15)
    assert.ok(broker.broker.services.configs.ofTopic(topic.topicId).isCompacted)
    assert.equal(broker.metadata.image.stream(topic.partitions[0]!.dataStreamId)?.ownerNodeId, nodeId)
  })

  it('that this release does not use are refused', async () => {
    await using broker = await new BrokerFixture().open()
    await assert.rejects(broker.broker.services.ensureInternalTopic('__transaction_state'), /not an internal topic of this release/)
  })
})
