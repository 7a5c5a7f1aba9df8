import { KafkaErrorCode } from '../../src/protocol/error-codes.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'
import { SimulatedAdmin } from './admin.ts'
import { OffsetHistory, Violation, type Attempt } from './checker.ts'
import { SimulatedClient } from './client.ts'
import type { World } from './world.ts'

const partitionCount = 3
const commitVersions = [2, 6, 8, 9]
const fetchVersions = [5, 7]
const attemptsMax = 200

/**
 * A group without members, and a topic, that nobody else uses: commits many at once, deletes the group and single offsets among
 * them, and lets the topic be another one of the same name now and then.
 */
export class SimulatedCommitter {
  readonly #client: SimulatedClient
  readonly #admin: SimulatedAdmin
  readonly #name: string
  readonly #histories: readonly OffsetHistory[]
  #nextOffset = 1

  constructor (world: World, name: string) {
    this.#client = new SimulatedClient(world, name)
    this.#admin = new SimulatedAdmin(world, `${name} admin`)
    this.#name = name
    this.#histories = Array.from({ length: partitionCount }, (_, partition) => new OffsetHistory(`${name}-${partition}`))
  }

  async run (): Promise<void> {
    const { random, world } = this.#client
    await this.#admin.create(this.#name, partitionCount)
    while (world.isChaotic) {
      await this.#findCoordinator()
      const sent: Promise<void>[] = []
      for (let count = 1 + random.below(8); count > 0; count--) {
        const draw = random.below(12)
        // On two connections: those of one would wait for each other.
        if (draw === 0) sent.push(this.#deleteGroup(), this.#commit(random.below(partitionCount)))
        else if (draw === 1) sent.push(this.#deleteOffset(random.below(partitionCount)))
        else sent.push(this.#commit(random.below(partitionCount)))
        if (draw === 2) sent.push(this.#check(random.below(partitionCount)).then(() => undefined, ignoreTrouble))
      }
      await Promise.all(sent)
      const partition = random.below(partitionCount)
      const found = await this.#check(partition).catch(ignoreTrouble)
      if (found !== undefined) this.#histories[partition]!.observed(found)
      if (random.below(6) === 0) await this.#replaceTopic()
      await this.#client.pause(15)
    }
  }

  /** What is committed now, held against what was acknowledged; the second time and later, against the first. */
  async verify (): Promise<void> {
    await this.#findCoordinator()
    for (const [partition, history] of this.#histories.entries()) {
      for (let attempt = 0; ; attempt++) {
        const found = await this.#check(partition).catch(ignoreTrouble)
        if (found !== undefined) {
          history.fix(found)
          break
        }
        if (attempt > attemptsMax) throw new Violation('stuck', `no committed offset can be read. group=${this.#name} partition=${partition}`)
        await this.#client.pause(20)
      }
    }
  }

  async deleteTopic (): Promise<void> { await this.#admin.delete(this.#name) }

  async #findCoordinator (): Promise<void> {
    await this.#client.until(ApiKey.FindCoordinator, 2, () => ({ key: this.#name, keyType: 0 }), ({ errorCode }) => errorCode === KafkaErrorCode.NONE)
  }

  async #replaceTopic (): Promise<void> {
    const deletions = this.#histories.map(history => history.attempt(-1))
    await this.#admin.delete(this.#name)
    for (const deletion of deletions) deletion.stored()
    await this.#admin.create(this.#name, partitionCount)
  }

  async #commit (partition: number): Promise<void> {
    const offset = this.#nextOffset++
    const attempt = this.#histories[partition]!.attempt(offset)
    const version = commitVersions[this.#client.random.below(commitVersions.length)]!
    const committedMetadata = 'm'.repeat(this.#client.random.below(100))
    this.#client.note(`commit ${partition} ${offset}`)
    const answer = await this.#client.request(ApiKey.OffsetCommit, version, {
      groupId: this.#name,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ name: this.#name, partitions: [{ partitionIndex: partition, committedOffset: offset, committedMetadata }] }]
    }).catch(() => undefined)
    settle(attempt, answer?.topics[0]!.partitions[0]!.errorCode, [])
    this.#client.note(`commit ${partition} ${offset}: ${attempt.outcome}`)
  }

  async #deleteGroup (): Promise<void> {
    const attempts = this.#histories.map(history => history.attempt(-1))
    this.#client.note('delete group')
    const answer = await this.#admin.client.request(ApiKey.DeleteGroups, 1, { groupsNames: [this.#name] }).catch(() => undefined)
    // A group that is not there has no offsets either.
    for (const attempt of attempts) settle(attempt, answer?.results[0]!.errorCode, [KafkaErrorCode.GROUP_ID_NOT_FOUND])
    this.#client.note(`delete group: ${attempts[0]!.outcome}`)
  }

  async #deleteOffset (partition: number): Promise<void> {
    const attempt = this.#histories[partition]!.attempt(-1)
    const answer = await this.#admin.client.request(ApiKey.OffsetDelete, 0, {
      groupId: this.#name, topics: [{ name: this.#name, partitions: [{ partitionIndex: partition }] }]
    }).catch(() => undefined)
    const ofGroup = answer?.errorCode
    const errorCode = ofGroup === KafkaErrorCode.NONE ? answer!.topics[0]!.partitions[0]!.errorCode : ofGroup
    settle(attempt, errorCode, [KafkaErrorCode.GROUP_ID_NOT_FOUND])
    this.#client.note(`delete offset ${partition}: ${attempt.outcome}`)
  }

  /** Rejects when there is no answer. */
  async #check (partition: number): Promise<number> {
    const check = this.#histories[partition]!.fetching()
    const version = fetchVersions[this.#client.random.below(fetchVersions.length)]!
    const answer = await this.#client.request(ApiKey.OffsetFetch, version, {
      groupId: this.#name, topics: [{ name: this.#name, partitionIndexes: [partition] }]
    })
    if (answer.errorCode !== KafkaErrorCode.NONE) throw new Error(`offset fetch: ${answer.errorCode}`)
    const committedOffset = Number(answer.topics[0]!.partitions[0]!.committedOffset)
    this.#client.note(`committed of ${partition}: ${committedOffset}`)
    check(committedOffset)
    return committedOffset
  }
}

function ignoreTrouble (error: unknown): undefined {
  if (error instanceof Violation) throw error
  return undefined
}

/** Whatever error it is told, but a refusal for what it asked, a client does not know what became of its request. */
function settle (attempt: Attempt, errorCode: number | undefined, alsoDone: readonly KafkaErrorCode[]): void {
  if (errorCode === KafkaErrorCode.NONE || alsoDone.includes(errorCode as KafkaErrorCode)) attempt.stored()
  else attempt.unknown()
}
