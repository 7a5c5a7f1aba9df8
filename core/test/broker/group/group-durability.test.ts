import assert from 'node:assert/strict'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { ApiKey } from '../../../src/protocol/messages/apis.ts'
import type { Partition } from '../../../src/broker/partition/partition.ts'
import { encodeOffsetCommitKey } from '../../../src/protocol/internal-records/consumer-offsets.ts'
import { offsetCommitValue } from '../../../src/protocol/internal-records/offset-commit.ts'
import { encodeVersioned } from '../../../src/protocol/internal-records/versioned.ts'
import { decodeRecords } from '../../../src/protocol/records/decode-records.ts'
import { encodeBatch } from '../../../src/protocol/records/encode-batch.ts'
import { BrokerFixture, type OpenBroker } from '../broker-fixture.ts'
import { HeldWal } from '../held-wal.ts'
import { earlierLog, earlierMemberId, earlierTopicId } from './earlier-log.ts'

/** One partition of the offsets topic: all groups share one log. */
const kafka = {
  'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '1', 'offsets.retention.minutes': '1', 'offsets.retention.check.interval.ms': '1000'
}
/** Low enough that a test gets past it. */
const groupLog = { bytesMin: 20_000, rewriteFactor: 4, pieceRecords: 20, checksRewrites: true }
const partitionCount = 50

interface Opened { readonly broker: OpenBroker, readonly fixture: BrokerFixture, readonly wal: HeldWal, readonly topicId: string }

async function open (): Promise<Opened> {
  const fixture = new BrokerFixture()
  const wal = new HeldWal()
  fixture.wrapWal = inner => wal.wrap(inner)
  const broker = await fixture.open({ kafka, groupLog })
  const topicId = await broker.createTopic('t', partitionCount)
  await broker.request(ApiKey.FindCoordinator, 4, { coordinatorKeys: ['g'] })
  return { broker, fixture, wal, topicId }
}

/** The next broker on the same storage, as after a crash: the one before was never closed. */
function reopen ({ fixture, wal }: Opened): Promise<OpenBroker> {
  wal.release()
  return fixture.open({ kafka, groupLog })
}

async function commit (broker: OpenBroker, groupId: string, offset: number, options: { readonly partition?: number, readonly note?: string, readonly topic?: string } = {}): Promise<number> {
  const { note = '', partition = 0, topic = 't' } = options
  const { topics } = await broker.request(ApiKey.OffsetCommit, 8, {
    groupId, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: topic, partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata: note }] }]
  })
  return topics[0]!.partitions[0]!.errorCode
}

async function committed (broker: OpenBroker, groupId: string, partition = 0, topic = 't'): Promise<number> {
  const answer = await broker.request(ApiKey.OffsetFetch, 7, { groupId, topics: [{ name: topic, partitionIndexes: [partition] }] })
  assert.equal(answer.errorCode, 0)
  return Number(answer.topics[0]!.partitions[0]!.committedOffset)
}

async function groupIds (broker: OpenBroker): Promise<string[]> {
  const { groups } = await broker.request(ApiKey.ListGroups, 4, { statesFilter: [] })
  return groups.map(({ groupId }) => groupId).sort()
}

async function removeGroup (broker: OpenBroker, groupId: string): Promise<number> {
  return (await broker.request(ApiKey.DeleteGroups, 2, { groupsNames: [groupId] })).results[0]!.errorCode
}

function logStart (broker: OpenBroker): number { return broker.broker.services.topics.byName('__consumer_offsets')!.slot(0)!.partition!.logStartOffset }

/** Lets everything run that waits for nothing but promises. */
async function settle (): Promise<void> { for (let turn = 0; turn < 200; turn++) await Promise.resolve() }

/** Commits of another group until the log is about to be written anew: one more such commit does it. */
async function fillLog (broker: OpenBroker, count = 4): Promise<void> {
  const note = 'n'.repeat(4_000)
  for (let offset = 0; offset < count; offset++) assert.equal(await commit(broker, 'filler', offset, { note }), 0)
}
const lastFill = { note: 'n'.repeat(4_000) }

