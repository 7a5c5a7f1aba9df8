import { entriesOf, rejectsWith } from '@streambed/conformance'
import { StreambedError, type MetadataLog, type MetadataRepair, type ObjectStore } from '@streambed/sdk'
import { MemoryObjectMedium, MemoryObjectStore, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import plugin from '../src/index.ts'
import { defaultOptions } from '../src/options.ts'

const clock = new VirtualClock()
const environment = testEnvironment({ clock })
const options = { ...defaultOptions, putDeadlineMs: 100 }

function slotKey (start: number): string { return `metadata/log/${String(start).padStart(16, '0')}` }
function markKey (at: number): string { return `metadata/log/z${String(at).padStart(16, '0')}` }
function snapshotKey (at: number): string { return `metadata/snapshots/${String(at).padStart(16, '0')}` }

function spoil (medium: MemoryObjectMedium, key: string): void {
  const { bytes } = medium.objects.get(key)!
  bytes[bytes.length - 1]! ^= 1
}

const open = (store: ObjectStore): Promise<MetadataLog> => plugin.open(options, environment, { objectStore: store })
const repair = (store: ObjectStore): Promise<MetadataRepair> => plugin.repair!(options, environment, { objectStore: store })
async function textsOf (log: MetadataLog, from: number): Promise<string[]> { return (await entriesOf(log, from)).map(entry => Buffer.from(entry).toString()) }
const textsOfRange = (from: number, end: number): string[] => Array.from({ length: end - from }, (_, n) => String(from + n))

/** Ten entries in slots of their own; with a snapshot at 6, the slots before 4 forgotten. */
async function tenEntries (isTruncated: boolean): Promise<{ readonly medium: MemoryObjectMedium, readonly store: MemoryObjectStore }> {
  const medium = new MemoryObjectMedium()
  const store = new MemoryObjectStore({ clock, medium })
  const log = await open(store)
  for (let n = 0; n < 10; n++) await log.append(n, [Buffer.from(String(n))])
  if (isTruncated) {
    await log.writeSnapshot(6, Buffer.from('state 6'))
    await log.truncateBefore(4)
  }
  await log.close()
  return { medium, store }
}

/** The store of a process that dies at its `at`th call that changes something, before or after the effect. */
function dyingStore (store: ObjectStore, at: number, isAfter: boolean): ObjectStore {
  let changes = 0
  let isDead = false
  const died = (): StreambedError => new StreambedError('PERMISSION_DENIED', 'the process is dead')
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]): Promise<unknown> => {
        if (isDead) throw died()
        if ((name !== 'put' && name !== 'delete') || changes++ !== at) return await Reflect.apply(value, target, args) as unknown
        isDead = true
        if (isAfter) await Reflect.apply(value, target, args)
        throw died()
      }
    }
  })
}

interface Case {
  readonly name: string
  readonly isTruncated: boolean
  readonly damage: (medium: MemoryObjectMedium) => void
  readonly end: number
  readonly lostFrom: number | undefined
  /** Of the first entry that is read afterwards. */
  readonly from: number
  readonly snapshotAt: number | undefined
}

