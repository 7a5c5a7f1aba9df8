import assert from 'node:assert/strict'
import { SeededRandom } from '@streambed/sdk/testing'
import { effectsOf } from '../../src/broker/request-effects.ts'
import { RequestOrder, type Turn } from '../../src/broker/request-order.ts'
import { ApiKey } from '../../src/protocol/messages/apis.ts'

const keys = Object.values(ApiKey)
const nameOf = new Map(Object.entries(ApiKey).map(([name, apiKey]) => [apiKey, name]))

/** What is started, in order, by the names that a test gives its requests. */
class Started {
  readonly order = new RequestOrder()
  readonly names: string[] = []
  readonly turns = new Map<string, Turn>()

  add (name: string, apiKey: number): void {
    this.order.add(apiKey, turn => {
      this.names.push(name)
      this.turns.set(name, turn)
    })
  }

  settle (name: string): void { this.turns.get(name)!.tookEffect() }
}

/** By the words of the table, in sets. */
function mustWait (earlier: ApiKey, later: ApiKey): boolean {
  const [before, after] = [effectsOf[earlier], effectsOf[later]]
  const writes = ({ appends, changes }: typeof before): string[] => [...appends, ...changes]
  const meet = (left: readonly string[], right: readonly string[]): boolean => !new Set(left).isDisjointFrom(new Set(right))
  return meet(writes(before), after.reads) || meet(before.reads, writes(after)) || meet(before.changes, writes(after)) || meet(writes(before), after.changes)
}

/** Pairs of which a client could tell, or a stalled client complain: spelled out, whatever the table says. */
const pairs: readonly [earlier: keyof typeof ApiKey, later: keyof typeof ApiKey, waits: boolean][] = [
  ['Produce', 'Produce', false],
  ['Produce', 'ListOffsets', true],
  ['Produce', 'Fetch', true],
  ['Produce', 'OffsetForLeaderEpoch', true],
  ['Produce', 'DeleteRecords', true],
  ['Produce', 'DeleteTopics', true],
  ['ListOffsets', 'Produce', true],
  ['Fetch', 'Fetch', false],
  ['CreateTopics', 'Metadata', true],
  ['CreateTopics', 'Produce', true],
  ['Metadata', 'Produce', true],
  ['DeleteRecords', 'ListOffsets', true],
  ['DeleteTopics', 'CreateTopics', true],
  ['IncrementalAlterConfigs', 'DescribeConfigs', true],
  ['OffsetCommit', 'OffsetFetch', true],
  ['OffsetFetch', 'OffsetCommit', true],
  ['OffsetCommit', 'OffsetCommit', false],
  ['OffsetCommit', 'ListGroups', true],
  ['OffsetCommit', 'LeaveGroup', true],
  ['OffsetCommit', 'Heartbeat', false],
  ['OffsetDelete', 'OffsetFetch', true],
  ['DeleteGroups', 'OffsetFetch', true],
  ['JoinGroup', 'Heartbeat', true],
  ['LeaveGroup', 'DescribeGroups', true],
  ['Produce', 'OffsetCommit', false],
  ['Produce', 'Heartbeat', false],
  ['Fetch', 'OffsetCommit', false],
  ['InitProducerId', 'Produce', false],
  ['CreateTopics', 'ApiVersions', false]
]

