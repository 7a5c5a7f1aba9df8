import assert from 'node:assert/strict'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ApiKey } from '../../../src/protocol/messages/apis.ts'
import { BrokerFixture, versionsOf, type OpenBroker } from '../broker-fixture.ts'

const kafka = { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '3' }
const newest = (apiKey: ApiKey): number => versionsOf(apiKey).at(-1)!

async function findCoordinator (broker: OpenBroker, version: number, groupId: string): Promise<void> {
  const answer = await broker.request(ApiKey.FindCoordinator, version, version >= 4 ? { coordinatorKeys: [groupId] } : { key: groupId })
  const found = version >= 4 ? answer.coordinators[0]! : answer
  assert.deepEqual([found.errorCode, found.nodeId, found.host], [0, 1, 'broker.test'])
}

/** Joins as the only member; gives the member's id. */
async function join (broker: OpenBroker, version: number, groupId: string): Promise<string> {
  const ask = (memberId: string) => broker.request(ApiKey.JoinGroup, version, {
    groupId, sessionTimeoutMs: 10_000, ...version >= 1 ? { rebalanceTimeoutMs: 10_000 } : {}, memberId, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }]
  })
  const first = await ask('')
  assert.equal(first.errorCode, version >= 4 ? KafkaErrorCode.MEMBER_ID_REQUIRED : 0)
  const joined = version >= 4 ? await ask(first.memberId) : first
  assert.deepEqual([joined.errorCode, joined.generationId, joined.leader, joined.members.length], [0, 1, joined.memberId, 1])
  return joined.memberId
}

async function sync (broker: OpenBroker, version: number, groupId: string, memberId: string): Promise<void> {
  const synced = await broker.request(ApiKey.SyncGroup, version, {
    groupId, generationId: 1, memberId, ...version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}, assignments: [{ memberId, assignment: Buffer.from('mine') }]
  })
  assert.deepEqual([synced.errorCode, synced.assignment.toString()], [0, 'mine'])
}

async function commit (broker: OpenBroker, version: number, groupId: string, memberId: string, generation: number, topicId: string, offset: number): Promise<number> {
  const { topics } = await broker.request(ApiKey.OffsetCommit, version, {
    groupId, generationIdOrMemberEpoch: generation, memberId, topics: [{ ...version >= 10 ? { topicId } : { name: 't' }, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: 'note' }] }]
  })
  return topics[0]!.partitions[0]!.errorCode
}

async function committed (broker: OpenBroker, version: number, groupId: string, topicId: string, partition = 0): Promise<number> {
  const one = { ...version >= 10 ? { topicId } : { name: 't' }, partitionIndexes: [partition] }
  const answer = await broker.request(ApiKey.OffsetFetch, version, version >= 8 ? { groups: [{ groupId, topics: [one] }] } : { groupId, topics: [{ name: 't', partitionIndexes: [partition] }] })
  const found = (version >= 8 ? answer.groups[0]!.topics : answer.topics)[0]!.partitions[0]!
  assert.equal(found.errorCode, 0)
  return Number(found.committedOffset)
}

async function open (fixture = new BrokerFixture()): Promise<{ readonly broker: OpenBroker, readonly topicId: string }> {
  const broker = await fixture.open({ kafka })
  const known = broker.metadata.image.topicNamed('t')
  return { broker, topicId: known?.topicId ?? await broker.createTopic('t', 2) }
}

