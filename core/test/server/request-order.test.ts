import assert from 'node:assert/strict'
import { quietLogger } from '@streambed/sdk/node'
import { sleep, type MetadataLog, type Wal } from '@streambed/sdk'
import { decodeResponse, encodeRequest } from '../../src/protocol/frames.ts'
import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { ApiKey, type RequestInputOf, type ResponseOf } from '../../src/protocol/messages/apis.ts'
import { encodeBatch } from '../../src/protocol/records/encode-batch.ts'
import type { Connection } from '../../src/runtime/network.ts'
import { defaultServerLimits } from '../../src/server/limits.ts'
import { Server } from '../../src/server/server.ts'
import { BrokerFixture, listener, type OpenBroker } from '../broker/broker-fixture.ts'
import { MemoryNetwork } from '../support/memory-network.ts'

const appendMs = 20
const port = 9_092
const kafka = { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '1' }
/** Long enough for all that waits for the WAL alone. */
const whileMs = appendMs * 4

/** A broker behind a server, on a WAL and a metadata log that take their time, and a client that sends several requests before it reads an answer. */
class Fixture implements AsyncDisposable {
  readonly storage = new BrokerFixture()
  readonly network = new MemoryNetwork({ clock: this.storage.clock, latencyMs: () => 1 })
  broker!: OpenBroker
  server!: Server

  async open (): Promise<this> {
    const { clock } = this.storage
    this.storage.wrapWal = wal => slowed(wal, () => sleep(clock, appendMs))
    this.storage.wrapMetadataLog = log => slowed(log, () => sleep(clock, appendMs))
    this.broker = await this.settled(this.storage.open({ kafka }))
    await this.settled(this.broker.createTopic('t'))
    await this.settled(this.broker.request(ApiKey.FindCoordinator, 4, { coordinatorKeys: ['g'] }))
    this.server = await Server.open({ network: this.network, clock, logger: quietLogger, limits: defaultServerLimits }, [{ name: listener, host: '', port }])
    this.server.serve((frame, context) => this.broker.broker.dispatch(frame, context))
    return this
  }

  async client (): Promise<Client> { return new Client(await this.settled(this.network.connect({ host: '', port }))) }

  /** What comes of `promise` while time goes on. */
  async settled<T> (promise: Promise<T>): Promise<T> {
    let isOver = false
    const over = (): void => { isOver = true }
    promise.then(over, over)
    for (let step = 0; step < 1_000 && !isOver; step++) await this.storage.clock.run(appendMs)
    assert.ok(isOver, 'nothing came of it')
    return await promise
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.settled(this.server.close({ drainMsMax: 0 }))
    await this.settled(this.broker.close())
  }
}

class Client {
  readonly connection: Connection
  readonly #waiting: { readonly apiKey: ApiKey, readonly version: number, readonly resolve: (body: never) => void }[] = []
  answeredCount = 0

  constructor (connection: Connection) {
    this.connection = connection
    const reader = new FrameReader({
      frameBytesMax: 2 ** 20,
      onFrame: frame => {
        const { apiKey, resolve, version } = this.#waiting.shift()!
        this.answeredCount++
        resolve(decodeResponse(apiKey, version, Uint8Array.from(frame)).body as never)
      }
    })
    connection.start({ onData: bytes => { reader.push(bytes) }, onDrained: () => undefined, onClosed: () => undefined })
  }

  request<K extends ApiKey> (apiKey: K, version: number, body: RequestInputOf<K>): Promise<ResponseOf<K>> {
    return new Promise(resolve => {
      this.#waiting.push({ apiKey, version, resolve: resolve as (body: never) => void })
      this.connection.write([encodeRequest(apiKey, version, this.#waiting.length, 'test', body)])
    })
  }

  produce (value: string, acks = -1): Promise<ResponseOf<typeof ApiKey.Produce>> {
    const body = { transactionalId: null, acks, timeoutMs: 1_000, topicData: [{ name: 't', partitionData: [{ index: 0, records: encodeBatch([{ value: Buffer.from(value) }], { timestamp: 1 }) }] }] }
    if (acks !== 0) return this.request(ApiKey.Produce, 9, body)
    this.connection.write([encodeRequest(ApiKey.Produce, 9, 0, 'test', body)])
    return new Promise(() => undefined)
  }

  async latest (): Promise<number> {
    const { topics } = await this.request(ApiKey.ListOffsets, 5, { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] })
    return topics[0]!.partitions[0]!.offset
  }

  async commit (committedOffset: number, { generationId = -1, groupId = 'g', memberId = '' } = {}): Promise<number> {
    const { topics } = await this.request(ApiKey.OffsetCommit, 8, { groupId, generationIdOrMemberEpoch: generationId, memberId, topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] }] })
    return topics[0]!.partitions[0]!.errorCode
  }

  async committed (groupId = 'g'): Promise<number> {
    const { topics } = await this.request(ApiKey.OffsetFetch, 7, { groupId, topics: [{ name: 't', partitionIndexes: [0] }] })
    return Number(topics[0]!.partitions[0]!.committedOffset)
  }

  fetch (fetchOffset: number, maxWaitMs: number): Promise<ResponseOf<typeof ApiKey.Fetch>> {
    return this.request(ApiKey.Fetch, 11, {
      maxWaitMs, minBytes: 1, maxBytes: 2 ** 20, isolationLevel: 0, sessionId: 0, sessionEpoch: -1, topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 2 ** 20 }] }]
    })
  }

  async join (memberId = ''): Promise<ResponseOf<typeof ApiKey.JoinGroup>> {
    return await this.request(ApiKey.JoinGroup, 3, { groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, memberId, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }] })
  }

  async heartbeat (generationId: number, memberId: string): Promise<number> {
    return (await this.request(ApiKey.Heartbeat, 3, { groupId: 'g', generationId, memberId })).errorCode
  }
}

