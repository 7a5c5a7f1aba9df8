import { entriesOf } from '@streambed/conformance'
import type { ObjectStore } from '@streambed/sdk'
import { MemoryObjectMedium, MemoryObjectStore, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { damagesOf, RotTable, verdictOf, type Verdict } from '../../../tools/rot.ts'
import plugin from '../src/index.ts'
import { defaultOptions } from '../src/options.ts'

type Objects = ReadonlyMap<string, Uint8Array>

const clock = new VirtualClock()
const environment = testEnvironment({ clock })

function storeOf (objects: Objects): { readonly medium: MemoryObjectMedium, readonly store: ObjectStore } {
  const medium = new MemoryObjectMedium()
  for (const [key, bytes] of objects) medium.store(key, bytes.slice(), 0)
  return { medium, store: new MemoryObjectStore({ clock, medium }) }
}

function copyOf (medium: MemoryObjectMedium): Objects { return new Map([...medium.objects].map(([key, { bytes }]) => [key, bytes.slice()])) }

function entry (position: number): Uint8Array { return new Uint8Array(100 + position * 131 % 900).fill(1 + position) }

/** A stop leaves no trace: other brokers may go on. `isTruncated`: with a snapshot, and a mark that forgets what it holds. */
async function logOf (isTruncated: boolean): Promise<{ readonly now: Objects, readonly end: number }> {
  const { medium, store } = storeOf(new Map())
  const log = await plugin.open(defaultOptions, environment, { objectStore: store })
  let end = 0
  const append = async (count: number): Promise<void> => { for (const until = end + count; end < until; end++) await log.append(end, [entry(end)]) }
  await append(6)
  if (isTruncated) {
    await log.writeSnapshot(4, new Uint8Array(1500).fill(4))
    await log.truncateBefore(4)
  }
  await append(3)
  await log.close()
  return { now: copyOf(medium), end }
}

async function isWhole (store: ObjectStore, end: number): Promise<boolean> {
  await using log = await plugin.open(defaultOptions, environment, { objectStore: store })
  const snapshot = await log.latestSnapshot()
  const from = snapshot?.at ?? 0
  const entries = await entriesOf(log, from)
  for (const [n, found] of entries.entries()) assert.deepEqual(new Uint8Array(found), entry(from + n), 'an entry is other than it was written')
  return from + entries.length >= end
}

function partOf (key: string, keys: readonly string[]): string {
  if (key.includes('/snapshots/')) return 'snapshot'
  if (key.includes('/log/z')) return 'mark'
  return key === keys.findLast(each => /\/log\/\d/.test(each)) ? 'last slot' : 'slot'
}

describe('rot of a metadata log in an object store', () => {
  it('is refused by name, harmless, or listed in docs/rot.md; and every refusal has a repair', async () => {
    const table = new RotTable()
    for (const isTruncated of [false, true]) {
      const { now, end } = await logOf(isTruncated)
      assert.ok(await isWhole(storeOf(now).store, end), 'undamaged')
      const keys = [...now.keys()].sort()
      for (const key of keys) {
        for (const { damage, where, bytes } of damagesOf(now.get(key)!, undefined)) {
          const objects = new Map(now)
          if (bytes === undefined) objects.delete(key)
          else objects.set(key, bytes)
          const verdict = await judge(objects, end, `${key} ${damage} ${where}`)
          for (const stop of ['clean', 'killed'] as const) table.add(partOf(key, keys), damage, stop, verdict)
        }
      }
    }
    table.check('metadata-object')
  })
})

async function judge (objects: Objects, end: number, what: string): Promise<Verdict> {
  const { medium, store } = storeOf(objects)
  const verdict = await verdictOf(async () => await isWhole(store, end), 'metadata/')
  if (verdict !== 'refused') return verdict
  assert.deepEqual(copyOf(medium), objects, `${what}: a refusal changes nothing`)
  const context = { objectStore: store }
  const repair = await plugin.repair!(defaultOptions, environment, context)
  assert.ok(await isWhole(store, repair.end), `${what}: all is readable up to ${repair.end}`)
  if (repair.lostFrom === undefined) assert.ok(repair.end >= end, `${what}: lost without a word`)
  const kept = [...copyOf(medium).values()]
  for (const [key, bytes] of objects) assert.ok(kept.some(each => Buffer.compare(each, bytes) === 0), `${what}: the bytes of ${key} are gone`)
  assert.deepEqual(await plugin.repair!(defaultOptions, environment, context), { end: repair.end, setAside: [], lostFrom: undefined }, what)
  // The log goes on, and the next repair finds nothing.
  await using log = await plugin.open(defaultOptions, environment, context)
  await log.append(repair.end, [entry(repair.end)])
  return verdict
}
