import assert from 'node:assert/strict'
import { StreambedError, type ObjectStore } from '@streambed/sdk'
import { MemoryObjectStore } from '@streambed/sdk/testing'
import { keySlices, objectIdOf, objectKey } from '../../src/storage/object/object-key.ts'
import type { Stream } from '../../src/storage/stream/stream.ts'
import { EngineFixture, payload, type OpenEngine } from './engine-fixture.ts'

const options = { uploadBytes: 64 * 1024, streamObjectBytesMin: 1_000_000, blockBytes: 2_000, logCacheBytesMax: 1 }
const everything = { bytesMax: 2 ** 30, atLeastOneBatch: true }

async function append (stream: Stream, label: string, size: number): Promise<void> {
  await stream.append({ baseOffset: stream.nextOffset, count: 1, largestTimestamp: 1_000 + stream.nextOffset, bytes: payload(label, size) }).durable
}

/** Six uploads of two streams: one whose records are large, and one of a few small ones. */
async function filled (fixture: EngineFixture): Promise<OpenEngine> {
  const opened = await fixture.open(options)
  const { engine } = opened
  for (let upload = 0; upload < 6; upload++) {
    for (let n = 0; n < 4; n++) await append(engine.stream(1), `large-${upload}-${n}`, 5_000)
    for (let n = 0; n < 3; n++) await append(engine.stream(3), `small-${upload}-${n}`, 100)
    await engine.flush()
  }
  return opened
}

async function labelsOf (stream: Stream): Promise<string[]> {
  const labels: string[] = []
  for (let offset = stream.startOffset; offset < stream.confirmedOffset;) {
    const { batches } = await stream.fetch(offset, everything)
    for (const { baseOffset, bytes, count } of batches) {
      if (baseOffset >= offset) labels.push(Buffer.from(bytes).toString().split('.')[0]!.trim())
      offset = baseOffset + count
    }
  }
  return labels
}

function storedBytes (fixture: EngineFixture): number {
  let bytes = 0
  for (const [key, object] of fixture.objects.objects) if (objectIdOf(key) !== undefined) bytes += object.bytes.length
  return bytes
}

/** Ids of objects in the store, and those that the catalog needs. */
function ids (fixture: EngineFixture, { metadata }: OpenEngine): { readonly stored: number[], readonly live: number[] } {
  const stored = [...fixture.objects.objects.keys()].flatMap(key => objectIdOf(key) ?? []).sort((left, right) => left - right)
  return { stored, live: [...metadata.image.tables.objects.values()].map(({ objectId }) => objectId).sort((left, right) => left - right) }
}