describe('what a group was told is stored', () => {
  it('stays so when its log is written anew while 50 commits are in flight', async () => {
    const opened = await open()
    const { broker, wal } = opened
    for (let partition = 0; partition < partitionCount; partition++) assert.equal(await commit(broker, 'g', 1, { partition }), 0)
    await fillLog(broker, 3)
    assert.equal(logStart(broker), 0)
    wal.hold()
    const first = commit(broker, 'filler', 9, lastFill)
    await settle()
    const inFlight = Array.from({ length: partitionCount }, (_, partition) => commit(broker, 'g', 2, { partition }))
    await settle()
    wal.release()
    assert.deepEqual([await first, ...await Promise.all(inFlight)], new Array(partitionCount + 1).fill(0))
    await settle()
    assert.ok(logStart(broker) > 0, 'the log was written anew')
    const next = await reopen(opened)
    for (let partition = 0; partition < partitionCount; partition++) assert.equal(await committed(next, 'g', partition), 2, `partition ${partition}`)
    await next.close()
  })

  it('a group whose deletion is in flight while the log is written anew does not come back', async () => {
    const opened = await open()
    const { broker, wal } = opened
    assert.equal(await commit(broker, 'g', 1), 0)
    await fillLog(broker)
    wal.hold()
    const first = commit(broker, 'filler', 9, lastFill)
    const removed = removeGroup(broker, 'g')
    await settle()
    wal.release()
    assert.deepEqual([await first, await removed], [0, 0])
    await settle()
    assert.ok(logStart(broker) > 0, 'the log was written anew')
    const next = await reopen(opened)
    assert.deepEqual(await groupIds(next), ['filler'])
    await next.close()
  })

  for (const { name, order } of [{ name: 'sent after', order: ['delete', 'commit'] }, { name: 'sent before', order: ['commit', 'delete'] }] as const) {
    it(`a commit ${name} DeleteGroups, both in flight, is seen or gone, and after a restart as before it`, async () => {
      const opened = await open()
      const { broker, wal } = opened
      assert.equal(await commit(broker, 'g', 1), 0)
      wal.hold()
      const sent = order.map(kind => kind === 'delete' ? removeGroup(broker, 'g') : commit(broker, 'g', 2))
      await settle()
      wal.release()
      assert.deepEqual(await Promise.all(sent), [0, 0])
      const want = order[1] === 'commit' ? 2 : -1
      const groups = want < 0 ? [] : ['g']
      assert.deepEqual([await committed(broker, 'g'), await groupIds(broker)], [want, groups])
      const next = await reopen(opened)
      assert.deepEqual([await committed(next, 'g'), await groupIds(next)], [want, groups])
      await next.close()
    })
  }

  it('a commit while its group expires is seen, and after a restart too', async () => {
    const opened = await open()
    const { broker, fixture, wal } = opened
    assert.equal(await commit(broker, 'g', 1), 0)
    fixture.clock.advance(60_000)
    await settle()
    wal.hold()
    fixture.clock.advance(1_500)
    await settle()
    const sent = commit(broker, 'g', 2)
    await settle()
    wal.release()
    assert.equal(await sent, 0)
    await settle()
    assert.equal(await committed(broker, 'g'), 2)
    const next = await reopen(opened)
    assert.equal(await committed(next, 'g'), 2)
    await next.close()
  })

  it('a group that became empty expires at its time, also when the broker started meanwhile', async () => {
    const opened = await open()
    const { broker, fixture } = opened
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    const { memberId } = await broker.request(ApiKey.JoinGroup, 3, {
      groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols
    })
    await broker.request(ApiKey.SyncGroup, 3, { groupId: 'g', generationId: 1, memberId, assignments: [] })
    assert.equal((await broker.request(ApiKey.LeaveGroup, 2, { groupId: 'g', memberId })).errorCode, 0)
    fixture.clock.advance(50_000)
    const next = await reopen(opened)
    assert.deepEqual(await groupIds(next), ['g'])
    for (let second = 0; second < 12; second++) {
      fixture.clock.advance(1_000)
      await settle()
    }
    assert.deepEqual(await groupIds(next), [])
    await next.close()
  })

  it('a log written anew in mid-rebalance holds the last generation that was saved', async () => {
    const opened = await open()
    const { broker } = opened
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    const ask = (memberId: string) => broker.request(ApiKey.JoinGroup, 3, { groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId, protocolType: 'consumer', protocols })
    const { memberId } = await ask('')
    await broker.request(ApiKey.SyncGroup, 3, { groupId: 'g', generationId: 1, memberId, assignments: [{ memberId, assignment: Buffer.from('mine') }] })
    void ask('')
    await settle()
    await fillLog(broker)
    assert.equal(await commit(broker, 'filler', 9, lastFill), 0)
    await settle()
    assert.ok(logStart(broker) > 0, 'the log was written anew')
    const next = await reopen(opened)
    const { groups: [found] } = await next.request(ApiKey.DescribeGroups, 5, { groups: ['g'] })
    assert.deepEqual(found!.members.map(member => [member.memberId, member.memberAssignment.toString()]), [[memberId, 'mine']])
    assert.equal((await next.request(ApiKey.Heartbeat, 4, { groupId: 'g', generationId: 1, memberId })).errorCode, 0)
    await next.close()
  })
})

