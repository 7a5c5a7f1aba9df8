import assert from 'node:assert/strict'
import { StreambedError, type ObjectStore } from '@streambed/sdk'
import { VirtualClock, faultyObjectStore } from '@streambed/sdk/testing'
import { BlockCache } from '../../src/storage/cache/block-cache.ts'
import { IndexCache, type ObjectIndex } from '../../src/storage/cache/index-cache.ts'
import { LogCache } from '../../src/storage/cache/log-cache.ts'
import { blockCost, type BlockEntry } from '../../src/storage/object/object-format.ts'
import { batchOverheadBytes, costOf, type StreamBatch } from '../../src/storage/stream/stream-batch.ts'
import type { Stream } from '../../src/storage/stream/stream.ts'
import { cutBlocks } from '../../src/storage/upload/object-plan.ts'
import { EngineFixture, type OpenEngine } from './engine-fixture.ts'

const KiB = 1024
const tinyCost = batchOverheadBytes + 1

function tiny (baseOffset: number): StreamBatch { return { baseOffset, count: 1, largestTimestamp: -1, bytes: Uint8Array.of(1) } }
function appendTiny (stream: Stream): Promise<void> { return stream.append(tiny(stream.nextOffset)).durable }

describe('memory is bounded by what batches cost, not by their bytes', () => {
  it('a batch costs its bytes and at least 512 more', () => {
    assert.ok(batchOverheadBytes >= 512)
    assert.equal(costOf(tiny(0)), tinyCost)
  })

  it('the log cache lets uploaded batches go once they cost too much', () => {
    const [cache, clock] = [new LogCache({ bytesMax: 40 * tinyCost }), new VirtualClock()]
    for (let offset = 0; offset < 1_000; offset++) {
      cache.add({ streamId: 1, epoch: 0 }, tiny(offset), offset, clock)
      if (offset % 10 !== 9) continue
      cache.seal()
      cache.markUploaded(cache.sealed[0]!)
      assert.ok(cache.cost <= 40 * tinyCost, `cost ${cache.cost}`)
    }
    assert.equal(cache.run(1)!.startOffset, 960)
    assert.equal(cache.pendingCost, 0)
  })

  it('with the store down tiny batches are refused when they cost what may wait', async () => {
    const fixture = new EngineFixture()
    let isDown = true
    fixture.wrapStore = store => faultyObjectStore(store, { clock: fixture.clock, plan: () => isDown ? { kind: 'failBefore' } : { kind: 'none' } })
    const { engine } = await fixture.open({ pendingBytesMax: 100 * tinyCost })
    const stream = engine.stream(1)
    for (let index = 0; index < 100; index++) await appendTiny(stream)
    assert.equal(engine.pressure, 1)
    await assert.rejects(async () => { await appendTiny(stream) }, error => StreambedError.is(error, 'OVER_CAPACITY'))
    isDown = false
    await fixture.runUntil(engine.flush())
    assert.equal(engine.pressure, 0)
    await appendTiny(stream)
    await engine.close()
  })

  it('batches that are on their way into the WAL count too', async () => {
    const fixture = new EngineFixture()
    const { engine } = await fixture.open({ pendingBytesMax: 100 * tinyCost })
    const stream = engine.stream(1)
    const appended = Array.from({ length: 100 }, () => appendTiny(stream))
    assert.throws(() => stream.append(tiny(stream.nextOffset)), error => StreambedError.is(error, 'OVER_CAPACITY'))
    await Promise.all(appended)
    await engine.close()
  })

  it('tiny batches are uploaded long before their bytes make an upload', async () => {
    const fixture = new EngineFixture()
    const { engine } = await fixture.open({ pendingBytesMax: 400 * tinyCost, uploadBytes: 2 ** 30 })
    for (let index = 0; index < 100; index++) await appendTiny(engine.stream(1))
    await fixture.clock.run(1_000)
    assert.equal(fixture.objectCount(), 1)
    assert.equal(engine.pressure, 0)
    await engine.close()
  })

  it('recovery uploads while it reads: what waits never costs more than its share', async () => {
    const fixture = new EngineFixture()
    const count = 2_000
    const first = await fixture.open({ uploadIntervalMs: 0 })
    for (let index = 0; index < count; index++) await appendTiny(first.engine.stream(1))
    assert.equal(fixture.objectCount(), 0)
    // No close: the process is gone.
    const sizes: number[] = []
    fixture.wrapStore = store => counting(store, size => { sizes.push(size) })
    const second = await fixture.runUntil(fixture.open({ pendingBytesMax: 400 * tinyCost }))
    assert.ok(sizes.length >= count / 110, `${sizes.length} uploads`)
    // 33 bytes a batch, and a footer.
    assert.ok(Math.max(...sizes) < 110 * 33 + 500, `the largest has ${Math.max(...sizes)} bytes`)
    await assertAllThere(second, count)
    await second.engine.close()
  })

  it('a data block holds no more batches than memory has room for', () => {
    const blocks = [...cutBlocks(Array.from({ length: 1_000 }, (_, offset) => tiny(offset)), 64 * KiB)]
    for (const block of blocks) assert.ok(block.length <= 64 * KiB / batchOverheadBytes + 1)
    assert.deepEqual(blocks.flat().map(({ baseOffset }) => baseOffset), Array.from({ length: 1_000 }, (_, offset) => offset))
  })

  it('the block cache holds blocks by what their batches cost', async () => {
    const cache = new BlockCache({ bytesMax: 10 * 100 * tinyCost, onWasted: () => undefined })
    const entry: BlockEntry = { streamId: 1, startOffset: 0, endOffset: 100, position: 0, size: 100 * 33, largestTimestamp: -1, batchCount: 100 }
    for (let index = 0; index < 100; index++) cache.add(String(index), blockCost(entry), Promise.resolve([]), { isPrefetched: false })
    const held = Array.from({ length: 100 }, (_, index) => cache.has(String(index))).filter(Boolean).length
    assert.ok(held >= 5 && held <= 10, `${held} blocks of ${blockCost(entry)} bytes`)
    assert.equal(cache.cost, held * blockCost(entry))
  })

  it('the index cache holds indexes by their entries, and keeps none that failed to load', async () => {
    const cache = new IndexCache({ bytesMax: 1_000_000 })
    let loadCount = 0
    const load = async (): Promise<ObjectIndex> => {
      loadCount++
      const entry: BlockEntry = { streamId: 1, startOffset: 0, endOffset: 1, position: 0, size: 1, largestTimestamp: -1, batchCount: 1 }
      return new Map([[1, Array.from({ length: 500 }, () => entry)]])
    }
    for (let objectId = 1; objectId <= 50; objectId++) {
      await cache.read(objectId, load)
      assert.ok(cache.cost <= 1_000_000, `cost ${cache.cost}`)
    }
    await cache.read(50, load)
    assert.equal(loadCount, 50, 'the last is held')
    await cache.read(1, load)
    assert.equal(loadCount, 51, 'the first is not')
    await assert.rejects(cache.read(99, async () => { throw new StreambedError('UNAVAILABLE', 'down') }))
    await cache.read(99, load)
    assert.equal(loadCount, 52)
  })

  it('a fetch ends where its batches cost enough, but with one at least', async () => {
    const { engine } = await new EngineFixture().open()
    const stream = engine.stream(1)
    for (let index = 0; index < 100; index++) await appendTiny(stream)
    const fetched = async (costMax: number): Promise<number> => (await stream.fetch(0, { bytesMax: 1 * KiB, costMax, atLeastOneBatch: true })).batches.length
    assert.deepEqual(await Promise.all([0, 1, 10 * tinyCost, 1_000 * tinyCost].map(fetched)), [1, 1, 10, 100])
    await engine.close()
  })
})

async function assertAllThere ({ engine }: OpenEngine, count: number): Promise<void> {
  const stream = engine.stream(1)
  assert.equal(stream.confirmedOffset, count)
  for (let offset = 0; offset < count;) {
    const { batches } = await stream.fetch(offset, { bytesMax: 1 * KiB, atLeastOneBatch: true })
    for (const batch of batches) assert.equal(batch.baseOffset, offset++)
  }
}

function counting (store: ObjectStore, onPut: (size: number) => void): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (name === 'put') onPut((args[1] as readonly Uint8Array[]).reduce((sum, piece) => sum + piece.length, 0))
        return Reflect.apply(value, target, args)
      }
    }
  })
}
