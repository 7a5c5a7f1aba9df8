import assert from 'node:assert/strict'
import fc from 'fast-check'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { Group } from '../../../src/broker/group/group.ts'
import type { JoinRequest, JoinResult, SyncResult } from '../../../src/broker/group/member.ts'
import type { Membership } from '../../../src/broker/group/membership.ts'

const options = { minSessionTimeoutMs: 6_000, maxSessionTimeoutMs: 1_800_000, maxSize: 100, initialRebalanceDelayMs: 0 }

class Fixture {
  saves = 0
  saveResult: KafkaErrorCode = KafkaErrorCode.NONE
  /** What was saved last. */
  saved: Membership | undefined
  /** While it is held, nothing that is saved becomes durable. */
  isHeld = false
  readonly held: ((nowMs: number) => void)[] = []
  nowMs = 0
  readonly group: Group
  #ids = 0
  constructor (overrides: Partial<typeof options> = {}) {
    this.group = new Group({
      groupId: 'g',
      options: () => ({ ...options, ...overrides }),
      newId: () => `id${++this.#ids}`,
      save: (membership, onDurable) => {
        this.saves++
        this.saved = membership
        if (this.saveResult !== KafkaErrorCode.NONE) return this.saveResult
        if (this.isHeld) this.held.push(onDurable)
        else void Promise.resolve().then(() => onDurable(this.nowMs))
        return KafkaErrorCode.NONE
      }
    })
  }

  join (overrides: Partial<JoinRequest> = {}): Promise<JoinResult> {
    return this.group.join({
      memberId: '',
      groupInstanceId: null,
      clientId: 'c',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      requiresKnownMemberId: false,
      supportsSkippingAssignment: true,
      ...overrides
    }, this.nowMs)
  }

  sync (joined: JoinResult, assignments: Record<string, string> = {}, groupInstanceId: string | null = null): Promise<SyncResult> {
    return this.group.sync({
      memberId: joined.memberId,
      groupInstanceId,
      generationId: joined.generationId,
      protocolType: null,
      protocolName: null,
      assignments: Object.entries(assignments).map(([memberId, text]) => ({ memberId, assignment: Buffer.from(text) }))
    }, this.nowMs)
  }

  heartbeat (joined: JoinResult): KafkaErrorCode {
    return this.group.heartbeat({ memberId: joined.memberId, groupInstanceId: null, generationId: joined.generationId }, this.nowMs)
  }

  async advance (byMs: number): Promise<void> {
    const untilMs = this.nowMs + byMs
    while (this.group.dueMs <= untilMs) {
      this.nowMs = this.group.dueMs
      this.group.onTime(this.nowMs)
      await settle()
    }
    this.nowMs = untilMs
  }
}

async function settle (): Promise<void> { for (let turn = 0; turn < 10; turn++) await Promise.resolve() }

/** Two members, in a stable group. */
async function stable (fixture: Fixture): Promise<{ readonly leader: JoinResult, readonly follower: JoinResult }> {
  const alone = await fixture.join()
  await fixture.sync(alone, { [alone.memberId]: 'all' })
  const joining = fixture.join()
  const leader = await fixture.join({ memberId: alone.memberId })
  const follower = await joining
  const follows = fixture.sync(follower)
  await fixture.sync(leader, { [leader.memberId]: 'one', [follower.memberId]: 'two' })
  assert.equal((await follows).assignment.toString(), 'two')
  return { leader, follower }
}

