import assert from 'node:assert/strict'
import { kafkaErrorName } from '../../src/protocol/index.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import type { KafkaConnection } from '../../src/client/kafka-connection.ts'
import { retriable, type Whereabouts } from './workload.ts'

export interface CommitterOptions {
  readonly group: string
  readonly topic: string
  readonly where: Whereabouts
  /** A member of a group that rebalances; else a client that only commits. */
  readonly isMember: boolean
}

interface Membership { readonly memberId: string, readonly generationId: number }

const sessionTimeoutMs = 10_000
const protocol = { name: 'range', metadata: Buffer.alloc(4) }
/** UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS: join again. */
const lostMembership = new Set([25, 22, 27])
const memberIdRequired = 79

/** Commits 1, 2, 3 … and checks after every reconnection that no acknowledged commit was forgotten. Gives the last one. */
export async function runCommitter (options: CommitterOptions): Promise<{ readonly acknowledged: number, readonly joins: number }> {
  const { group, isMember, where } = options
  let acknowledged = 0
  let sent = 0
  let joins = 0
  let membership: Membership = { memberId: '', generationId: -1 }
  await where.whileConnected(group, async connection => {
    await findCoordinator(connection, group)
    await checkCommitted(connection, options, acknowledged, sent)
    while (!where.isOver) {
      if (isMember && membership.generationId < 0) {
        membership = await join(connection, group, membership.memberId)
        joins++
      }
      sent++
      const code = await commit(connection, options, membership, sent)
      if (code === 0) acknowledged = sent
      else if (isMember && lostMembership.has(code)) membership = { memberId: code === 25 ? '' : membership.memberId, generationId: -1 }
      else assert.ok(retriable.has(code), `${group}: commit failed: ${kafkaErrorName(code)}`)
    }
    await checkCommitted(connection, options, acknowledged, sent)
  })
  return { acknowledged, joins }
}

async function checkCommitted (connection: KafkaConnection, { group, topic }: CommitterOptions, acknowledged: number, sent: number): Promise<void> {
  for (;;) {
    const response = await connection.request(ApiKey.OffsetFetch, 5, { groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] })
    const partition = response.topics[0]?.partitions[0]
    const code = response.errorCode === 0 ? partition!.errorCode : response.errorCode
    if (retriable.has(code)) continue
    assert.equal(code, 0, `${group}: offset fetch failed: ${kafkaErrorName(code)}`)
    const found = Math.max(0, Number(partition!.committedOffset))
    assert.ok(found >= acknowledged && found <= sent, `${group}: committed ${found}, acknowledged ${acknowledged}, sent ${sent}`)
    return
  }
}

async function findCoordinator (connection: KafkaConnection, key: string): Promise<void> {
  for (;;) {
    const { errorCode } = await connection.request(ApiKey.FindCoordinator, 2, { key, keyType: 0 })
    if (errorCode === 0) return
    assert.ok(retriable.has(errorCode), `FindCoordinator failed: ${kafkaErrorName(errorCode)}`)
  }
}

async function join (connection: KafkaConnection, groupId: string, knownId: string): Promise<Membership> {
  for (let memberId = knownId; ;) {
    const joined = await connection.request(ApiKey.JoinGroup, 5, { groupId, sessionTimeoutMs, rebalanceTimeoutMs: sessionTimeoutMs, memberId, protocolType: 'consumer', protocols: [protocol] })
    if (joined.errorCode === memberIdRequired) memberId = joined.memberId
    else if (joined.errorCode === 25) memberId = ''
    else if (joined.errorCode === 0) {
      const { generationId } = joined
      memberId = joined.memberId
      const assignments = joined.leader === memberId ? [{ memberId, assignment: Buffer.from(memberId) }] : []
      const synced = await connection.request(ApiKey.SyncGroup, 3, { groupId, generationId, memberId, assignments })
      if (synced.errorCode === 0) {
        if (assignments.length > 0) assert.equal(Buffer.from(synced.assignment).toString(), memberId)
        return { memberId, generationId }
      }
      assert.ok(retriable.has(synced.errorCode) || lostMembership.has(synced.errorCode), `${groupId}: sync failed: ${kafkaErrorName(synced.errorCode)}`)
    } else assert.ok(retriable.has(joined.errorCode) || lostMembership.has(joined.errorCode), `${groupId}: join failed: ${kafkaErrorName(joined.errorCode)}`)
  }
}

async function commit (connection: KafkaConnection, { group, topic }: CommitterOptions, { generationId, memberId }: Membership, offset: number): Promise<number> {
  const response = await connection.request(ApiKey.OffsetCommit, 7, {
    groupId: group, generationIdOrMemberEpoch: generationId, memberId,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }] }]
  })
  return response.topics[0]!.partitions[0]!.errorCode
}