describe('offsets of a topic that was deleted', () => {
  it('are not given to the topic of its name that one append made in its place', async () => {
    const opened = await open()
    const { broker, topicId } = opened
    assert.equal(await commit(broker, 'g', 5), 0)
    await broker.metadata.propose(image => ({
      records: [
        { type: 'topicDeleted', topicId, atMs: 0 },
        { type: 'topicCreated', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', name: 't', partitionCount: 1, ownerNodeId: 1, firstStreamId: image.nextStreamId, configs: {} }
      ],
      result: undefined
    }))
    await settle()
    assert.equal(await committed(broker, 'g'), -1)
    assert.equal(await commit(broker, 'g', 7), 0)
    assert.equal(await committed(broker, 'g'), 7)
    const next = await reopen(opened)
    assert.equal(await committed(next, 'g'), 7)
    await next.close()
  })

  it('are not given to a topic of its name created after a crash right behind DeleteTopics', async () => {
    const opened = await open()
    const { broker, fixture } = opened
    assert.equal(await commit(broker, 'g', 5), 0)
    const written = fixture.walMedium.records.length
    await broker.request(ApiKey.DeleteTopics, 3, { topicNames: ['t'], timeoutMs: 1_000 })
    await settle()
    // What a coordinator would write to clean up did not get into the WAL.
    fixture.walMedium.records.splice(written)
    const next = await reopen(opened)
    await next.createTopic('t')
    assert.equal(await committed(next, 'g'), -1)
    const all = await next.request(ApiKey.OffsetFetch, 7, { groupId: 'g', topics: null })
    assert.deepEqual(all.topics, [])
    await next.close()
  })

  it('are not given to a topic of its name created while groups load', async () => {
    const opened = await open()
    assert.equal(await commit(opened.broker, 'g', 5), 0)
    const next = await reopen(opened)
    // Not a turn later: its groups are being loaded.
    const deleted = next.request(ApiKey.DeleteTopics, 3, { topicNames: ['t'], timeoutMs: 1_000 })
    await deleted
    await next.createTopic('t')
    assert.equal(await committed(next, 'g'), -1)
    await next.close()
  })

  it('do not keep their group from expiring, and leave the log', async () => {
    const opened = await open()
    const { broker, fixture } = opened
    assert.equal(await commit(broker, 'g', 5), 0)
    await broker.request(ApiKey.DeleteTopics, 3, { topicNames: ['t'], timeoutMs: 1_000 })
    for (let second = 0; second < 62; second++) {
      fixture.clock.advance(1_000)
      await settle()
    }
    assert.deepEqual(await groupIds(broker), [])
    const next = await reopen(opened)
    assert.deepEqual(await groupIds(next), [])
    await next.close()
  })
})

it('an acknowledged commit is never older than one that was acknowledged before it', async () => {
  const opened = await open()
  const { broker } = opened
  for (let round = 0; round < 40; round++) {
    const sent = [0, 1, 2].map(step => commit(broker, 'g', 10 * round + step, { note: 'n'.repeat(300) }))
    assert.deepEqual(await Promise.all(sent), [0, 0, 0])
    assert.equal(await committed(broker, 'g'), 10 * round + 2)
  }
  await settle()
  const next = await reopen(opened)
  assert.equal(await committed(next, 'g'), 392)
  assert.equal(await removeGroup(next, 'absent'), KafkaErrorCode.GROUP_ID_NOT_FOUND)
  await next.close()
})

describe('a coordinator that does not know what its log holds', () => {
  it('loads it again when another writer appended to it', async () => {
    const { broker, topicId } = await open()
    assert.equal(await commit(broker, 'g', 1), 0)
    const partition = await offsetsPartition(broker)
    await partition.appendInternal(encodeBatch([storedOffset('g', 1, topicId)], { timestamp: 0 }))
    assert.equal(await commit(broker, 'g', 2, { partition: 2 }), KafkaErrorCode.COORDINATOR_NOT_AVAILABLE)
    await settle()
    assert.equal(await commit(broker, 'g', 3, { partition: 2 }), 0)
    assert.deepEqual([await committed(broker, 'g', 0), await committed(broker, 'g', 1), await committed(broker, 'g', 2)], [1, 77, 3])
    await broker.close()
  })

  const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
  const codesOfGone: Record<string, (broker: OpenBroker) => Promise<number>> = {
    OffsetFetch: async broker => (await broker.request(ApiKey.OffsetFetch, 7, { groupId: 'g', topics: null })).errorCode,
    OffsetDelete: async broker => (await broker.request(ApiKey.OffsetDelete, 0, { groupId: 'g', topics })).errorCode,
    'OffsetCommit of a generation': async broker => {
      const named = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: '' }] }]
      const answer = await broker.request(ApiKey.OffsetCommit, 8, { groupId: 'g', generationIdOrMemberEpoch: 1, memberId: 'x', topics: named })
      return answer.topics[0]!.partitions[0]!.errorCode
    },
    DeleteGroups: broker => removeGroup(broker, 'g'),
    'DescribeGroups version 5': async broker => (await broker.request(ApiKey.DescribeGroups, 5, { groups: ['g'] })).groups[0]!.errorCode,
    'DescribeGroups version 6': async broker => (await broker.request(ApiKey.DescribeGroups, 6, { groups: ['g'] })).groups[0]!.errorCode,
    ListGroups: async broker => (await broker.request(ApiKey.ListGroups, 4, { statesFilter: [] })).errorCode
  }
  for (const [name, ask] of Object.entries(codesOfGone)) {
    it(`${name} is not told that a group is gone whose deletion is in doubt`, async () => {
      const opened = await open()
      const { broker, wal } = opened
      assert.equal(await commit(broker, 'g', 1), 0)
      wal.hold()
      const sent = [commit(broker, 'g', 2), removeGroup(broker, 'g')]
      const asked = ask(broker)
      await settle()
      wal.fail()
      assert.deepEqual(await Promise.all(sent), [KafkaErrorCode.COORDINATOR_NOT_AVAILABLE, KafkaErrorCode.COORDINATOR_NOT_AVAILABLE])
      assert.equal(await asked, KafkaErrorCode.COORDINATOR_NOT_AVAILABLE)
      // The bytes were there after all: all of it happened, or had it not, none.
      const next = await reopen(opened)
      assert.equal(await committed(next, 'g'), -1)
      await next.close()
    })
  }

  it('sends members who wait to look for it again', async () => {
    const { broker, wal } = await open()
    const { memberId } = await broker.request(ApiKey.JoinGroup, 3, {
      groupId: 'm', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }]
    })
    wal.hold()
    const sent = commit(broker, 'g', 2)
    const synced = broker.request(ApiKey.SyncGroup, 3, { groupId: 'm', generationId: 1, memberId, assignments: [] })
    await settle()
    wal.fail()
    assert.equal(await sent, KafkaErrorCode.COORDINATOR_NOT_AVAILABLE)
    assert.equal((await synced).errorCode, KafkaErrorCode.NOT_COORDINATOR)
    await broker.close()
  })
})

