import assert from 'node:assert/strict'
import { StreambedError } from '@streambed/sdk'
import { MemoryMetadataLog, MemoryMetadataMedium, MemoryObjectStore } from '@streambed/sdk/testing'
import { Incarnation, takeEpoch } from '../../src/main/register-node.ts'
import { Metadata } from '../../src/metadata/metadata.ts'
import { checkReach } from '../../src/main/wal-reach.ts'
import { objectKey } from '../../src/storage/object/object-key.ts'
import { encodeWalRecord, decodeWalRecord } from '../../src/storage/wal/wal-record.ts'
import type { Stream } from '../../src/storage/stream/stream.ts'
import { EngineFixture, nodeId, payload } from './engine-fixture.ts'

const isCorrupt = (pattern: RegExp) => (error: unknown): boolean => {
  assert.ok(StreambedError.is(error, 'CORRUPT'), String(error))
  assert.match(error.message, pattern)
  return true
}

async function append (stream: Stream, label: string, size?: number): Promise<void> {
  await stream.append({ baseOffset: stream.nextOffset, count: 1, largestTimestamp: -1, bytes: payload(label, size) }).durable
}

/** What the metadata log held at some time, to be put back later. */
class MetadataCopy {
  readonly #fixture: EngineFixture
  readonly #entries: readonly Uint8Array[]

  private constructor (fixture: EngineFixture, entries: readonly Uint8Array[]) {
    this.#fixture = fixture
    this.#entries = entries
  }

  static async of (fixture: EngineFixture): Promise<MetadataCopy> {
    const log = new MemoryMetadataLog(fixture.metadataMedium)
    const entries: Uint8Array[] = []
    for (;;) {
      const page = await log.read(entries.length)
      entries.push(...page.entries)
      if (entries.length >= page.end) return new MetadataCopy(fixture, entries)
    }
  }