describe('group', () => {
  it('a lone member becomes leader of generation 1 and gets its own assignment, once that is saved', async () => {
    const fixture = new Fixture()
    const joined = await fixture.join()
    assert.equal(joined.errorCode, KafkaErrorCode.NONE)
    assert.deepEqual([joined.generationId, joined.leader, joined.members.length, joined.protocolName], [1, joined.memberId, 1, 'range'])
    assert.equal(fixture.group.state, 'CompletingRebalance')
    const synced = await fixture.sync(joined, { [joined.memberId]: 'p0' })
    assert.equal(Buffer.from(synced.assignment).toString(), 'p0')
    assert.deepEqual([fixture.group.state, fixture.saves], ['Stable', 1])
  })

  it('version 4 and later: a newcomer first gets its id and joins with it (KIP-394)', async () => {
    const fixture = new Fixture()
    const first = await fixture.join({ requiresKnownMemberId: true })
    assert.equal(first.errorCode, KafkaErrorCode.MEMBER_ID_REQUIRED)
    const joined = await fixture.join({ memberId: first.memberId, requiresKnownMemberId: true })
    assert.deepEqual([joined.errorCode, joined.memberId], [KafkaErrorCode.NONE, first.memberId])
  })

  it('an id that is not used in time is given up, and the rebalance goes on without it', async () => {
    const fixture = new Fixture()
    const required = await fixture.join({ requiresKnownMemberId: true })
    const waiting = fixture.join()
    await settle()
    assert.equal(fixture.group.state, 'PreparingRebalance', 'a pending member delays completion')
    await fixture.advance(10_000)
    assert.equal((await waiting).errorCode, KafkaErrorCode.NONE)
    assert.equal((await fixture.join({ memberId: required.memberId })).errorCode, KafkaErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('answers a join only when all members have joined; only the leader gets the list', async () => {
    const { follower, leader } = await stable(new Fixture())
    assert.deepEqual([leader.generationId, follower.generationId], [2, 2])
    assert.deepEqual([leader.members.length, follower.members.length, follower.leader], [2, 0, leader.memberId])
  })

  it('while a rebalance goes on, heartbeats say so and keep the session alive', async () => {
    const fixture = new Fixture()
    const { follower, leader } = await stable(fixture)
    void fixture.join()
    fixture.nowMs += 9_000
    assert.equal(fixture.heartbeat(leader), KafkaErrorCode.REBALANCE_IN_PROGRESS)
    assert.equal(fixture.heartbeat(follower), KafkaErrorCode.REBALANCE_IN_PROGRESS)
    await fixture.advance(9_000)
    assert.equal(fixture.group.memberCount, 3, 'nobody was dropped')
  })

  it('drops members that do not rejoin within the rebalance timeout, and goes on with the rest', async () => {
    const fixture = new Fixture()
    const { follower, leader } = await stable(fixture)
    const rejoined = fixture.join({ memberId: leader.memberId })
    for (let second = 0; second < 30; second += 5) {
      assert.equal(fixture.heartbeat(follower), KafkaErrorCode.REBALANCE_IN_PROGRESS, 'it is alive, but does not join')
      await fixture.advance(5_000)
    }
    assert.deepEqual([(await rejoined).generationId, fixture.group.memberCount], [3, 1])
  })

  it('a member that falls silent is removed and the others rebalance', async () => {
    const fixture = new Fixture()
    const { follower, leader } = await stable(fixture)
    fixture.nowMs += 6_000
    fixture.heartbeat(leader)
    await fixture.advance(5_000)
    assert.equal(fixture.heartbeat(follower), KafkaErrorCode.UNKNOWN_MEMBER_ID)
    assert.equal(fixture.heartbeat(leader), KafkaErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('the last member to leave empties the group, which is saved', async () => {
    const fixture = new Fixture()
    const joined = await fixture.join()
    await fixture.sync(joined, {})
    assert.equal(fixture.group.leave({ memberId: joined.memberId, groupInstanceId: null }, 0), KafkaErrorCode.NONE)
    assert.deepEqual([fixture.group.state, fixture.saves, fixture.group.dueMs], ['Empty', 2, Infinity])
  })

  it('the first rebalance of an empty group waits for more members, a little longer with each', async () => {
    const fixture = new Fixture({ initialRebalanceDelayMs: 3_000 })
    const first = fixture.join()
    await fixture.advance(2_000)
    const second = fixture.join()
    await fixture.advance(2_000)
    assert.equal(fixture.group.state, 'PreparingRebalance')
    await fixture.advance(1_000)
    assert.deepEqual([(await first).generationId, (await second).generationId], [1, 1])
  })

  it('a static member that comes back keeps the generation; its old id is fenced', async () => {
    const fixture = new Fixture()
    const joined = await fixture.join({ groupInstanceId: 'i1' })
    await fixture.sync(joined, { [joined.memberId]: 'p0' }, 'i1')
    const back = await fixture.join({ groupInstanceId: 'i1' })
    assert.deepEqual([back.errorCode, back.generationId, back.skipAssignment, back.members.length], [KafkaErrorCode.NONE, 1, true, 1])
    assert.notEqual(back.memberId, joined.memberId)
    const fenced = fixture.group.heartbeat({ memberId: joined.memberId, groupInstanceId: 'i1', generationId: 1 }, 0)
    assert.equal(fenced, KafkaErrorCode.FENCED_INSTANCE_ID)
    assert.equal(Buffer.from((await fixture.sync(back, {}, 'i1')).assignment).toString(), 'p0')
  })

  it('an assignment that cannot be saved is given to nobody', async () => {
    const fixture = new Fixture()
    const joined = await fixture.join()
    fixture.saveResult = KafkaErrorCode.COORDINATOR_NOT_AVAILABLE
    const synced = await fixture.sync(joined, { [joined.memberId]: 'p0' })
    assert.deepEqual([synced.errorCode, synced.assignment.length], [KafkaErrorCode.COORDINATOR_NOT_AVAILABLE, 0])
    assert.equal(fixture.group.state, 'PreparingRebalance')
  })

  it('nothing of an assignment shows before it is durable; the log gets it whole', async () => {
    const fixture = new Fixture()
    const joined = await fixture.join()
    fixture.isHeld = true
    let isAnswered = false
    const synced = fixture.sync(joined, { [joined.memberId]: 'p0' }).finally(() => { isAnswered = true })
    await settle()
    assert.deepEqual([fixture.group.state, isAnswered, [...fixture.group.members][0]!.assignment.length], ['CompletingRebalance', false, 0])
    assert.deepEqual(fixture.saved!.members.map(({ assignment }) => Buffer.from(assignment).toString()), ['p0'])
    fixture.held.shift()!(fixture.nowMs)
    assert.equal(Buffer.from((await synced).assignment).toString(), 'p0')
  })

  it('an assignment that becomes durable after its rebalance was overtaken is given to nobody', async () => {
    const fixture = new Fixture()
    const joined = await fixture.join()
    fixture.isHeld = true
    const synced = fixture.sync(joined, { [joined.memberId]: 'p0' })
    void fixture.join()
    assert.equal((await synced).errorCode, KafkaErrorCode.REBALANCE_IN_PROGRESS)
    fixture.held.shift()!(fixture.nowMs)
    assert.equal(fixture.group.state, 'PreparingRebalance')
    assert.equal(fixture.heartbeat(joined), KafkaErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('a static member whose new id cannot be saved keeps the old one; one whose group ends meanwhile is told so', async () => {
    const fixture = new Fixture()
    const joined = await fixture.join({ groupInstanceId: 'i1' })
    await fixture.sync(joined, { [joined.memberId]: 'p0' }, 'i1')
    fixture.saveResult = KafkaErrorCode.COORDINATOR_NOT_AVAILABLE
    assert.equal((await fixture.join({ groupInstanceId: 'i1' })).errorCode, KafkaErrorCode.COORDINATOR_NOT_AVAILABLE)
    assert.equal(fixture.group.heartbeat({ memberId: joined.memberId, groupInstanceId: 'i1', generationId: 1 }, 0), KafkaErrorCode.NONE)
    fixture.saveResult = KafkaErrorCode.NONE
    fixture.isHeld = true
    const back = fixture.join({ groupInstanceId: 'i1' })
    fixture.group.kill(KafkaErrorCode.NOT_COORDINATOR)
    assert.equal((await back).errorCode, KafkaErrorCode.NOT_COORDINATOR)
  })

  it('members that never sync are removed', async () => {
    const fixture = new Fixture()
    const alone = await fixture.join()
    await fixture.sync(alone, {})
    const other = fixture.join()
    const leader = await fixture.join({ memberId: alone.memberId })
    const follower = await other
    const waits = fixture.sync(follower)
    fixture.nowMs += 5_000
    // The leader stays alive but never assigns.
    for (let second = 0; second < 30; second += 5) { fixture.heartbeat(leader); await fixture.advance(5_000) }
    assert.equal((await waits).errorCode, KafkaErrorCode.REBALANCE_IN_PROGRESS)
    assert.equal(fixture.heartbeat(leader), KafkaErrorCode.UNKNOWN_MEMBER_ID)
  })

  const refusals: { readonly name: string, readonly request: Partial<JoinRequest>, readonly code: KafkaErrorCode }[] = [
    { name: 'a session timeout out of range', request: { sessionTimeoutMs: 10 }, code: KafkaErrorCode.INVALID_SESSION_TIMEOUT },
    { name: 'no protocols', request: { protocols: [] }, code: KafkaErrorCode.INCONSISTENT_GROUP_PROTOCOL },
    { name: 'another protocol type', request: { protocolType: 'connect' }, code: KafkaErrorCode.INCONSISTENT_GROUP_PROTOCOL },
    { name: 'no protocol in common', request: { protocols: [{ name: 'sticky', metadata: Buffer.alloc(0) }] }, code: KafkaErrorCode.INCONSISTENT_GROUP_PROTOCOL },
    { name: 'an id that it does not know', request: { memberId: 'nobody' }, code: KafkaErrorCode.UNKNOWN_MEMBER_ID }
  ]
  for (const { code, name, request } of refusals) {
    it(`refuses a join with ${name}, and nothing changes`, async () => {
      const fixture = new Fixture()
      const { leader } = await stable(fixture)
      assert.equal((await fixture.join(request)).errorCode, code)
      assert.equal(fixture.heartbeat(leader), KafkaErrorCode.NONE)
    })
  }

  it('commits: outsiders only into empty groups, members only of this generation and not while assignments are made', async () => {
    const fixture = new Fixture()
    const outsider = { memberId: '', groupInstanceId: null, generationId: -1 }
    assert.equal(fixture.group.validateCommit(outsider, 0), KafkaErrorCode.NONE)
    const joined = await fixture.join()
    const member = { memberId: joined.memberId, groupInstanceId: null, generationId: 1 }
    assert.equal(fixture.group.validateCommit(member, 0), KafkaErrorCode.REBALANCE_IN_PROGRESS)
    await fixture.sync(joined, {})
    assert.equal(fixture.group.validateCommit(member, 0), KafkaErrorCode.NONE)
    assert.equal(fixture.group.validateCommit({ ...member, generationId: 0 }, 0), KafkaErrorCode.ILLEGAL_GENERATION)
    assert.equal(fixture.group.validateCommit(outsider, 0), KafkaErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('whatever members do, every waiting answer comes, generations only grow, and at most one member leads', async () => {
    const actions = fc.array(fc.record({ kind: fc.constantFrom('join', 'rejoin', 'sync', 'leave', 'time'), who: fc.nat(4), ms: fc.integer({ min: 1, max: 20_000 }) }), { maxLength: 60 })
    await fc.assert(fc.asyncProperty(actions, async steps => {
      const fixture = new Fixture()
      const known: JoinResult[] = []
      const waiting: Promise<unknown>[] = []
      let generation = 0
      for (const { kind, ms, who } of steps) {
        const member = known[who % Math.max(1, known.length)]
        if (kind === 'join') waiting.push(fixture.join().then(joined => { if (joined.errorCode === 0) known.push(joined) }))
        else if (kind === 'time') await fixture.advance(ms)
        else if (member === undefined) continue
        else if (kind === 'rejoin') waiting.push(fixture.join({ memberId: member.memberId }).then(joined => { if (joined.errorCode === 0) known[known.indexOf(member)] = joined }))
        else if (kind === 'sync') waiting.push(fixture.sync(member, {}))
        else fixture.group.leave({ memberId: member.memberId, groupInstanceId: null }, fixture.nowMs)
        await settle()
        assert.ok(fixture.group.generationId >= generation)
        generation = fixture.group.generationId
        if (fixture.group.state === 'Stable') assert.ok([...fixture.group.members].some(({ memberId }) => memberId === fixture.group.leaderId))
      }
      // With nobody talking any more, time answers everybody.
      for (let round = 0; round < 20; round++) await fixture.advance(31_000)
      await Promise.all(waiting)
      assert.equal(fixture.group.state, 'Empty')
    }), { numRuns: 300 })
  })
})