describe('a log of an earlier version', () => {
  it('loads with nothing lost', async () => {
    const opened = await open()
    const { broker, topicId } = opened
    await broker.metadata.propose(image => ({
      records: [
        { type: 'topicDeleted', topicId, atMs: 0 },
        { type: 'topicCreated', topicId: earlierTopicId, name: 't', partitionCount: 3, ownerNodeId: 1, firstStreamId: image.nextStreamId, configs: {} }
      ],
      result: undefined
    }))
    const partition = await offsetsPartition(broker)
    for (const hex of earlierLog) await partition.appendInternal(Buffer.from(hex, 'hex'))
    const next = await reopen(opened)
    assert.deepEqual(await groupIds(next), ['g', 'm'])
    assert.deepEqual([await committed(next, 'g', 0), await committed(next, 'g', 1), await committed(next, 'm', 2)], [29, 8, 9])
    const { groups: [found] } = await next.request(ApiKey.DescribeGroups, 5, { groups: ['m'] })
    assert.deepEqual([found!.groupState, found!.protocolType, found!.protocolData], ['Stable', 'consumer', 'range'])
    const members = found!.members.map(({ clientHost, memberAssignment, memberId, memberMetadata }) => {
      return [memberId, clientHost, memberMetadata.toString(), memberAssignment.toString()]
    })
    assert.deepEqual(members, [[earlierMemberId, '/127.0.0.1', 'wants', 'gets']])
    const heartbeat = await next.request(ApiKey.Heartbeat, 4, { groupId: 'm', generationId: 1, memberId: earlierMemberId })
    assert.equal(heartbeat.errorCode, 0)
    await next.close()
  })

  it('gives offsets without a topic id to the topic that has the name at first, and to no later one', async () => {
    const opened = await open()
    const { broker } = opened
    await (await offsetsPartition(broker)).appendInternal(encodeBatch([storedOffset('g', 1), storedOffset('g', 2, undefined, 'absent')], { timestamp: 0 }))
    const next = await reopen(opened)
    assert.deepEqual([await committed(next, 'g', 1), await committed(next, 'g', 2, 'absent')], [77, -1])
    await next.request(ApiKey.DeleteTopics, 3, { topicNames: ['t'], timeoutMs: 1_000 })
    const last = await reopen(opened)
    await last.createTopic('t')
    await last.createTopic('absent', 3)
    assert.deepEqual([await committed(last, 'g', 1), await committed(last, 'g', 2, 'absent')], [-1, -1])
    await last.close()
  })

  it('keeps records of kinds that this one does not speak, also when it is written anew', async () => {
    const opened = await open()
    const { broker } = opened
    const foreign = { key: Buffer.from([0, 99, 1, 2, 3]), value: Buffer.from('of a later version') }
    await (await offsetsPartition(broker)).appendInternal(encodeBatch([foreign], { timestamp: 0 }))
    const next = await reopen(opened)
    await fillLog(next)
    assert.equal(await commit(next, 'filler', 9, lastFill), 0)
    await settle()
    assert.ok(logStart(next) > 0, 'the log was written anew')
    const partition = await offsetsPartition(next)
    const { batches } = await partition.fetch(partition.logStartOffset, { bytesMax: 2 ** 20, atLeastOneBatch: true })
    const kept = batches.flatMap(({ bytes }) => decodeRecords(bytes, 2 ** 20)).find(({ key }) => key !== null && Buffer.compare(key, foreign.key) === 0)
    assert.deepEqual(kept?.value === undefined ? undefined : Buffer.from(kept.value!), foreign.value)
    await next.close()
  })
})

function offsetsPartition (broker: OpenBroker): Promise<Partition> { return broker.broker.services.topics.byName('__consumer_offsets')!.slot(0)!.whenOpen() }

/** A commit of offset 77 as Kafka writes it; without an id, as it did before 4.0. */
function storedOffset (group: string, partition: number, topicId?: string, topic = 't'): { readonly key: Uint8Array, readonly value: Uint8Array } {
  const fields = { offset: 77, leaderEpoch: 0, metadata: '', commitTimestamp: 0 }
  return {
    key: encodeOffsetCommitKey({ group, topic, partition }),
    value: topicId === undefined ? encodeVersioned(offsetCommitValue, 3, fields) : encodeVersioned(offsetCommitValue, 4, { ...fields, topicId })
  }
}
