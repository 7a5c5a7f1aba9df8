import assert from 'node:assert/strict'
import { StreambedError, type ObjectStore } from '@streambed/sdk'
import { EngineFixture, payload } from './engine-fixture.ts'

/** A store whose puts wait until the test lets each go. */
class HeldPuts {
  readonly #waiting = new Map<string, { readonly go: () => void, readonly fail: (error: unknown) => void }>()

  get keys (): string[] { return [...this.#waiting.keys()] }

  wrap (store: ObjectStore): ObjectStore {
    return new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name !== 'put') return (...args: unknown[]): unknown => Reflect.apply(value, target, args)
        return async (...args: Parameters<ObjectStore['put']>) => {
          await new Promise<void>((go, fail) => { this.#waiting.set(args[0], { go, fail }) })
          return await target.put(...args)
        }
      }
    })
  }

  go (key: string): void { this.#waiting.get(key)!.go(); this.#waiting.delete(key) }
  fail (key: string, error: unknown): void { this.#waiting.get(key)!.fail(error); this.#waiting.delete(key) }
}

async function opened () {
  const fixture = new EngineFixture()
  const held = new HeldPuts()
  fixture.wrapStore = store => held.wrap(store)
  const parts = await fixture.open({ uploadBytes: 1_000 })
  const stream = parts.engine.stream(1)
  const append = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await stream.append({ baseOffset: stream.nextOffset, count: 1, largestTimestamp: -1, bytes: payload(`batch-${stream.nextOffset}`, 1_000) }).durable
    await fixture.clock.run(10)
  }
  return { ...parts, append, fixture, held }
}

describe('uploads of several segments', () => {
  it('are put two at a time, and committed and trimmed in WAL order, whichever is put first', async () => {
    const { append, catalog, engine, fixture, held, wal } = await opened()
    await append(3)
    const [first, second] = held.keys
    assert.equal(held.keys.length, 2, 'the third waits')
    held.go(second!)
    await fixture.clock.run(10)
    assert.equal(catalog.stream(1)!.endOffset, 0, 'the second is not committed before the first')
    const used = wal.usage().usedBytes
    held.go(first!)
    await fixture.clock.run(10)
    assert.equal(catalog.stream(1)!.endOffset, 2)
    assert.ok(wal.usage().usedBytes < used, 'the WAL is trimmed')
    assert.equal(held.keys.length, 1, 'the third is being put')
    held.go(held.keys[0]!)
    await fixture.runUntil(engine.flush())
    assert.equal(catalog.stream(1)!.endOffset, 3)
    await engine.close()
  })

  it('a segment that is sealed while another is put does not wait for it', async () => {
    const { append, engine, held } = await opened()
    await append(1)
    assert.equal(held.keys.length, 1)
    await append(1)
    assert.equal(held.keys.length, 2)
    for (const key of held.keys) held.go(key)
    await engine.close()
  })

  it('the first that fails for good ends both; the engine says so, and what the WAL holds is recovered', async () => {
    const { append, catalog, engine, fixture, held } = await opened()
    await append(2)
    const [first, second] = held.keys
    const flushed = assert.rejects(engine.flush(), error => StreambedError.is(error, 'PERMISSION_DENIED'))
    held.go(second!)
    held.fail(first!, new StreambedError('PERMISSION_DENIED', 'no'))
    await fixture.runUntil(engine.failed)
    await flushed
    assert.equal(catalog.stream(1)!.endOffset, 0)
    await engine.close()
    fixture.wrapStore = store => store
    const again = await fixture.open()
    assert.equal(again.engine.stream(1).confirmedOffset, 2)
    await fixture.runUntil(again.engine.flush())
    // What the first engine had put is found by its id and deleted.
    await fixture.runUntil(again.engine.collectGarbage())
    assert.deepEqual([again.catalog.stream(1)!.endOffset, fixture.objectCount()], [2, 1])
    await again.engine.close()
  })
})