describe('an object that is mostly dead', () => {
  it('gives its room back: what lives on of it is moved, and read as before', async () => {
    const fixture = new EngineFixture({ seed: 'moved' })
    const opened = await filled(fixture)
    const { engine } = opened
    const small = await labelsOf(engine.stream(3))
    assert.equal(small.length, 18)
    assert.equal(await engine.moveObjects(), 0, 'all live')
    await engine.stream(1).trim(22)
    const before = storedBytes(fixture)
    assert.equal(await engine.moveObjects(), 6)
    await engine.collectGarbage()
    assert.ok(before > 120_000 && storedBytes(fixture) < 16_000, `${before} -> ${storedBytes(fixture)}`)
    assert.deepEqual(await labelsOf(engine.stream(3)), small)
    assert.deepEqual(await labelsOf(engine.stream(1)), ['large-5-2', 'large-5-3'])
    assert.deepEqual(ids(fixture, opened).stored, ids(fixture, opened).live)
    assert.equal(await engine.moveObjects(), 0, 'it comes to an end')

    const next = await fixture.open(options)
    assert.deepEqual(await labelsOf(next.engine.stream(3)), small)
    for (const offset of [0, 4, 17]) assert.equal((await next.engine.stream(3).findTimestamp(1_000 + offset, 0))?.baseOffset, offset)
  })

  it('pieces of one stream from between others are found where they lie', async () => {
    const fixture = new EngineFixture({ seed: 'between' })
    const opened = await fixture.open(options)
    const { engine } = opened
    for (let upload = 0; upload < 4; upload++) {
      // The second and fourth hold nothing that dies.
      for (let n = 0; n < 4 && upload % 2 === 0; n++) await append(engine.stream(1), `large-${upload}-${n}`, 12_000)
      for (let n = 0; n < 3; n++) await append(engine.stream(3), `small-${upload}-${n}`, 3_000)
      await engine.flush()
    }
    const small = await labelsOf(engine.stream(3))
    await engine.stream(1).trim(8)
    assert.equal(await engine.moveObjects(), 2)
    assert.equal(new Set(opened.catalog.ranges(3).map(({ objectId }) => objectId)).size, 3)
    assert.deepEqual(await labelsOf(engine.stream(3)), small)
    for (let offset = 0; offset < 12; offset++) {
      assert.equal((await engine.stream(3).findTimestamp(1_000 + offset, 0))?.baseOffset, offset)
      const { batches } = await engine.stream(3).fetch(offset, { bytesMax: 1, atLeastOneBatch: true })
      assert.deepEqual(batches.map(({ baseOffset }) => baseOffset), [offset])
    }
  })

  const ends: { readonly name: string, readonly end: (store: ObjectStore) => ObjectStore, readonly isMoved: boolean }[] = [
    { name: 'before its put', isMoved: false, end: store => hanging(store, 'put', 'before') },
    { name: 'between its put and its commit', isMoved: false, end: store => hanging(store, 'put', 'after') },
    { name: 'between its commit and the deletion of the old ones', isMoved: true, end: store => hanging(store, 'delete', 'before') },
    { name: 'after that deletion, of which the catalog has not heard', isMoved: true, end: store => hanging(store, 'delete', 'after') }
  ]
  for (const { end, isMoved, name } of ends) {
    it(`a move that ends ${name} loses nothing and leaves nothing behind`, async () => {
      const fixture = new EngineFixture({ seed: `ended ${name}` })
      const first = await filled(fixture)
      await first.engine.stream(1).trim(24)
      const small = await labelsOf(first.engine.stream(3))
      await first.engine.close()
      fixture.wrapStore = end
      const second = await fixture.open(options)
      // It never comes to its end, as when the process is killed there.
      void second.engine.moveObjects().then(() => second.engine.collectGarbage()).catch(() => undefined)
      for (let turns = 0; turns < 2_000; turns++) await new Promise<void>(resolve => { setImmediate(resolve) })
      fixture.wrapStore = store => store
      const third = await fixture.open(options)
      assert.deepEqual(await labelsOf(third.engine.stream(3)), small)
      assert.equal(third.catalog.ranges(3).every(({ objectId }) => objectId > 6), isMoved)
      await third.engine.moveObjects()
      for (let pass = 0; pass < 3; pass++) await third.engine.collectGarbage()
      for (let page = 0; page <= 2 * keySlices; page++) await third.engine.sweepObjects()
      const { live, stored } = ids(fixture, third)
      assert.deepEqual(stored, live)
      assert.ok(storedBytes(fixture) < 6_000, String(storedBytes(fixture)))
      assert.deepEqual(await labelsOf(third.engine.stream(3)), small)
    })
  }

  it('what is trimmed or deleted while it is being moved drops out, or the move is given up; nothing is left behind', async () => {
    for (const what of ['trimmed', 'deleted'] as const) {
      const fixture = new EngineFixture({ seed: what })
      const first = await filled(fixture)
      await first.engine.stream(1).trim(24)
      const small = await labelsOf(first.engine.stream(3))
      await first.engine.close()
      const putting = Promise.withResolvers<void>()
      const going = Promise.withResolvers<void>()
      fixture.wrapStore = store => wrapped(store, 'put', async call => {
        putting.resolve()
        await going.promise
        return await call()
      })
      const { catalog, engine, metadata } = await fixture.open(options)
      const moving = engine.moveObjects()
      await putting.promise
      if (what === 'trimmed') await engine.stream(3).trim(4)
      else await metadata.propose(image => ({ records: [{ type: 'topicDeleted', topicId: [...image.topics()][0]!.topicId, atMs: 0 }], result: undefined }))
      going.resolve()
      await moving
      if (what === 'trimmed') assert.deepEqual(await labelsOf(engine.stream(3)), small.slice(4))
      for (let pass = 0; pass < 3; pass++) await engine.collectGarbage()
      const live = [...metadata.image.tables.objects.values()].map(({ objectId }) => objectId)
      assert.deepEqual([...fixture.objects.objects.keys()].flatMap(key => objectIdOf(key) ?? []), live)
      assert.equal(catalog.liveObjects().length, live.length)
    }
  })

  it('a store that is full gets room: what is dead is deleted though nothing can be moved, and later the rest is moved', async () => {
    const fixture = new EngineFixture({ seed: 'full' })
    const first = await filled(fixture)
    await first.engine.stream(1).trim(24)
    const small = await labelsOf(first.engine.stream(3))
    // The last two objects lose all: their room is to be had without a move.
    await first.engine.stream(3).trim(9)
    await first.engine.close()
    let isFull = true
    fixture.wrapStore = store => wrapped(store, 'put', async call => {
      if (isFull) throw new StreambedError('OUT_OF_SPACE', 'full')
      return await call()
    })
    const second = await fixture.open({ ...options, garbageIntervalMs: 1_000 })
    assert.deepEqual([...second.metadata.image.tables.condemned.values()].map(({ objectId }) => objectId), [1, 2, 3])
    await fixture.clock.run(120_000)
    assert.deepEqual(ids(fixture, second).stored, [4, 5, 6])
    isFull = false
    await fixture.clock.run(120_000)
    const { live, stored } = ids(fixture, second)
    assert.deepEqual(stored, live)
    assert.ok(live.every(objectId => objectId > 6), live.join(' '))
    assert.deepEqual(await labelsOf(second.engine.stream(3)), small.slice(9))
  })

  it('an object of another history under the name of a move proves that the catalog lost its end', async () => {
    const fixture = new EngineFixture({ seed: 'taken' })
    const { catalog, engine } = await filled(fixture)
    await engine.stream(1).trim(24)
    const key = objectKey(catalog.nextObjectId)
    await new MemoryObjectStore({ clock: fixture.clock, medium: fixture.objects }).put(key, Buffer.from('of another'))
    await fixture.clock.run(120_000)
    assert.ok(StreambedError.is(await Promise.race([engine.failed, Promise.resolve(undefined)]), 'CORRUPT'))
    assert.equal(Buffer.from(fixture.objects.objects.get(key)!.bytes).toString(), 'of another')
  })

  it('a damaged one stays as it is, and the others are moved', async () => {
    const fixture = new EngineFixture({ seed: 'damaged' })
    const first = await filled(fixture)
    await first.engine.stream(1).trim(24)
    await first.engine.close()
    const [key, object] = [...fixture.objects.objects].find(([each]) => objectIdOf(each) === 3)!
    fixture.objects.objects.set(key, { ...object, bytes: object.bytes.map(byte => byte ^ 1) })
    const second = await fixture.open(options)
    await second.engine.moveObjects()
    assert.deepEqual(ids(fixture, second).live.filter(objectId => objectId <= 6), [3])
    assert.deepEqual((await second.engine.stream(3).fetch(0, everything)).batches.length > 0, true)
    await assert.rejects(second.engine.stream(3).fetch(7, everything), error => StreambedError.is(error, 'CORRUPT'))
  })
})

function wrapped (store: ObjectStore, method: 'put' | 'delete', around: (call: () => Promise<unknown>) => Promise<unknown>): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args)
      return name === method ? (...args: unknown[]): unknown => around(async () => await call(...args)) : call
    }
  })
}

function hanging (store: ObjectStore, method: 'put' | 'delete', when: 'before' | 'after'): ObjectStore {
  return wrapped(store, method, async call => {
    if (when === 'after') await call()
    return await new Promise(() => undefined)
  })
}