describe('every served version of every group API', () => {
  it('FindCoordinator', async () => {
    const { broker } = await open()
    for (const version of versionsOf(ApiKey.FindCoordinator)) await findCoordinator(broker, version, `g${version}`)
    await broker.close()
  })

  it('JoinGroup, SyncGroup, Heartbeat and LeaveGroup', async () => {
    const { broker } = await open()
    await findCoordinator(broker, 4, 'g')
    const versions = (apiKey: ApiKey, index: number): number => Math.min(index, newest(apiKey))
    for (const version of versionsOf(ApiKey.JoinGroup)) {
      const groupId = `g${version}`
      const memberId = await join(broker, version, groupId)
      await sync(broker, versions(ApiKey.SyncGroup, version), groupId, memberId)
      assert.equal((await broker.request(ApiKey.Heartbeat, versions(ApiKey.Heartbeat, version), { groupId, generationId: 1, memberId })).errorCode, 0)
      const leaving = versions(ApiKey.LeaveGroup, version)
      const left = await broker.request(ApiKey.LeaveGroup, leaving, leaving >= 3 ? { groupId, members: [{ memberId }] } : { groupId, memberId })
      assert.deepEqual([left.errorCode, ...left.members.map(({ errorCode }) => errorCode)], leaving >= 3 ? [0, 0] : [0])
    }
    await broker.close()
  })

  it('OffsetCommit and OffsetFetch', async () => {
    const { broker, topicId } = await open()
    await findCoordinator(broker, 4, 'g')
    for (const version of versionsOf(ApiKey.OffsetCommit)) assert.equal(await commit(broker, version, 'g', '', -1, topicId, version), 0)
    for (const version of versionsOf(ApiKey.OffsetFetch)) {
      assert.equal(await committed(broker, version, 'g', topicId), newest(ApiKey.OffsetCommit))
      assert.equal(await committed(broker, version, 'g', topicId, 1), -1, 'no commit is no error')
      assert.equal(await committed(broker, version, 'nobody', topicId), -1)
    }
    await broker.close()
  })

  it('DescribeGroups, ListGroups, OffsetDelete and DeleteGroups', async () => {
    const { broker, topicId } = await open()
    await findCoordinator(broker, 4, 'g')
    for (const version of versionsOf(ApiKey.DeleteGroups)) await commit(broker, 8, `empty${version}`, '', -1, topicId, 1)
    const memberId = await join(broker, 9, 'g')
    await sync(broker, 5, 'g', memberId)
    for (const version of versionsOf(ApiKey.DescribeGroups)) {
      const { groups } = await broker.request(ApiKey.DescribeGroups, version, { groups: ['g', 'absent'] })
      assert.deepEqual([groups[0]!.groupState, groups[0]!.members[0]!.memberAssignment.toString()], ['Stable', 'mine'])
      assert.deepEqual([groups[1]!.groupState, groups[1]!.errorCode], ['Dead', version >= 6 ? KafkaErrorCode.GROUP_ID_NOT_FOUND : 0])
    }
    for (const version of versionsOf(ApiKey.ListGroups)) {
      const { groups } = await broker.request(ApiKey.ListGroups, version, version >= 4 ? { statesFilter: ['stable'] } : {})
      assert.deepEqual(groups.map(({ groupId }) => groupId).sort(), version >= 4 ? ['g'] : ['empty0', 'empty1', 'empty2', 'g'])
    }
    const remove = (topic: string) => broker.request(ApiKey.OffsetDelete, 0, { groupId: 'empty0', topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }] })
    assert.equal((await remove('t')).topics[0]!.partitions[0]!.errorCode, 0)
    assert.equal((await remove('absent')).topics[0]!.partitions[0]!.errorCode, KafkaErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert.equal(await committed(broker, 8, 'empty0', topicId), -1)
    for (const version of versionsOf(ApiKey.DeleteGroups)) {
      const { results } = await broker.request(ApiKey.DeleteGroups, version, { groupsNames: [`empty${version}`, 'g', 'absent'] })
      assert.deepEqual(results.map(({ errorCode }) => errorCode), [0, KafkaErrorCode.NON_EMPTY_GROUP, KafkaErrorCode.GROUP_ID_NOT_FOUND])
    }
    await broker.close()
  })
})