  async putBack (): Promise<void> {
    this.#fixture.metadataMedium = new MemoryMetadataMedium()
    await new MemoryMetadataLog(this.#fixture.metadataMedium).append(0, this.#entries)
  }
}

function fixtureOf (seed: string): EngineFixture { return new EngineFixture({ seed }) }

describe('metadata that lost its end', () => {
  it('is refused by records of a stream that it never gave out, and nothing is trimmed', async () => {
    const fixture = fixtureOf('streams')
    const first = await fixture.open()
    const copy = await MetadataCopy.of(fixture)
    await first.metadata.propose(image => ({ records: [{ type: 'topicCreated', topicId: 'B', name: 'b', partitionCount: 1, ownerNodeId: nodeId, firstStreamId: image.nextStreamId, configs: {} }], result: undefined }))
    await append(first.engine.stream(9), 'of b')
    await copy.putBack()
    const held = fixture.walMedium.records.length
    for (let start = 0; start < 5; start++) await assert.rejects(fixture.open(), isCorrupt(/metadata log has lost its end.*(stream=9 next=9|reached=\d+ reaches=\d+)/s), `start ${start}`)
    assert.equal(fixture.walMedium.records.length, held)
  })

  it('is refused by records that name a position past its end, however often it is started again', async () => {
    const fixture = fixtureOf('positions')
    const first = await fixture.open()
    const copy = await MetadataCopy.of(fixture)
    for (let n = 0; n < 3; n++) await first.catalog.reserveObjectIds(1)
    await append(first.engine.stream(1), 'a')
    await copy.putBack()
    // Each refused start leaves an entry in the log: it soon reaches further than the WAL names.
    for (let start = 0; start < 10; start++) await assert.rejects(fixture.open(), isCorrupt(/reached=\d+ reaches=\d+/), `start ${start}`)
  })

  it('is refused by the mark of a clean end, though no record was written', async () => {
    const fixture = fixtureOf('mark')
    const first = await fixture.open()
    const copy = await MetadataCopy.of(fixture)
    await first.catalog.reserveObjectIds(1)
    await first.engine.mark()
    await copy.putBack()
    await assert.rejects(fixture.open(), isCorrupt(/reached=\d+ reaches=\d+/))
  })

  it('is refused by a WAL that was trimmed further than it knows of', async () => {
    const fixture = fixtureOf('trimmed')
    const first = await fixture.open()
    await append(first.engine.stream(1), 'a')
    const { id } = first.wal.identity
    await first.metadata.propose(() => ({ records: [{ type: 'nodeWalOpened', nodeId, epoch: fixture.nodeEpoch, wal: { plugin: 'memory', options: {}, id }, walPosition: -1 }], result: undefined }))
    const node = first.metadata.image.node(nodeId)!
    await first.engine.flush()
    const flushed = first.metadata.image.node(nodeId)!
    const { identity } = await fixture.open().then(({ wal }) => wal)
    assert.doesNotThrow(() => checkReach({ identity }, flushed))
    assert.throws(() => checkReach({ identity }, node), isCorrupt(/WAL was trimmed further than this log knows of/))
    assert.doesNotThrow(() => checkReach({ identity: { ...identity, id: 'another' } }, node), 'the position is of another WAL')
  })

  it('an older copy of the WAL is refused by what the metadata knows of it', async () => {
    const fixture = fixtureOf('older-wal')
    const first = await fixture.open()
    const { id } = first.wal.identity
    await first.metadata.propose(() => ({ records: [{ type: 'nodeWalOpened', nodeId, epoch: fixture.nodeEpoch, wal: { plugin: 'memory', options: {}, id }, walPosition: -1 }], result: undefined }))
    await append(first.engine.stream(1), 'a')
    await first.engine.flush()
    const node = first.metadata.image.node(nodeId)!
    assert.throws(() => checkReach({ identity: { id, writerEpoch: fixture.nodeEpoch, last: -1, trimmed: -1 } }, node), isCorrupt(/WAL has lost its end.*it once reached further/))
  })

  it('is not what a process proves that writes on after another has taken over', async () => {
    const fixture = fixtureOf('takeover')
    const first = await fixture.open()
    const second = await Metadata.open({ log: new MemoryMetadataLog(fixture.metadataMedium), environment: fixture.environment, snapshotEveryEntries: 50 })
    await takeEpoch(second, nodeId, new Incarnation(fixture.environment))
    await second.propose(image => ({ records: [{ type: 'idsSkipped', nextStreamId: image.nextStreamId, nextObjectId: image.nextObjectId + 5, nextProducerId: 0 }], result: undefined }))
    await first.metadata.refresh()
    await append(first.engine.stream(1), 'late, but confirmed')
    const third = await fixture.open()
    assert.equal(third.engine.stream(1).confirmedOffset, 1)
    await assert.rejects(first.catalog.trimStream(1, 1), error => StreambedError.is(error, 'FENCED'))
    await third.engine.close()
    await second.close()
  })

  for (const { answer, name } of [
    { name: 'has a flipped bit', answer: (bytes: Uint8Array) => bytes.map((byte, at) => at === 3 ? byte ^ 1 : byte) },
    { name: 'is short', answer: (bytes: Uint8Array) => bytes.slice(0, 5) },
    { name: 'says that there is nothing', answer: () => { throw new StreambedError('NOT_FOUND', 'no such object, it says') } }
  ]) {
    it(`is not proven by one answer of the store that ${name}`, async () => {
      const fixture = fixtureOf(`lie ${name}`)
      let lies = 1
      fixture.wrapStore = store => new Proxy(store, {
        get: (target, method) => {
          if (method === 'put') return async (...args: Parameters<MemoryObjectStore['put']>) => {
            await target.put(...args)
            return await target.put(...args)
          }
          if (method === 'get') return async (...args: Parameters<MemoryObjectStore['get']>) => {
            const bytes = await target.get(...args)
            return lies-- > 0 ? answer(bytes) : bytes
          }
          const value: unknown = Reflect.get(target, method)
          return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value
        }
      })
      const { engine } = await fixture.open()
      await append(engine.stream(1), 'a')
      await fixture.runUntil(engine.flush())
      assert.ok(lies < 1, 'it was asked')
      assert.equal(fixture.objectCount(), 1)
      await engine.close()
    })
  }

  it('a copy of the WAL from before its last opening is refused, though nothing was appended since, and whoever had it open meanwhile', async () => {
    const fixture = fixtureOf('older-wal')
    const first = await fixture.open()
    const { identity: { id } } = first.wal
    await first.metadata.propose(() => ({ records: [{ type: 'nodeWalOpened', nodeId, epoch: fixture.nodeEpoch, wal: { plugin: 'memory', options: {}, id }, walPosition: fixture.walMedium.lastPosition }], result: undefined }))
    const second = await fixture.open()
    const { identity } = second.wal
    const node = second.metadata.image.node(nodeId)!
    assert.doesNotThrow(() => checkReach({ identity: { ...identity, last: fixture.walMedium.lastPosition } }, node))
    for (const writerEpoch of [identity.writerEpoch, node.epoch, node.epoch + 1]) {
      assert.throws(() => checkReach({ identity: { ...identity, writerEpoch } }, node), isCorrupt(/WAL has lost its end.*it once reached further/))
    }
    assert.doesNotThrow(() => checkReach({ identity: { ...identity, id: 'another' } }, node), 'the position is of another WAL')
  })

  it('a start that was ended between its mark and its note refuses no later one', async () => {
    const fixture = fixtureOf('mark-only')
    const first = await fixture.open()
    await append(first.engine.stream(1), 'a')
    for (let start = 0; start < 3; start++) {
      const { engine } = await fixture.openUnnoted()
      await engine.mark()
    }
    const { engine } = await fixture.open()
    assert.equal(engine.stream(1).nextOffset, 1)
  })

  it('serves with a WAL that has no room for the mark of its opening, and makes room', async () => {
    const fixture = new EngineFixture({ seed: 'no-room', walBytes: 4 * 2 ** 20 })
    let isStoreThere = false
    fixture.wrapStore = store => new Proxy(store, {
      get: (target, name) => {
        if (name === 'put' && !isStoreThere) return async () => { throw new StreambedError('UNAVAILABLE', 'no store') }
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value
      }
    })
    const first = await fixture.open()
    const isFull = (error: unknown): boolean => StreambedError.is(error, 'OVER_CAPACITY')
    await assert.rejects(async () => { for (;;) await append(first.engine.stream(1), 'a', 2 ** 16) }, isFull)
    await assert.rejects(async () => { for (;;) await first.engine.mark() }, isFull)
    const { nextOffset } = first.engine.stream(1)
    isStoreThere = true
    const second = await fixture.open()
    assert.equal(second.engine.stream(1).nextOffset, nextOffset)
    await fixture.runUntil(second.engine.flush())
    await append(second.engine.stream(1), 'b')
  })

  it('is refused by an object under a name that was given out just now; the object and the WAL stay', async () => {
    const fixture = fixtureOf('objects')
    const first = await fixture.open()
    const copy = await MetadataCopy.of(fixture)
    await append(first.engine.stream(1), 'a')
    await first.engine.flush()
    const objects = new Map(fixture.objects.objects)
    await copy.putBack()
    // The WAL is another one, so that only the objects tell.
    fixture.walMedium.records.length = 0
    const second = await fixture.open()
    await append(second.engine.stream(1), 'other')
    const held = [...fixture.walMedium.records]
    await assert.rejects(second.engine.flush(), isCorrupt(/is there already, with other bytes.*key=objects\/01\//s))
    assert.ok(StreambedError.is(await second.engine.failed, 'CORRUPT'))
    assert.deepEqual(fixture.objects.objects, objects)
    assert.deepEqual(fixture.walMedium.records, held)
    await second.engine.close()
  })

  it('an object of ours that a first attempt finds is taken for what it is', async () => {
    const fixture = fixtureOf('repeated')
    let isFirst = true
    fixture.wrapStore = store => new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (name !== 'put' || !isFirst) return typeof value === 'function' ? (...args: unknown[]): unknown => Reflect.apply(value, target, args) : value
        // A driver that sends twice and hears of the second only.
        return async (...args: Parameters<MemoryObjectStore['put']>) => {
          isFirst = false
          await target.put(...args)
          return await target.put(...args)
        }
      }
    })
    const { engine } = await fixture.open()
    await append(engine.stream(1), 'a')
    await engine.flush()
    assert.equal(fixture.objectCount(), 1)
    await engine.close()
  })

  it('trims nothing while it recovers, so that a refusal at the last record leaves the first', async () => {
    const fixture = fixtureOf('hold')
    const first = await fixture.open()
    for (let n = 0; n < 20; n++) await append(first.engine.stream(1), `a${n}`)
    const { records } = fixture.walMedium
    const last = records.at(-1)!
    const [header, bytes] = encodeWalRecord({ streamId: 99, streamEpoch: 0, catalogPosition: 0 }, { baseOffset: 0, count: 1, largestTimestamp: -1, bytes: payload('unknown') })
    records.push({ position: last.position + 1, data: Buffer.concat([header!, bytes!]) })
    const held = [...records]
    await assert.rejects(fixture.open({ pendingBytesMax: 256 }), isCorrupt(/stream=99/))
    assert.deepEqual(records, held)
  })
})

