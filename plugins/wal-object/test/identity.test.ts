import assert from 'node:assert/strict'
import { StreambedError, type ErrorCode, type ObjectStore, type WalOpening } from '@streambed/sdk'
import { MemoryObjectMedium, MemoryObjectStore } from '@streambed/sdk/testing'
import type { ObjectWal } from '../src/object-wal.ts'
import { logOfFormat1, restore } from './golden.ts'
import { bench, openWal, recovered, settle } from './support.ts'

const rootKey = 'logs/one/root'
const someId = '00112233445566778899'

function withCode (code: ErrorCode, message = /(?:)/) { return (error: unknown): boolean => StreambedError.is(error, code) && message.test(error.message) }

class Place {
  readonly medium: MemoryObjectMedium
  readonly bench: ReturnType<typeof bench>

  constructor (seed: string, medium = new MemoryObjectMedium()) {
    this.bench = bench(seed)
    this.medium = medium
  }

  get store (): ObjectStore { return new MemoryObjectStore({ clock: this.bench.clock, medium: this.medium }) }

  async open (writerEpoch: number, opening?: WalOpening, store = this.store): Promise<ObjectWal> {
    return await openWal(store, this.bench.environment, writerEpoch, {}, opening)
  }

  /** Of every object: its key and when it was put. */
  tree (): readonly (readonly [string, string])[] {
    return [...this.medium.objects].map(([key, { info }]) => [key, info.versionToken] as const).sort(([a], [b]) => a < b ? -1 : 1)
  }
}

describe('a prefix without the log that was used there', () => {
  for (const { make, what } of [
    { what: 'nothing', make: () => {} },
    { what: 'the objects of others beside it', make: (medium: MemoryObjectMedium) => { medium.store('logs/one-other/root', new Uint8Array(256), 0) } },
    {
      what: 'the claim of a creator that died',
      make: (medium: MemoryObjectMedium) => { restore({ 'logs/one/claims/0000000000000003': logOfFormat1['logs/one/claims/0000000000000003']! }, medium) }
    }
  ]) {
    it(`is refused by name, with the remedy, and left as it is: ${what}`, async () => {
      const place = new Place(what)
      make(place.medium)
      const before = place.tree()
      for (const mode of ['own', 'takeover'] as const) {
        await assert.rejects(place.open(9, { mode }), withCode('WRONG_MEDIUM', /streambed recover.*prefix=logs\/one expectedId=any/))
        await assert.rejects(place.open(9, { mode, expectedId: someId }), withCode('WRONG_MEDIUM', new RegExp(`prefix=logs/one expectedId=${someId}`)))
      }
      assert.deepEqual(place.tree(), before)
      const { identity } = await place.open(4, { mode: 'create' })
      assert.deepEqual({ ...identity, id: '' }, { id: '', writerEpoch: -1, last: -1, trimmed: -1 })
    })
  }
})

describe('a log from before identities', () => {
  for (const mode of ['create', 'own', 'takeover'] as const) {
    it(`opens with ${mode} with nothing lost: what its first opener put is its identity`, async () => {
      const place = new Place(mode)
      restore(logOfFormat1, place.medium)
      const wal = await place.open(4, { mode })
      assert.deepEqual(wal.identity, { id: 'ca6e02f186ea72e0afb4e36f509db3df', writerEpoch: 3, last: 3, trimmed: 0 })
      assert.deepEqual((await recovered(wal)).map(({ data, position }) => [position, new TextDecoder().decode(data)]), [[1, 'two'], [2, 'three'], [3, 'four']])
      assert.equal((await place.open(5, { mode: 'own', expectedId: wal.identity.id })).identity.id, wal.identity.id)
    })
  }

  it('that has lost its root has no identity: it is not the one expected, and opens otherwise with a new one', async () => {
    const place = new Place('no root')
    restore(logOfFormat1, place.medium)
    place.medium.objects.delete(rootKey)
    const before = place.tree()
    await assert.rejects(place.open(4, { mode: 'own', expectedId: 'ca6e02f186ea72e0afb4e36f509db3df' }), withCode('WRONG_MEDIUM', /id=none/))
    assert.deepEqual(place.tree(), before)
    const wal = await place.open(4, { mode: 'own' })
    assert.equal((await recovered(wal)).length, 3)
    const again = await place.open(5, { mode: 'own', expectedId: wal.identity.id })
    assert.equal((await recovered(again)).length, 3)
    assert.notEqual(wal.identity.id, 'ca6e02f186ea72e0afb4e36f509db3df')
  })
})

describe('a new log in an object store', () => {
  it('opens again with create after its creator died at any request, before or after the effect', async () => {
    let isFinished = false
    for (let request = 1; !isFinished; request++) {
      for (const hasEffect of [false, true]) {
        const what = `request ${request}, ${hasEffect ? 'after' : 'before'} the effect`
        const place = new Place(what)
        const dying = new DyingStore(place.store, request, hasEffect)
        const first = await place.open(1, { mode: 'create' }, dying.store).catch((error: unknown) => { if (!StreambedError.is(error, 'CLOSED')) throw error })
        isFinished = !dying.isDead
        const second = await place.open(2, { mode: 'create' })
        if (first !== undefined) assert.equal(second.identity.id, first.identity.id, what)
        assert.deepEqual(await recovered(second), [])
        const position = await settle(second.append([new Uint8Array(10)]), place.bench.clock, place.bench.environment)
        const third = await place.open(3, { mode: 'own', expectedId: second.identity.id })
        assert.deepEqual((await recovered(third)).map(record => record.position), [position], what)
      }
    }
  })

  it('has one identity for all who create it at once', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const place = new Place(`creators-${seed}`)
      const outcomes = await Promise.allSettled([1, 2, 3].map(async epoch => {
        for (let turns = place.bench.random.below(40); turns > 0; turns--) await undefined
        return await place.open(epoch, { mode: 'create' })
      }))
      const ids = outcomes.flatMap(outcome => outcome.status === 'fulfilled' ? [outcome.value.identity.id] : [])
      assert.equal(new Set(ids).size, 1, `seed ${seed}`)
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(StreambedError.is(outcome.reason, 'FENCED'), String(outcome.reason))
      assert.equal((await place.open(4, { mode: 'own', expectedId: ids[0]! })).identity.id, ids[0])
    }
  })

  it('is refused where another one is expected, and its writer goes on', async () => {
    const place = new Place('other')
    const live = await place.open(1)
    await place.bench.environment.yieldTurn()
    const before = place.tree()
    for (const mode of ['own', 'takeover'] as const) {
      await assert.rejects(place.open(9, { mode, expectedId: someId }), withCode('WRONG_MEDIUM', new RegExp(`another.*expectedId=${someId} id=${live.identity.id}`)))
    }
    assert.deepEqual(place.tree(), before)
    await settle(live.append([new Uint8Array(10)]), place.bench.clock, place.bench.environment)
  })
})

/** A process that dies in its nth request: nothing that it asks for after that has an effect. */
class DyingStore {
  readonly store: ObjectStore
  isDead = false

  constructor (inner: ObjectStore, dieAt: number, hasEffect: boolean) {
    let count = 0
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return async (...given: never[]) => {
          if (this.isDead) throw dead()
          this.isDead = ++count === dieAt
          const effect = async (): Promise<unknown> => await (Reflect.apply(method as (...given: never[]) => unknown, target, given) as Promise<unknown>)
          if (!this.isDead) return await effect()
          if (hasEffect) await effect().catch(() => {})
          throw dead()
        }
      }
    })
  }
}

function dead (): StreambedError { return new StreambedError('CLOSED', 'the process is dead') }