describe('order of the requests of one connection', () => {
  it('every pair of APIs: the later one waits for the earlier one exactly where the table makes them meet', () => {
    for (const earlier of keys) {
      for (const later of keys) {
        const started = new Started()
        started.add('earlier', earlier)
        started.add('later', later)
        const pair = `${nameOf.get(earlier)} then ${nameOf.get(later)}`
        assert.equal(started.names.length === 1, mustWait(earlier, later), pair)
        started.settle('earlier')
        assert.deepEqual(started.names, ['earlier', 'later'], pair)
      }
    }
  })

  for (const [earlier, later, waits] of pairs) {
    it(`${later} ${waits ? 'waits for' : 'does not wait for'} an earlier ${earlier}`, () => {
      assert.equal(mustWait(ApiKey[earlier], ApiKey[later]), waits)
    })
  }

  it('a request waits for those before it alone, and they for none behind', () => {
    const started = new Started()
    started.add('produce', ApiKey.Produce)
    started.add('list', ApiKey.ListOffsets)
    started.add('produce again', ApiKey.Produce)
    started.add('heartbeat', ApiKey.Heartbeat)
    assert.deepEqual(started.names, ['produce', 'heartbeat'])
    started.settle('produce')
    assert.deepEqual(started.names, ['produce', 'heartbeat', 'list'], 'the produce behind must not be seen by what reads before it')
    started.settle('list')
    assert.deepEqual(started.names.at(-1), 'produce again')
  })

  it('taking effect twice, or while starting, starts what waits once and in order', () => {
    const order = new RequestOrder()
    const names: string[] = []
    const hold: Turn[] = []
    order.add(ApiKey.CreateTopics, turn => hold.push(turn))
    for (const name of ['a', 'b', 'c']) {
      order.add(ApiKey.CreateTopics, turn => {
        names.push(name)
        turn.tookEffect()
        turn.tookEffect()
      })
    }
    assert.deepEqual(names, [])
    hold[0]!.tookEffect()
    hold[0]!.tookEffect()
    assert.deepEqual(names, ['a', 'b', 'c'])
  })

  it('behind a request that hangs up nothing starts, before it all does', () => {
    const started = new Started()
    started.add('create', ApiKey.CreateTopics)
    started.add('before', ApiKey.Metadata)
    started.add('unknown', 9_999)
    started.add('behind', ApiKey.Metadata)
    assert.deepEqual(started.names, ['create', 'unknown'])
    started.turns.get('unknown')!.hangsUp()
    started.add('later', ApiKey.ApiVersions)
    started.settle('create')
    started.settle('before')
    assert.deepEqual(started.names, ['create', 'unknown', 'before'])
  })

  it('after its end nothing starts', () => {
    const started = new Started()
    started.add('create', ApiKey.CreateTopics)
    started.add('waits', ApiKey.Metadata)
    started.order.end()
    started.settle('create')
    started.add('later', ApiKey.ApiVersions)
    assert.deepEqual(started.names, ['create'])
  })

  it('any mix of requests, settled in any order: each starts as soon as nothing that it meets is before it, none earlier', () => {
    const random = new SeededRandom('request order')
    const under = (count: number): number => Math.floor(random.fraction() * count)
    for (let round = 0; round < 200; round++) {
      const started = new Started()
      const unsettled: { readonly name: string, readonly apiKey: ApiKey }[] = []
      const expectStarted = (): void => {
        unsettled.forEach(({ apiKey, name }, at) => {
          const isFree = unsettled.slice(0, at).every(before => !mustWait(before.apiKey, apiKey))
          assert.equal(started.turns.has(name), isFree, `round ${round}: ${name}`)
        })
      }
      for (let step = 0; step < 60; step++) {
        const running = unsettled.filter(({ name }) => started.turns.has(name))
        if (running.length > 0 && random.fraction() < 0.45) {
          const [{ name }] = [running[under(running.length)]!]
          unsettled.splice(unsettled.findIndex(request => request.name === name), 1)
          started.settle(name)
        } else {
          const apiKey = keys[under(keys.length)]!
          const name = `${step} ${nameOf.get(apiKey)}`
          unsettled.push({ name, apiKey })
          started.add(name, apiKey)
        }
        expectStarted()
      }
      for (const apiKey of keys) {
        const ofKey = started.names.filter(name => name.endsWith(` ${nameOf.get(apiKey)}`)).map(name => Number.parseInt(name, 10))
        assert.deepEqual(ofKey, ofKey.toSorted((left, right) => left - right), 'requests of one key start in the order of their arrival')
      }
    }
  })
})