describe('group coordinator', () => {
  it('members, generations and offsets survive the broker', async () => {
    const fixture = new BrokerFixture()
    const { broker: first, topicId } = await open(fixture)
    await findCoordinator(first, 4, 'g')
    const memberId = await join(first, 5, 'g')
    await sync(first, 3, 'g', memberId)
    assert.equal(await commit(first, 8, 'g', memberId, 1, topicId, 42), 0)
    // No close: the process is gone.
    const { broker: second } = await open(fixture)
    assert.equal((await second.request(ApiKey.Heartbeat, 4, { groupId: 'g', generationId: 1, memberId })).errorCode, 0)
    assert.equal(await committed(second, 8, 'g', topicId), 42)
    assert.equal(await commit(second, 8, 'g', memberId, 1, topicId, 43), 0)
    await second.close()
  })

  it('a commit of an unknown member, generation or topic is refused and stores nothing', async () => {
    const { broker, topicId } = await open()
    await findCoordinator(broker, 4, 'g')
    const memberId = await join(broker, 5, 'g')
    await sync(broker, 3, 'g', memberId)
    assert.equal(await commit(broker, 8, 'g', 'nobody', 1, topicId, 1), KafkaErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(await commit(broker, 8, 'g', memberId, 7, topicId, 1), KafkaErrorCode.ILLEGAL_GENERATION)
    assert.equal(await commit(broker, 8, 'g', '', -1, topicId, 1), KafkaErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(await commit(broker, 8, 'never-joined', 'm', 3, topicId, 1), KafkaErrorCode.ILLEGAL_GENERATION)
    assert.equal(await commit(broker, 10, 'g', memberId, 1, 'AAAAAAAAAAAAAAAAAAAAAg', 1), KafkaErrorCode.UNKNOWN_TOPIC_ID)
    assert.equal(await committed(broker, 8, 'g', topicId), -1)
    await broker.close()
  })

  it('shortens its log and loses nothing by it', async () => {
    const fixture = new BrokerFixture()
    const { broker: first, topicId } = await open(fixture)
    await findCoordinator(first, 4, 'g')
    const note = 'n'.repeat(4_000)
    const send = (offset: number) => first.request(ApiKey.OffsetCommit, 8, { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: note }] }] })
    for (let offset = 0; offset < 2_500; offset++) assert.equal((await send(offset)).topics[0]!.partitions[0]!.errorCode, 0)
    const starts = (first.broker.services.topics.byName('__consumer_offsets')!.slots).map(({ partition }) => partition?.logStartOffset ?? 0)
    assert.ok(Math.max(...starts) > 1_000, `log starts at ${starts.join()}`)
    const { broker: second } = await open(fixture)
    assert.equal(await committed(second, 8, 'g', topicId), 2_499)
    await second.close()
  })

  it('forgets the offsets of a topic that is deleted', async () => {
    const { broker, topicId } = await open()
    await findCoordinator(broker, 4, 'g')
    assert.equal(await commit(broker, 8, 'g', '', -1, topicId, 5), 0)
    await broker.request(ApiKey.DeleteTopics, 3, { topicNames: ['t'], timeoutMs: 1_000 })
    await broker.fixture.clock.run(1)
    const again = await broker.createTopic('t', 2)
    assert.equal(await committed(broker, 8, 'g', again), -1)
    await broker.close()
  })

  it('a coordinator that closes tells who waits in a group, and who asks later, to look for another', async () => {
    const { broker } = await open()
    await findCoordinator(broker, 4, 'g')
    const ask = (memberId: string) => broker.request(ApiKey.JoinGroup, 3, {
      groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }]
    })
    const memberId = await join(broker, 3, 'g')
    const joining = ask('')
    await broker.fixture.clock.run(1)
    const generationId = (await ask(memberId)).generationId
    const follower = await joining
    assert.deepEqual([generationId, follower.generationId], [2, 2])
    const syncing = broker.request(ApiKey.SyncGroup, 3, { groupId: 'g', generationId, memberId: follower.memberId, assignments: [] })
    await broker.fixture.clock.run(1)
    const released = broker.broker.releaseMembers()
    const later = ask('')
    assert.deepEqual([(await syncing).errorCode, (await later).errorCode], [KafkaErrorCode.NOT_COORDINATOR, KafkaErrorCode.NOT_COORDINATOR])
    await released
    await broker.close()
  })
})
