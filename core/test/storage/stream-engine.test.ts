import assert from 'node:assert/strict'
import { StreambedError, type GetOptions } from '@streambed/sdk'
import { MemoryObjectStore, faultOn, faultyObjectStore } from '@streambed/sdk/testing'
import { RetryingObjectStore } from '../../src/storage/object-store/retrying-object-store.ts'
import { objectKey } from '../../src/storage/object/object-key.ts'
import type { Stream } from '../../src/storage/stream/stream.ts'
import { EngineFixture, payload, topicId } from './engine-fixture.ts'

const all = { bytesMax: 1 << 30, atLeastOneBatch: true }

async function append (stream: Stream, label: string, options: { readonly count?: number, readonly timestamp?: number, readonly size?: number } = {}): Promise<void> {
  await stream.append({ baseOffset: stream.nextOffset, count: options.count ?? 1, largestTimestamp: options.timestamp ?? -1, bytes: payload(label, options.size) }).durable
}

async function labels (stream: Stream, from = 0): Promise<string[]> {
  const { batches } = await stream.fetch(from, all)
  return batches.map(batch => Buffer.from(batch.bytes).toString().split('.')[0]!)
}

describe('stream engine', () => {
  it('gives back what was appended, in order, from memory', async () => {
    const { engine } = await new EngineFixture().open()
    const stream = engine.stream(1)
    await Promise.all(['a', 'b', 'c'].map(label => append(stream, label, { count: 2 })))
    assert.deepEqual(await labels(stream), ['a', 'b', 'c'])
    assert.deepEqual([stream.startOffset, stream.confirmedOffset, stream.nextOffset], [0, 6, 6])
    assert.deepEqual(await labels(stream, 3), ['b', 'c'])
    assert.deepEqual(await labels(stream, 6), [])
    await engine.close()
  })

  it('refuses an append that does not continue the stream, and changes nothing', async () => {
    const { engine } = await new EngineFixture().open()
    const stream = engine.stream(1)
    await append(stream, 'a')
    assert.throws(() => stream.append({ baseOffset: 5, count: 1, largestTimestamp: -1, bytes: payload('x') }), (error: unknown) => StreambedError.is(error, 'INVALID_ARGUMENT'))
    await append(stream, 'b')
    assert.deepEqual(await labels(stream), ['a', 'b'])
    await engine.close()
  })

  it('reads outside the stream are OUT_OF_RANGE', async () => {
    const { engine } = await new EngineFixture().open()
    const stream = engine.stream(1)
    await append(stream, 'a')
    await assert.rejects(stream.fetch(2, all), error => StreambedError.is(error, 'OUT_OF_RANGE'))
    await engine.close()
  })

  it('limits a fetch in bytes but always gives the first batch', async () => {
    const { engine } = await new EngineFixture().open()
    const stream = engine.stream(1)
    for (const label of ['a', 'b', 'c']) await append(stream, label, { size: 100 })
    assert.equal((await stream.fetch(0, { bytesMax: 1, atLeastOneBatch: true })).batches.length, 1)
    assert.equal((await stream.fetch(0, { bytesMax: 1, atLeastOneBatch: false })).batches.length, 0)
    assert.equal((await stream.fetch(0, { bytesMax: 250, atLeastOneBatch: true })).batches.length, 2)
    assert.equal((await stream.fetch(0, { ...all, endOffset: 2 })).batches.length, 2)
    await engine.close()
  })

  it('moves segments into objects, trims the WAL, and reads them from there', async () => {
    const fixture = new EngineFixture()
    const { engine, wal } = await fixture.open({ logCacheBytesMax: 8_192, blockBytes: 2_048, streamObjectBytesMin: 1_000 })
    const [big, small] = [engine.stream(1), engine.stream(3)]
    for (let round = 0; round < 6; round++) {
      for (let index = 0; index < 8; index++) await append(big, `big${round}-${index}`, { size: 200 })
      await append(small, `small${round}`)
      await engine.flush()
    }
    assert.equal(wal.usage().usedBytes, 0)
    assert.equal(fixture.objectCount(), 12, 'each segment: one stream object, one stream-set object')
    assert.deepEqual(await labels(big), Array.from({ length: 48 }, (_, at) => `big${Math.floor(at / 8)}-${at % 8}`))
    assert.deepEqual(await labels(big, 13), (await labels(big)).slice(13))
    assert.deepEqual(await labels(small), ['small0', 'small1', 'small2', 'small3', 'small4', 'small5'])
    await engine.close()
  })

  it('reads across objects and memory in one fetch', async () => {
    const { engine } = await new EngineFixture().open({ logCacheBytesMax: 4_000 })
    const stream = engine.stream(1)
    for (let index = 0; index < 10; index++) {
      await append(stream, `b${index}`, { size: 150 })
      if (index % 3 === 2) await engine.flush()
    }
    assert.deepEqual(await labels(stream), Array.from({ length: 10 }, (_, at) => `b${at}`))
    await engine.close()
  })

  it('recovers what was confirmed and not uploaded, once each', async () => {
    const fixture = new EngineFixture()
    const first = await fixture.open()
    const stream = first.engine.stream(1)
    await append(stream, 'a')
    await first.engine.flush()
    await append(stream, 'b')
    await append(first.engine.stream(3), 'other')
    // No close: the process is gone.
    const second = await fixture.open()
    assert.deepEqual(await labels(second.engine.stream(1)), ['a', 'b'])
    assert.deepEqual(await labels(second.engine.stream(3)), ['other'])
    await append(second.engine.stream(1), 'c')
    await second.engine.flush()
    const third = await fixture.open()
    assert.deepEqual(await labels(third.engine.stream(1)), ['a', 'b', 'c'])
    assert.equal(fixture.walMedium.records.length, 2, 'the marks of the third opening')
    await assert.rejects(append(stream, 'zombie'), error => StreambedError.is(error, 'OUTCOME_UNKNOWN'), 'was under way: nobody can say')
    await assert.rejects(append(stream, 'zombie'), error => StreambedError.is(error, 'FENCED'), 'never began')
  })

  it('a crash between commit and WAL trim does not repeat records', async () => {
    const fixture = new EngineFixture()
    const first = await fixture.open()
    await append(first.engine.stream(1), 'a')
    const held = [...fixture.walMedium.records]
    await first.engine.flush()
    fixture.walMedium.records.push(...held)
    const second = await fixture.open()
    assert.deepEqual(await labels(second.engine.stream(1)), ['a'])
    assert.equal(fixture.walMedium.records.length, 2, 'what objects hold is trimmed at once; the marks of the second opening stay')
  })

  it('refuses a WAL with a gap, naming stream and position', async () => {
    const fixture = new EngineFixture()
    const first = await fixture.open()
    for (const label of ['a', 'b', 'c']) await append(first.engine.stream(1), label)
    // The first two are the marks of the opening.
    fixture.walMedium.records.splice(3, 1)
    await assert.rejects(fixture.open(), error => StreambedError.is(error, 'CORRUPT') && /stream=1 expected=1 found=2/.test(error.message))
  })

  it('a put whose answer is lost is neither lost nor stored twice', async () => {
    const fixture = new EngineFixture()
    fixture.wrapStore = store => faultyObjectStore(store, { clock: fixture.clock, plan: faultOn('put', { kind: 'failAfter' }, 2) })
    const { engine } = await fixture.open()
    await append(engine.stream(1), 'a')
    await fixture.runUntil(engine.flush())
    assert.equal(fixture.objectCount(), 1)
    assert.deepEqual(await labels(engine.stream(1)), ['a'])
    await engine.close()
  })

  it('with the store down the WAL absorbs, then refuses, loses nothing, and resumes by itself', async () => {
    const fixture = new EngineFixture({ walBytes: 2 * 2 ** 20 })
    let isDown = true
    fixture.wrapStore = store => faultyObjectStore(store, { clock: fixture.clock, plan: () => isDown ? { kind: 'failBefore' } : { kind: 'none' } })
    const { engine } = await fixture.open({ pendingBytesMax: 2 ** 20, uploadBytes: 64 * 1024 })
    const stream = engine.stream(1)
    let accepted = 0
    for (let attempt = 0; attempt < 40; attempt++) {
      const before = stream.nextOffset
      await append(stream, `b${attempt}`, { size: 64 * 1024 }).then(() => { accepted++ }, error => {
        assert.ok(StreambedError.is(error, 'OVER_CAPACITY') && error.retriable)
        assert.equal(stream.nextOffset, before, 'a refused append leaves its offset free')
      })
    }
    assert.ok(accepted > 5 && accepted < 20, `accepted ${accepted}`)
    assert.ok(engine.pressure > 0.9)
    isDown = false
    await fixture.runUntil(engine.flush())
    await append(stream, 'after')
    assert.equal((await labels(stream)).length, accepted + 1)
    await engine.close()
  })

  it('short of room it uploads what there is, though it is less than an upload should be', async () => {
    const fixture = new EngineFixture()
    const { engine } = await fixture.open({ uploadBytes: 2 ** 30, pendingBytesMax: 256 * 1024 })
    const stream = engine.stream(1)
    for (let index = 0; index < 40; index++) {
      await append(stream, `b${index}`, { size: 32 * 1024 })
      await fixture.clock.run(10)
    }
    assert.ok(fixture.objectCount() > 0)
    assert.equal((await labels(stream)).length, 40)
    await engine.close()
  })

  it('deletes objects once no stream needs them, and orphans of crashed uploads', async () => {
    const fixture = new EngineFixture()
    const first = await fixture.open()
    await append(first.engine.stream(1), 'a')
    await append(first.engine.stream(3), 'x')
    await first.engine.flush()
    await first.engine.stream(1).trim(1)
    assert.equal(await first.engine.collectGarbage(), 0, 'the other stream still needs the object')
    await first.engine.stream(3).trim(1)
    assert.equal(await first.engine.collectGarbage(), 1)
    assert.equal(fixture.objectCount(), 0)
    // An upload that crashed between put and commit.
    const orphan = await first.catalog.reserveObjectIds(1)
    await new MemoryObjectStore({ clock: fixture.clock, medium: fixture.objects }).put(objectKey(orphan), payload('orphan'))
    assert.deepEqual(first.catalog.abandonedObjectIds(10), [], 'its own epoch may still commit it')
    await first.engine.close()
    const second = await fixture.open()
    await second.engine.collectGarbage()
    assert.equal(fixture.objectCount(), 0)
    assert.deepEqual(second.catalog.abandonedObjectIds(10), [])
    await second.engine.close()
  })

  it('deleting all topics empties the bucket', async () => {
    const fixture = new EngineFixture()
    const { engine, metadata } = await fixture.open()
    for (const streamId of [1, 3, 5, 7]) {
      await append(engine.stream(streamId), `s${streamId}`)
      await engine.flush()
    }
    assert.equal(fixture.objectCount(), 4)
    await append(engine.stream(1), 'not uploaded yet')
    await metadata.propose(() => ({ records: [{ type: 'topicDeleted', topicId, atMs: fixture.clock.wallMs() }], result: undefined }))
    await engine.flush()
    await engine.collectGarbage()
    assert.equal(fixture.objectCount(), 0)
    assert.equal(metadata.image.tables.condemned instanceof Map && metadata.image.tables.condemned.size, 0)
    await engine.close()
  })

  it('finds the first batch at or after a timestamp, in objects and in memory', async () => {
    const { engine } = await new EngineFixture().open({ logCacheBytesMax: 2_000, blockBytes: 1_000 })
    const stream = engine.stream(1)
    for (const [index, timestamp] of [10, 30, 20, 50, 40, 70].entries()) {
      await append(stream, `b${index}`, { timestamp, size: 80 })
      if (index === 3) await engine.flush()
    }
    const find = async (timestamp: number, from = 0): Promise<number | undefined> => (await stream.findTimestamp(timestamp, from))?.baseOffset
    assert.deepEqual(await Promise.all([0, 10, 11, 20, 31, 51, 71].map(timestamp => find(timestamp))), [0, 0, 1, 1, 3, 5, undefined])
    assert.equal(await find(11, 2), 2)
    assert.equal(stream.largestTimestamp(), 70)
    await engine.close()
  })

  it('offsets beyond 2^31 survive upload and recovery', async () => {
    const fixture = new EngineFixture()
    const { engine } = await fixture.open({ logCacheBytesMax: 1 })
    const stream = engine.stream(1)
    for (let index = 0; index < 4; index++) await append(stream, `b${index}`, { count: 0xffff_ffff })
    await engine.flush()
    await append(stream, 'tail')
    assert.equal(stream.confirmedOffset, 4 * 0xffff_ffff + 1)
    const second = await fixture.open({ logCacheBytesMax: 1 })
    assert.deepEqual(await labels(second.engine.stream(1), 2 * 0xffff_ffff), ['b2', 'b3', 'tail'])
    assert.equal(second.engine.stream(1).confirmedOffset, 4 * 0xffff_ffff + 1)
  })

  it('a damaged block refuses itself alone: what lies before and behind it in the object is served', async () => {
    const fixture = new EngineFixture()
    const options = { blockBytes: 4_096, streamObjectBytesMin: 1 }
    const first = await fixture.open(options)
    for (const label of ['a', 'b', 'c', 'd']) await append(first.engine.stream(1), label, { size: 4_096 })
    await fixture.runUntil(first.engine.flush())
    await first.engine.close()
    const [stored] = [...fixture.objects.objects.values()]
    const damagedAt = Buffer.from(stored!.bytes).indexOf('c.')
    // As a store with checksums of its own does: it refuses each range that the damage is in.
    fixture.wrapStore = store => new class extends RetryingObjectStore {
      override async get (key: string, get?: GetOptions): Promise<Uint8Array> {
        const { end = Infinity, start = 0 } = get?.range ?? {}
        if (start <= damagedAt && damagedAt < end) throw new StreambedError('CORRUPT', 'bytes fail their checksum')
        return await super.get(key, get)
      }
    }(store, fixture.environment, { name: 'default' })
    const { engine } = await fixture.open(options)
    const stream = engine.stream(1)
    assert.deepEqual(await labels(stream), ['a', 'b'])
    await assert.rejects(stream.fetch(2, all), error => StreambedError.is(error, 'CORRUPT'))
    assert.deepEqual(await labels(stream, 3), ['d'])
    await engine.close()
  })

  it('an object with any flipped bit is CORRUPT, never served', async () => {
    const fixture = new EngineFixture()
    const { engine } = await fixture.open({ logCacheBytesMax: 1 })
    await append(engine.stream(1), 'a', { size: 40 })
    await engine.flush()
    const [key, stored] = [...fixture.objects.objects][0]!
    for (let bit = 0; bit < stored.bytes.length * 8; bit += 7) {
      const bytes = Uint8Array.from(stored.bytes)
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
      fixture.objects.objects.set(key, { ...stored, bytes })
      const second = await fixture.open({ logCacheBytesMax: 1 })
      const outcome = await labels(second.engine.stream(1)).catch(error => error as unknown)
      // Bytes that no checksum covers are not read: the reserved ones of the footer.
      assert.ok(StreambedError.is(outcome, 'CORRUPT', 'UNSUPPORTED'), `bit ${bit} of ${stored.bytes.length * 8}: ${String(outcome)}`)
      await second.engine.close()
    }
  })
})
