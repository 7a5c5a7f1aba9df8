import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { CommitHistory, Rising, Violation } from './checker.ts'
import { refused } from './client.ts'
import { SimulatedReader } from './consumer.ts'
import type { Target } from './producer.ts'
import type { World } from './world.ts'

export const groupId = 'readers'

/** What a group was told of its commits and generations, over all members. */
export class GroupHistory {
  readonly commits: readonly CommitHistory[]
  /** Of answered SyncGroup requests: such a generation is stored. */
  readonly generation = new Rising(`generation of group ${groupId}`)
  constructor (targets: readonly Target[]) { this.commits = targets.map(({ history }) => new CommitHistory(`${groupId} ${history.name}`)) }
}

interface Membership { readonly memberId: string, readonly generationId: number, readonly assigned: readonly number[] }

/** A member of a classic group: joins, reads what it is assigned from the committed offsets on, commits, comes and goes. */
export class SimulatedMember {
  readonly #reader: SimulatedReader
  readonly #targets: readonly Target[]
  readonly #history: GroupHistory
  #memberId = ''

  constructor (world: World, name: string, targets: readonly Target[], history: GroupHistory) {
    this.#reader = new SimulatedReader(world, name)
    this.#targets = targets
    this.#history = history
  }

  async run (): Promise<void> {
    const { client } = this.#reader
    while (client.world.isChaotic) {
      const membership = await this.#join().catch((error: unknown) => { client.note(`no member: ${String(error)}`) })
      if (membership !== undefined) await this.#work(membership)
      await client.pause(20)
    }
    client.hangUp()
  }

  /** Everything committed, held against what was acknowledged. */
  async verifyCommits (): Promise<void> {
    const { client } = this.#reader
    await client.until(ApiKey.FindCoordinator, 2, () => ({ key: groupId, keyType: 0 }), ({ errorCode }) => errorCode === KafkaErrorCode.NONE)
    for (const index of this.#targets.keys()) {
      const isRead = (): Promise<boolean> => this.#committed(index).then(() => true, (error: unknown) => {
        if (error instanceof Violation) throw error
        return false
      })
      for (let attempt = 0; !await isRead(); attempt++) {
        if (attempt > 200) throw new Violation('lost-commit', `no committed offset can be read. partition=${index}`)
        await client.pause(20)
      }
    }
  }

  async #join (): Promise<Membership> {
    const { client } = this.#reader
    await client.until(ApiKey.FindCoordinator, 2, () => ({ key: groupId, keyType: 0 }), ({ errorCode }) => errorCode === KafkaErrorCode.NONE || !client.world.isChaotic)
    const owed = this.#history.generation.newest
    const joined = await client.request(ApiKey.JoinGroup, 5, {
      groupId, sessionTimeoutMs: 500, rebalanceTimeoutMs: 300, memberId: this.#memberId, groupInstanceId: null, protocolType: 'consumer', protocols: [{ name: 'range', metadata: new Uint8Array(1) }]
    })
    if (joined.errorCode === KafkaErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = joined.memberId
      return await this.#join()
    }
    if (joined.errorCode !== KafkaErrorCode.NONE) {
      if (joined.errorCode === KafkaErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = ''
      throw refused('join', joined.errorCode)
    }
    const { generationId, memberId } = joined
    client.note(`joined generation ${generationId}`)
    this.#history.generation.saw(generationId, owed)
    const members = joined.members.map(member => member.memberId)
    const assignments = members.map((id, place) => ({ memberId: id, assignment: Uint8Array.from([...this.#targets.keys()].filter(index => index % members.length === place)) }))
    const synced = await client.request(ApiKey.SyncGroup, 3, { groupId, generationId, memberId, groupInstanceId: null, assignments })
    if (synced.errorCode !== KafkaErrorCode.NONE) throw refused('sync', synced.errorCode)
    this.#history.generation.saw(generationId, owed)
    return { memberId, generationId, assigned: [...synced.assignment] }
  }

  async #work ({ assigned, generationId, memberId }: Membership): Promise<void> {
    const { client } = this.#reader
    const { random, world } = client
    try {
      const positions = new Map<number, number>()
      for (const index of assigned) positions.set(index, Math.max(await this.#committed(index), this.#targets[index]!.history.deletableBefore))
      while (world.isChaotic) {
        const wanted = [...positions].map(([index, offset]) => ({ target: this.#targets[index]!, offset }))
        if (wanted.length > 0) {
          const found = await this.#reader.fetch(wanted, { bytesMax: 1 + random.below(10_000), maxWaitMs: 20 })
          for (const [place, [index]] of [...positions].entries()) {
            const one = found[place]!
            if (!('error' in one)) positions.set(index, one.nextOffset)
            else if (one.isOutOfRange) positions.set(index, this.#targets[index]!.history.deletableBefore)
          }
        }
        for (const [index, offset] of positions) if (random.below(2) === 0) await this.#commit({ memberId, generationId, index, offset })
        const draw = random.below(40)
        if (draw === 0) return await this.#leave(memberId)
        // A crash: the group finds out by the session's end.
        if (draw === 1) return this.#forget()
        const { errorCode } = await client.request(ApiKey.Heartbeat, 2, { groupId, generationId, memberId })
        if (errorCode !== KafkaErrorCode.NONE) throw refused('heartbeat', errorCode)
        await client.pause(20)
      }
    } catch (error) {
      if (error instanceof Violation) throw error
      client.note(`member ends: ${String(error)}`)
    }
  }

  async #committed (index: number): Promise<number> {
    const { client } = this.#reader
    const { partition, topic } = this.#targets[index]!
    const check = this.#history.commits[index]!.fetching()
    const answer = await client.request(ApiKey.OffsetFetch, 5, { groupId, topics: [{ name: topic, partitionIndexes: [partition] }] })
    const found = answer.topics[0]?.partitions[0]
    if (answer.errorCode !== KafkaErrorCode.NONE || found?.errorCode !== KafkaErrorCode.NONE) throw refused('offset fetch', answer.errorCode)
    const committedOffset = Number(found.committedOffset)
    client.note(`committed of ${partition}: ${committedOffset}`)
    check(committedOffset)
    return committedOffset
  }

  async #commit ({ generationId, index, memberId, offset }: { readonly generationId: number, readonly index: number, readonly memberId: string, readonly offset: number }): Promise<void> {
    const { client } = this.#reader
    const { partition, topic } = this.#targets[index]!
    const attempt = this.#history.commits[index]!.attempt(offset)
    client.note(`commit ${partition} ${offset}`)
    try {
      const answer = await client.request(ApiKey.OffsetCommit, 6, { groupId, generationIdOrMemberEpoch: generationId, memberId, topics: [{ name: topic, partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata: null }] }] })
      const { errorCode } = answer.topics[0]!.partitions[0]!
      if (errorCode === KafkaErrorCode.NONE) attempt.stored()
      else if (errorCode === KafkaErrorCode.ILLEGAL_GENERATION || errorCode === KafkaErrorCode.UNKNOWN_MEMBER_ID || errorCode === KafkaErrorCode.REBALANCE_IN_PROGRESS) attempt.refused()
      else attempt.unknown()
    } catch (error) {
      attempt.unknown()
      throw error
    }
  }

  async #leave (memberId: string): Promise<void> {
    this.#forget()
    await this.#reader.client.request(ApiKey.LeaveGroup, 1, { groupId, memberId })
  }

  #forget (): void {
    this.#memberId = ''
    this.#reader.client.hangUp()
  }
}
