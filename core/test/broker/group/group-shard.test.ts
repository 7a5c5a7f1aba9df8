import assert from 'node:assert/strict'
import fc from 'fast-check'
import { StreambedError } from '@streambed/sdk'
import { VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import { GroupHandle } from '../../../src/broker/group/group-handle.ts'
import { GroupShard } from '../../../src/broker/group/group-shard.ts'
import { KafkaErrorCode } from '../../../src/protocol/error-codes.ts'
import { MemoryShardLog } from '../state-shard/memory-shard-log.ts'

const outsider = { memberId: '', groupInstanceId: null, generationId: -1 }
const options = { minSessionTimeoutMs: 6_000, maxSessionTimeoutMs: 1_800_000, maxSize: 100, initialRebalanceDelayMs: 0 }
/** Written anew all the time, a group to a piece. */
const tuning = { bytesMin: 300, rewriteFactor: 1, pieceRecords: 1, checksRewrites: true }

async function settle (): Promise<void> { for (let turn = 0; turn < 60; turn++) await Promise.resolve() }

/** Topics by name; one that is replaced gets another id. */
class Topics {
  readonly #ids = new Map<string, string>()
  #count = 0
  constructor (...names: readonly string[]) { for (const name of names) this.replace(name) }
  idOf (name: string): string | undefined { return this.#ids.get(name) }
  delete (name: string): void { this.#ids.delete(name) }
  /** Ids look like any, and are never used again. */
  replace (name: string): void { this.#ids.set(name, `${String(++this.#count).padStart(21, 'T')}A`) }
}

interface Change { readonly at: number, readonly groupId: string, readonly topic?: string, readonly offset: number, readonly topicId: string | undefined }

/** What was decided, and with which append. Offset -1 deletes; without a topic, all of the group. */
class Model {
  #changes: Change[] = []
  add (change: Change): void { this.#changes.push(change) }
  cut (appendCount: number): void { this.#changes = this.#changes.filter(({ at }) => at < appendCount) }

  committed (groupId: string, topic: string, topics: Topics): number {
    const newest = this.#changes.findLast(change => change.groupId === groupId && (change.topic === undefined || change.topic === topic))
    if (newest === undefined) return -1
    return newest.topicId === topics.idOf(topic) ? newest.offset : -1
  }
}

const name = fc.constantFrom('t', 'u')
const groupId = fc.constantFrom('g', 'h', 'i')
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('commit' as const), groupId, topic: name }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('deleteOffset' as const), groupId, topic: name }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('deleteGroup' as const), groupId }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('deleteTopic' as const, 'replaceTopic' as const), topic: name }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('confirm' as const), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'expire' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'refuse' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), survivors: fc.nat(4) }) }
)

describe('group shard', () => {
  it('whatever is committed, deleted, refused or lost in a crash: each group finds its newest commits, of topics that are there', async () => {
    let shortenedCount = 0
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async steps => {
      const { clock, logger } = testEnvironment({ clock: new VirtualClock() })
      const topics = new Topics('t', 'u')
      const model = new Model()
      const open = async (log: MemoryShardLog): Promise<GroupShard> => await GroupShard.open({
        log, clock, logger, tuning, topicIdOf: topic => topics.idOf(topic), options: () => options, newId: () => 'id'
      })
      let log = new MemoryShardLog()
      let shard = await open(log)
      let offset = 0
      /** The changes of an operation count if it was taken: then the log has grown in this turn. */
      const decide = (operate: () => Promise<unknown>, changes: (at: number) => readonly Change[]): void => {
        const at = log.history.length
        operate().catch((error: unknown) => { assert.ok(error instanceof StreambedError, String(error)) })
        if (log.history.length > at) for (const change of changes(at)) model.add(change)
      }
      for (const one of steps) {
        switch (one.kind) {
          case 'commit': {
            const topicId = topics.idOf(one.topic)
            if (topicId === undefined) break
            const value = { offset: ++offset, leaderEpoch: 0, metadata: '', committedMs: clock.wallMs(), topicId }
            decide(() => new GroupHandle(shard, one.groupId).commit(outsider, [{ topic: one.topic, partition: 0, value }]),
              at => [{ at, groupId: one.groupId, topic: one.topic, offset: value.offset, topicId }])
            break
          }
          case 'deleteOffset':
            if (shard.entry(one.groupId) === undefined) break
            decide(() => new GroupHandle(shard, one.groupId).deleteOffsets([{ topic: one.topic, partition: 0 }]),
              at => [{ at, groupId: one.groupId, topic: one.topic, offset: -1, topicId: undefined }])
            break
          case 'deleteGroup':
            decide(() => new GroupHandle(shard, one.groupId).delete(), at => [{ at, groupId: one.groupId, offset: -1, topicId: undefined }])
            break
          case 'deleteTopic': topics.delete(one.topic); break
          case 'replaceTopic': topics.replace(one.topic); break
          case 'expire': void shard.expire(1).catch(() => undefined); break
          case 'confirm': log.confirm(one.count); break
          case 'refuse': log.refusesNext = true; break
          default:
            await settle()
            log = log.afterCrash(one.survivors)
            model.cut(log.history.length)
            shard = await open(log)
        }
        await settle()
      }
      log.refusesNext = false
      for (let round = 0; round < 30; round++) {
        log.confirm()
        await settle()
      }
      if (log.startOffset > 0) shortenedCount++
      await shard.check()
      for (const reader of [shard, await open(log.afterCrash(0))]) {
        for (const group of ['g', 'h', 'i']) {
          for (const topic of ['t', 'u']) {
            const [found] = await new GroupHandle(reader, group).fetch([{ topic, partition: 0 }])
            assert.equal(found!.value?.offset ?? -1, model.committed(group, topic, topics), `${group} ${topic}`)
          }
        }
      }
      assert.equal(await new GroupHandle(shard, 'absent').delete(), KafkaErrorCode.GROUP_ID_NOT_FOUND)
    }), { numRuns: 300 })
    assert.ok(shortenedCount > 100, `shortened in ${shortenedCount} runs`)
  })
})