const cases: readonly Case[] = [
  { name: 'a slot in the middle', isTruncated: false, damage: m => { spoil(m, slotKey(4)) }, end: 4, lostFrom: 4, from: 0, snapshotAt: undefined },
  { name: 'a slot that is missing', isTruncated: false, damage: m => { m.objects.delete(slotKey(4)) }, end: 4, lostFrom: 4, from: 0, snapshotAt: undefined },
  { name: 'the last slot', isTruncated: false, damage: m => { spoil(m, slotKey(9)) }, end: 9, lostFrom: 9, from: 0, snapshotAt: undefined },
  { name: 'the first slot', isTruncated: false, damage: m => { spoil(m, slotKey(0)) }, end: 0, lostFrom: 0, from: 0, snapshotAt: undefined },
  { name: 'a slot that a snapshot holds', isTruncated: true, damage: m => { spoil(m, slotKey(4)) }, end: 10, lostFrom: undefined, from: 6, snapshotAt: 6 },
  { name: 'a slot behind the snapshot', isTruncated: true, damage: m => { spoil(m, slotKey(8)) }, end: 8, lostFrom: 8, from: 6, snapshotAt: 6 },
  { name: 'all slots', isTruncated: true, damage: m => { for (let n = 4; n < 10; n++) spoil(m, slotKey(n)) }, end: 6, lostFrom: 6, from: 6, snapshotAt: 6 },
  { name: 'the snapshot without which the log begins nowhere', isTruncated: true, damage: m => { spoil(m, snapshotKey(6)) }, end: 0, lostFrom: 0, from: 0, snapshotAt: undefined },
  { name: 'the mark that says where it begins, gone', isTruncated: true, damage: m => { m.objects.delete(markKey(4)) }, end: 10, lostFrom: undefined, from: 6, snapshotAt: 6 }
]

describe('a repair of a metadata log in an object store', () => {
  for (const { damage, end, from, isTruncated, lostFrom, name, snapshotAt } of cases) {
    it(`of ${name} keeps the longest readable beginning, and the log goes on there`, async () => {
      const { medium, store } = await tenEntries(isTruncated)
      damage(medium)
      await rejectsWith((async () => {
        await using log = await open(store)
        await log.latestSnapshot()
        await entriesOf(log, isTruncated ? 4 : 0)
      })(), 'CORRUPT')
      const found = await repair(store)
      assert.deepEqual({ end: found.end, lostFrom: found.lostFrom }, { end, lostFrom })
      for (const key of found.setAside) assert.ok(medium.objects.has(key), key)
      assert.deepEqual(await repair(store), { end, setAside: [], lostFrom: undefined })
      const log = await open(store)
      assert.equal((await log.latestSnapshot())?.at, snapshotAt)
      assert.deepEqual(await textsOf(log, from), textsOfRange(from, end))
      await log.append(end, [Buffer.from(String(end))])
      await log.writeSnapshot(end + 1, Buffer.from('state'))
      await log.truncateBefore(end + 1)
      await log.append(end + 1, [Buffer.from(String(end + 1))])
      await log.close()
      const again = await open(store)
      assert.deepEqual(await textsOf(again, end + 1), textsOfRange(end + 1, end + 2))
      await again.close()
    })
  }

  it('stopped at any change, before or after it, the log is refused as before or reads as repaired, and no bytes are gone', async () => {
    for (const { damage, end, from, isTruncated, lostFrom, name, snapshotAt } of cases) {
      for (let change = 0; change < 40; change++) {
        for (const isAfter of [false, true]) {
          const what = `${name}, ${isAfter ? 'after' : 'before'} change ${change}`
          const { medium, store } = await tenEntries(isTruncated)
          damage(medium)
          const before = [...medium.objects.values()].map(({ bytes }) => bytes.slice())
          const stopped = await repair(dyingStore(store, change, isAfter)).then(() => undefined, (error: unknown) => error)
          const read = await (async () => {
            await using log = await open(store)
            const snapshot = await log.latestSnapshot()
            return { at: snapshot?.at, texts: await textsOf(log, from) }
          })().catch((error: unknown) => { if (!StreambedError.is(error, 'CORRUPT', 'OUT_OF_RANGE')) throw error })
          if (read !== undefined) assert.deepEqual(read, { at: snapshotAt, texts: textsOfRange(from, end) }, what)
          const last = await repair(store)
          assert.equal(last.end, end, what)
          if (read === undefined) assert.equal(last.lostFrom, lostFrom, what)
          for (const bytes of before) assert.ok([...medium.objects.values()].some(each => Buffer.compare(each.bytes, bytes) === 0), `${what}: bytes are gone`)
          await using log = await open(store)
          assert.deepEqual(await textsOf(log, from), textsOfRange(from, end), what)
          if (stopped === undefined) break
        }
      }
    }
  })
})