describe('records of a WAL', () => {
  it('of streams that were deleted or have moved are skipped, and trimmed once that is noted', async () => {
    const fixture = fixtureOf('skipped')
    const first = await fixture.open()
    await append(first.engine.stream(1), 'a')
    await first.metadata.propose(() => ({ records: [{ type: 'topicDeleted', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', atMs: 0 }], result: undefined }))
    const second = await fixture.open()
    assert.equal(fixture.walMedium.records.length, 2, 'the marks of the second opening')
    assert.ok(second.metadata.image.node(nodeId)!.walPosition! >= fixture.walMedium.trimmed)
    await second.engine.close()
  })

  it('of another epoch of their stream are skipped', async () => {
    const fixture = fixtureOf('epochs')
    const first = await fixture.open()
    const [header, bytes] = encodeWalRecord({ streamId: 1, streamEpoch: 7, catalogPosition: 0 }, { baseOffset: 0, count: 1, largestTimestamp: -1, bytes: payload('of another epoch') })
    await first.wal.append([header!, bytes!])
    await append(first.engine.stream(1), 'a')
    const second = await fixture.open()
    assert.equal(second.engine.stream(1).confirmedOffset, 1)
    await second.engine.close()
  })

  it('of version 1 are read for ever', () => {
    // Version, kind, reserved, stream, base offset, count, largest timestamp, size, reserved, batch.
    const old = Buffer.from('0101 0000 0000000000000005 0000000080000001 00000003 00000000000004d2 00000004 00000000 deadbeef'.replaceAll(' ', ''), 'hex')
    const entry = decodeWalRecord(old)
    assert.deepEqual({ ...entry, batch: undefined }, { kind: 'batch', streamId: 5, streamEpoch: undefined, catalogPosition: 0, batch: undefined })
    assert.deepEqual(entry.kind === 'batch' && { ...entry.batch, bytes: Buffer.from(entry.batch.bytes).toString('hex') }, { baseOffset: 0x8000_0001, count: 3, largestTimestamp: 1234, bytes: 'deadbeef' })
  })

  it('of version 2 say stream epoch and catalog position', () => {
    const [header, bytes] = encodeWalRecord({ streamId: 5, streamEpoch: 9, catalogPosition: 2 ** 40 }, { baseOffset: 0x8000_0001, count: 3, largestTimestamp: 1234, bytes: Buffer.from('deadbeef', 'hex') })
    assert.equal(Buffer.from(header!).toString('hex'), '0201' + '0000' + '0000000000000005' + '0000000080000001' + '00000003' + '00000000000004d2' + '00000004' + '00000009' + '0000010000000000')
    const entry = decodeWalRecord(Buffer.concat([header!, bytes!]))
    assert.deepEqual([entry.kind, entry.catalogPosition, entry.kind === 'batch' && entry.streamEpoch], ['batch', 2 ** 40, 9])
  })
})

describe('an append that is decided at once', () => {
  it('one that was under way when the path failed is in doubt; one that never began is not', async () => {
    const fixture = fixtureOf('doubt')
    const first = await fixture.open()
    const stream = first.engine.stream(1)
    await append(stream, 'a')
    const zombies = [0, 1, 2].map(n => stream.append({ baseOffset: stream.nextOffset, count: 1, largestTimestamp: -1, bytes: payload(`z${n}`) }).durable)
    fixture.walMedium.highestEpoch = 1_000
    const more = stream.append({ baseOffset: stream.nextOffset, count: 1, largestTimestamp: -1, bytes: payload('late') }).durable
    const outcomes = await Promise.allSettled([...zombies, more])
    assert.ok(outcomes.slice(-1).every(outcome => outcome.status === 'rejected' && StreambedError.is(outcome.reason, 'OUTCOME_UNKNOWN')))
    const before = stream.nextOffset
    assert.throws(() => stream.append({ baseOffset: before, count: 1, largestTimestamp: -1, bytes: payload('never') }), (error: unknown) => StreambedError.is(error, 'FENCED'))
    assert.equal(stream.nextOffset, before)
    await first.engine.close()
  })
})

describe('what an upload leaves behind', () => {
  it('a put that lands after its name was deleted is deleted again after the grace', async () => {
    const fixture = fixtureOf('late-put')
    const first = await fixture.open()
    const orphan = await first.catalog.reserveObjectIds(1)
    const second = await fixture.open({ deletionGraceMs: 1_000 })
    await second.engine.collectGarbage()
    assert.deepEqual(second.catalog.abandonedObjectIds(10), [])
    await new MemoryObjectStore({ clock: fixture.clock, medium: fixture.objects }).put(objectKey(orphan), payload('late'))
    await fixture.clock.advance(999)
    await second.engine.collectGarbage()
    assert.equal(fixture.objectCount(), 1)
    await fixture.clock.advance(1)
    await second.engine.collectGarbage()
    assert.equal(fixture.objectCount(), 0)
    assert.deepEqual(second.catalog.lateObjectIds(Infinity, 10), [])
    await second.engine.close()
  })

  it('one that lands even later is found by the sweep, which touches nothing else', async () => {
    const fixture = fixtureOf('sweep')
    const first = await fixture.open()
    const orphan = await first.catalog.reserveObjectIds(1)
    const second = await fixture.open()
    await append(second.engine.stream(1), 'a')
    await second.engine.flush()
    await second.engine.collectGarbage()
    await second.engine.collectGarbage()
    const store = new MemoryObjectStore({ clock: fixture.clock, medium: fixture.objects })
    const reserved = await second.catalog.reserveObjectIds(1)
    const [live] = [...fixture.objects.objects.keys()]
    const foreign = ['objects/01/readme', 'objects/01/00000000000000zz', `objects/ff/${'0'.repeat(14)}01`, objectKey(1_000_000)]
    for (const key of [objectKey(orphan), objectKey(reserved), ...foreign]) await store.put(key, payload('late'))
    let deleted = 0
    for (let step = 0; step < 2 * 256; step++) deleted += await second.engine.sweepObjects()
    assert.equal(deleted, 1)
    assert.deepEqual(new Set(fixture.objects.objects.keys()), new Set([live!, objectKey(reserved), ...foreign]))
    await second.engine.close()
  })

  it('a fenced uploader deletes what it put', async () => {
    const fixture = fixtureOf('fenced')
    const first = await fixture.open()
    await append(first.engine.stream(1), 'a')
    await first.metadata.propose(() => ({ records: [{ type: 'nodeEpochTaken', nodeId, incarnation: 'another' }], result: undefined }))
    const reserve = first.catalog.reserveObjectIds.bind(first.catalog)
    await assert.rejects(reserve(1), error => StreambedError.is(error, 'FENCED'))
    // It had its ids before.
    const second = await fixture.open()
    await append(second.engine.stream(3), 'b')
    const commit = second.catalog.commitObjects.bind(second.catalog)
    second.catalog.commitObjects = async (...args) => {
      await second.metadata.propose(() => ({ records: [{ type: 'nodeEpochTaken', nodeId, incarnation: 'another' }], result: undefined }))
      assert.ok(fixture.objectCount() > 0)
      await commit(...args)
    }
    await assert.rejects(second.engine.flush(), error => StreambedError.is(error, 'FENCED'))
    await second.engine.close()
    assert.equal(fixture.objectCount(), 0)
    await first.engine.close()
  })
})
