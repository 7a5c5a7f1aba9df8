import assert from 'node:assert/strict'
import { listAll, pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import { StreambedError, type ObjectStore } from '@streambed/sdk'
import type { Fault } from '@streambed/sdk/testing'
import { World } from './support.ts'

const none: Fault = { kind: 'none' }
const troubles: readonly { readonly name: string, readonly fault: (world: World) => Fault }[] = [
  { name: 'down', fault: () => ({ kind: 'failBefore' }) },
  { name: 'silent', fault: () => ({ kind: 'hang' }) },
  { name: 'silent, though it does what it is asked', fault: () => ({ kind: 'hang', takesEffect: true }) },
  { name: 'losing answers', fault: () => ({ kind: 'failAfter' }) },
  { name: 'slow', fault: () => ({ kind: 'delay', delayMs: 5_000 }) },
  { name: 'now well, now failing, losing answers, slow or silent', fault: world => ([none, { kind: 'failBefore' }, { kind: 'failAfter' }, { kind: 'delay', delayMs: world.random.below(3000) }, { kind: 'hang', takesEffect: true }] as const)[world.random.below(5)]! }
]

const rounds = 6

/** Puts and their races under one plan; then each single store is taken away in turn, and what was acknowledged must be there. Resolves with how many were. */
async function holds (world: World, racers: number, trouble: () => Fault, where: () => number): Promise<number> {
  const stores: readonly ObjectStore[] = Array.from({ length: racers }, () => world.open())
  world.plan = store => store === where() ? trouble() : none
  const acknowledged = new Map<string, Uint8Array>()
  for (let round = 0; round < rounds; round++) {
    const key = `race/${round}`
    const bodies = stores.map((_, racer) => pattern(50 + racer, world.random.below(1000)))
    const outcomes = await world.run(Promise.allSettled(stores.map((store, racer) => store.put(key, bodies[racer]!, { ifAbsent: true }))))
    const winners = outcomes.flatMap((outcome, racer) => outcome.status === 'fulfilled' ? [racer] : [])
    assert.ok(winners.length <= 1, `${key}: ${winners.length} winners`)
    for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(StreambedError.is(outcome.reason, 'ALREADY_EXISTS', 'OUTCOME_UNKNOWN', 'UNAVAILABLE'), String(outcome.reason))
    if (winners.length === 1) acknowledged.set(key, bodies[winners[0]!]!)
    if (winners.length === 0) assert.ok(outcomes.every(outcome => outcome.status === 'rejected' && !StreambedError.is(outcome.reason, 'ALREADY_EXISTS')) || await isThere(world, key), `${key}: lost to nobody`)
  }
  for (const away of [0, 1, 2]) {
    world.plan = store => store === away ? { kind: 'failBefore' } : none
    const reader = world.open()
    for (const [key, body] of acknowledged) sameBytes(await world.run(reader.get(key)), body, `${key} without store ${away + 1}`)
  }
  // Races that nobody won may need all three to be told; from then on any two will do.
  for (const away of [undefined, 0, 1, 2]) {
    world.plan = store => store === away ? { kind: 'failBefore' } : none
    const listed = await world.run(listAll(world.open(), 'race/'))
    assert.deepEqual([...acknowledged.keys()].filter(key => !listed.includes(key)), [], `listed without store ${away}`)
  }
  return acknowledged.size
}

async function isThere (world: World, key: string): Promise<boolean> {
  const before = world.plan
  world.plan = () => none
  const found = await world.run(world.open().head(key).then(() => true, () => false))
  world.plan = before
  return found
}

describe('a quorum of three stores', () => {
  for (const { fault, name } of troubles) {
    for (const where of [0, 1, 2]) {
      it(`store ${where + 1} ${name}: puts are acknowledged, races have one winner, and any two stores give what was`, async () => {
        for (let seed = 0; seed < 10; seed++) {
          const world = new World(seed)
          assert.equal(await holds(world, 1 + seed % 4, () => fault(world), () => where), rounds, `seed ${seed}: races with a winner`)
        }
      })
    }
  }

  it('one store after another fails, each racer seeing another one: no race has two winners, nothing acknowledged is lost', async () => {
    for (let seed = 0; seed < 150; seed++) {
      const world = new World(`moving-${seed}`)
      await holds(world, 2 + seed % 3, () => troubles.at(-1)!.fault(world), () => world.random.below(3))
    }
  })

  it('with one store down, a put is acknowledged, and is read with another one down', async () => {
    for (const down of [0, 1, 2]) {
      const world = new World(down)
      world.plan = store => store === down ? { kind: 'failBefore' } : none
      const store = world.open()
      await world.run(store.put('a', pattern(100), { ifAbsent: true }))
      for (const next of [0, 1, 2]) {
        world.plan = store => store === next ? { kind: 'failBefore' } : none
        sameBytes(await world.run(world.open().get('a')), pattern(100))
      }
    }
  })

  it('with two down, calls fail and may be repeated; nothing was written', async () => {
    const world = new World(1)
    const store = world.open()
    await store.put('there', pattern(10), { ifAbsent: true })
    world.plan = index => index > 0 ? { kind: 'failBefore' } : none
    const calls = [() => store.put('a', pattern(1), { ifAbsent: true }), () => store.get('there'), () => store.get('a'), () => store.head('a'), () => store.list('')]
    for (const call of calls) {
      await assert.rejects(world.run<unknown>(call()), (error: unknown) => StreambedError.is(error, 'UNAVAILABLE') && error.retriable)
    }
    for (const { objects } of world.buckets) assert.deepEqual([...objects.keys()], ['there'])
  })

  it('a put whose votes two stores do not take after the first did is OUTCOME_UNKNOWN, and is found won or lost later, by all alike', async () => {
    const world = new World(1)
    world.plan = (index, { method }) => index > 0 && method === 'put' ? { kind: 'failBefore' } : none
    await rejectsWith(world.run(world.open().put('a', pattern(5), { ifAbsent: true })), 'OUTCOME_UNKNOWN')
    world.plan = () => none
    await rejectsWith(world.run(world.open().put('a', pattern(6), { ifAbsent: true })), 'ALREADY_EXISTS')
    sameBytes(await world.open().get('a'), pattern(5))
    assert.ok(world.buckets.every(({ objects }) => objects.has('a')), 'helped to its end')
  })

  it('three puts with a vote each: the one in the first store has won, and any two stores know', async () => {
    const world = new World(1)
    for (const [index, bucket] of world.buckets.entries()) {
      const other = new World(`other-${index}`)
      await other.open().put('a', pattern(20, index), { ifAbsent: true })
      bucket.objects.set('a', other.buckets[0].objects.get('a')!)
    }
    sameBytes(await world.open().get('a'), pattern(20, 0))
    for (const down of [0, 1, 2]) {
      world.plan = store => store === down ? { kind: 'failBefore' } : none
      sameBytes(await world.run(world.open().get('a')), pattern(20, 0))
    }
  })

  it('a damaged copy is passed over for another', async () => {
    for (const at of [0, 20, 60]) {
      const world = new World(at)
      const store = world.open()
      await store.put('a', pattern(100))
      world.buckets[0].objects.get('a')!.bytes[at]! ^= 1
      sameBytes(await world.run(store.get('a')), pattern(100))
    }
  })

  it('an emptied store is filled again by heal, and then another one may be emptied', async () => {
    const world = new World(1)
    const store = world.open()
    const keys = Array.from({ length: 30 }, (_, index) => `k/${String(index).padStart(2, '0')}`)
    for (const key of keys) await store.put(key, Buffer.from(key))
    for (const bucket of world.buckets) {
      bucket.objects.clear()
      assert.deepEqual(await listAll(store, '', 7), keys)
      assert.equal(await store.heal(''), 30)
      assert.equal(await store.heal(''), 0)
    }
    for (const key of keys) sameBytes(await store.get(key), Buffer.from(key))
  })

  it('a delete needs all three: with one away it fails and may be repeated', async () => {
    const world = new World(1)
    const store = world.open()
    await store.put('a', pattern(1))
    world.plan = index => index === 2 ? { kind: 'failBefore' } : none
    const [outcome] = await store.delete(['a'])
    assert.ok(outcome?.kind === 'failed' && StreambedError.is(outcome.error, 'UNAVAILABLE'))
    world.plan = () => none
    assert.deepEqual(await store.delete(['a']), [{ kind: 'deleted', key: 'a' }])
    await rejectsWith(store.get('a'), 'NOT_FOUND')
  })

  it('a delete waits for the copy that a slow store has yet to take: nothing comes back', async () => {
    const world = new World(1)
    const store = world.open()
    world.plan = (index, { method }) => index === 2 && method === 'put' ? { kind: 'delay', delayMs: 5_000 } : none
    await world.run(store.put('a', pattern(1), { ifAbsent: true }))
    await world.run(store.delete(['a']))
    await world.clock.run(60_000)
    assert.ok(world.buckets.every(({ objects }) => !objects.has('a')))
  })

  it('refuses to overwrite, and leaves what is there', async () => {
    const store = new World(1).open()
    await store.put('a', pattern(1))
    await rejectsWith(store.put('a', pattern(2)), 'UNSUPPORTED')
    sameBytes(await store.get('a'), pattern(1))
  })
})