/** Appends are in order, and told late. */
function slowed<L extends Wal | MetadataLog> (log: L, pause: () => Promise<void>): L {
  return new Proxy(log, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (name === 'append' && typeof value === 'function') {
        return async (...args: unknown[]) => {
          const position: unknown = await Reflect.apply(value, target, args)
          await pause()
          return position
        }
      }
      return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value
    }
  })
}

const rounds = 50

describe('requests of one connection, sent without waiting for answers', () => {
  it('ListOffsets sees what was produced before it', async () => {
    await using fixture = await new Fixture().open()
    const client = await fixture.client()
    const seen = Array.from({ length: rounds }, () => {
      void client.produce('x')
      return client.latest()
    })
    assert.deepEqual(await fixture.settled(Promise.all(seen)), Array.from({ length: rounds }, (_, index) => index + 1))
  })

  it('ListOffsets sees what was produced before it without an answer, and not what was produced after it', async () => {
    await using fixture = await new Fixture().open()
    const client = await fixture.client()
    void client.produce('x', 0)
    void client.produce('x', 0)
    const first = client.latest()
    void client.produce('x', 0)
    assert.deepEqual(await fixture.settled(Promise.all([first, client.latest()])), [2, 3])
  })

  it('Fetch sees what was produced before it, without waiting for more', async () => {
    await using fixture = await new Fixture().open()
    const client = await fixture.client()
    void client.produce('x')
    const { responses } = await fixture.settled(client.fetch(0, 0))
    assert.equal(responses[0]!.partitions[0]!.highWatermark, 1)
  })

  it('OffsetFetch sees the commit before it, and of several the last', async () => {
    await using fixture = await new Fixture().open()
    const client = await fixture.client()
    const seen = Array.from({ length: rounds }, (_, index) => {
      void client.commit(index * 2)
      void client.commit(index * 2 + 1)
      return client.committed()
    })
    assert.deepEqual(await fixture.settled(Promise.all(seen)), Array.from({ length: rounds }, (_, index) => index * 2 + 1))
  })

  it('topics are there for what comes behind their creation, and gone behind their deletion', async () => {
    await using fixture = await new Fixture().open()
    const client = await fixture.client()
    const topics = [{ name: 'n', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    const seen = async (): Promise<number> => {
      const { topics: [topic] } = await client.request(ApiKey.DescribeTopicPartitions, 0, { topics: [{ name: 'n' }], responsePartitionLimit: 10 })
      return topic!.errorCode
    }
    const codes: Promise<number>[] = []
    for (let round = 0; round < 5; round++) {
      void client.request(ApiKey.CreateTopics, 4, { topics, timeoutMs: 1_000, validateOnly: false })
      codes.push(seen())
      void client.request(ApiKey.DeleteTopics, 4, { topicNames: ['n'], timeoutMs: 1_000 })
      codes.push(seen())
    }
    const { NONE, UNKNOWN_TOPIC_OR_PARTITION } = KafkaErrorCode
    assert.deepEqual(await fixture.settled(Promise.all(codes)), Array.from({ length: 5 }, () => [NONE, UNKNOWN_TOPIC_OR_PARTITION]).flat())
  })

  it('produce stays pipelined: as many as are sent take one append, and keep their order', async () => {
    await using fixture = await new Fixture().open()
    const client = await fixture.client()
    const { clock } = fixture.storage
    const startMs = clock.monotonicMs()
    const answers = Array.from({ length: 100 }, () => client.produce('x'))
    const offsets = (await fixture.settled(Promise.all(answers))).map(({ responses }) => responses[0]!.partitionResponses[0]!.baseOffset)
    assert.deepEqual(offsets, Array.from({ length: 100 }, (_, index) => index))
    assert.ok(clock.monotonicMs() - startMs <= appendMs * 4, 'no append waited for another')
  })

  it('a long poll of Fetch holds back nothing behind it, and is woken by it', async () => {
    await using fixture = await new Fixture().open()
    const client = await fixture.client()
    const { clock } = fixture.storage
    const startMs = clock.monotonicMs()
    const fetched = client.fetch(0, 60_000)
    void client.produce('x')
    const latest = client.latest()
    const { responses } = await fixture.settled(fetched)
    assert.equal(responses[0]!.partitions[0]!.highWatermark, 1)
    assert.equal(await fixture.settled(latest), 1)
    assert.ok(clock.monotonicMs() - startMs < 1_000, 'nobody waited for the time of the poll')
  })

  it('a member that waits for others to join is alive by its heartbeats, and LeaveGroup behind its join ends the wait', async () => {
    await using fixture = await new Fixture().open()
    const [first, second] = [await fixture.client(), await fixture.client()]
    const { generationId, memberId } = await fixture.settled(first.join())
    await fixture.settled(first.request(ApiKey.SyncGroup, 2, { groupId: 'g', generationId, memberId, assignments: [{ memberId, assignment: Buffer.alloc(0) }] }))
    // The first does not join again: the second waits for it, and so does all that it asks for behind its join.
    const joining = second.join()
    const group = second.request(ApiKey.DescribeGroups, 4, { groups: ['g'] })
    await fixture.storage.clock.run(whileMs)
    assert.equal(second.answeredCount, 0, 'answers come in the order of the requests')
    const { groups: [seen] } = await fixture.settled(first.request(ApiKey.DescribeGroups, 4, { groups: ['g'] }))
    assert.equal(seen!.members.length, 2)
    const [other] = seen!.members.filter(member => member.memberId !== memberId)
    const left = second.request(ApiKey.LeaveGroup, 2, { groupId: 'g', memberId: other!.memberId })
    const commit = second.commit(7)
    const [answer, described, { errorCode }, code] = await fixture.settled(Promise.all([joining, group, left, commit]))
    assert.equal(answer.errorCode, KafkaErrorCode.UNKNOWN_MEMBER_ID, 'it left')
    assert.equal(described.groups[0]!.members.length, 2, 'the join had taken effect')
    assert.equal(errorCode, KafkaErrorCode.NONE)
    assert.equal(code, KafkaErrorCode.UNKNOWN_MEMBER_ID, 'commits without a member are refused while there are members')
  })

  it('a follower that waits for its assignment holds back nothing; what comes behind the leader\'s finds the group stable', async () => {
    await using fixture = await new Fixture().open()
    const [leader, follower] = [await fixture.client(), await fixture.client()]
    const alone = await fixture.settled(leader.join())
    const joining = follower.join()
    await fixture.storage.clock.run(whileMs)
    const [led, followed] = await fixture.settled(Promise.all([leader.join(alone.memberId), joining]))
    const syncing = follower.request(ApiKey.SyncGroup, 2, { groupId: 'g', generationId: followed.generationId, memberId: followed.memberId, assignments: [] })
    const beat = follower.heartbeat(followed.generationId, followed.memberId)
    const committed = follower.commit(3, { groupId: 'h' })
    await fixture.storage.clock.run(whileMs)
    assert.equal(await fixture.settled(leader.committed('h')), 3, 'the commit behind the sync that waits has taken effect')
    const assignments = [led, followed].map(({ memberId }) => ({ memberId, assignment: Buffer.from(memberId) }))
    void leader.request(ApiKey.SyncGroup, 2, { groupId: 'g', generationId: led.generationId, memberId: led.memberId, assignments })
    const { groups: [group] } = await fixture.settled(leader.request(ApiKey.DescribeGroups, 4, { groups: ['g'] }))
    assert.equal(group!.groupState, 'Stable')
    const [assigned, beatCode, commitCode] = await fixture.settled(Promise.all([syncing, beat, committed]))
    assert.deepEqual([Buffer.from(assigned.assignment).toString(), beatCode, commitCode], [followed.memberId, 0, 0])
  })

  it('what waits is served although its client has hung up, as a leave behind the last commit', async () => {
    await using fixture = await new Fixture().open()
    const [client, other] = [await fixture.client(), await fixture.client()]
    const { generationId, memberId } = await fixture.settled(client.join())
    await fixture.settled(client.request(ApiKey.SyncGroup, 2, { groupId: 'g', generationId, memberId, assignments: [] }))
    void client.commit(5, { generationId, memberId })
    void client.request(ApiKey.LeaveGroup, 2, { groupId: 'g', memberId })
    await fixture.storage.clock.run(2)
    client.connection.destroy()
    await fixture.storage.clock.run(whileMs * 2)
    const { groups: [group] } = await fixture.settled(other.request(ApiKey.DescribeGroups, 4, { groups: ['g'] }))
    assert.deepEqual([group!.groupState, await fixture.settled(other.committed())], ['Empty', 5])
  })
})
