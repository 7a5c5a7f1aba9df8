import assert from 'node:assert/strict'
import { StreambedError, type ObjectStore, type Wal } from '@streambed/sdk'
import { MemoryObjectMedium, MemoryObjectStore } from '@streambed/sdk/testing'
import { damagesOf, RotTable, verdictOf, type Stop } from '../../../tools/rot.ts'
import { bench, openWal, prefix, recovered, settle } from './support.ts'

type Objects = ReadonlyMap<string, Uint8Array>

const run = bench('rot')

function copyOf (medium: MemoryObjectMedium): Objects { return new Map([...medium.objects].map(([key, { bytes }]) => [key, bytes.slice()])) }

function storeOf (objects: Objects): { readonly medium: MemoryObjectMedium, readonly store: MemoryObjectStore } {
  const medium = new MemoryObjectMedium()
  for (const [key, bytes] of objects) medium.store(key, bytes.slice(), 0)
  return { medium, store: new MemoryObjectStore({ clock: run.clock, medium }) }
}

function record (id: number): Uint8Array { return new Uint8Array(200 + id * 131 % 700).fill(1 + id) }

async function idsOf (wal: Wal): Promise<number[]> {
  return (await recovered(wal)).map(({ data }) => {
    const id = data[0]! - 1
    assert.deepEqual(data, record(id), 'a record is other than it was appended')
    return id
  })
}

/** Two epochs, the second of which was stopped; when killed, with a put in flight that never arrived. */
async function stopped (stop: Stop): Promise<{ readonly now: Objects, readonly acknowledged: readonly number[] }> {
  const { medium, store } = storeOf(new Map())
  let isCut = false
  const cut = new Proxy<ObjectStore>(store, {
    get: (target, name) => {
      if (name === 'put' && isCut) return () => Promise.reject(new StreambedError('PERMISSION_DENIED', 'the process is dead'))
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    }
  })
  const acknowledged: number[] = []
  for (let epoch = 1; epoch <= 2; epoch++) {
    const wal = await openWal(cut, run.environment, epoch)
    for (let n = 0; n < 3; n++) {
      const id = acknowledged.length
      await settle(wal.append([record(id)]), run.clock, run.environment)
      acknowledged.push(id)
    }
    if (epoch === 2 && stop === 'killed') isCut = true
    if (epoch === 1 || stop === 'clean') await settle(wal.close(), run.clock, run.environment)
    else await assert.rejects(settle(wal.append([record(90)]), run.clock, run.environment))
  }
  return { now: copyOf(medium), acknowledged }
}

function partOf (key: string, keys: readonly string[]): string {
  if (key.includes('/claims/')) return 'claim'
  if (key.endsWith('/root')) return 'root'
  const group = keys.filter(each => each.startsWith(key.slice(0, -12)))
  const isLast = key === group.at(-1)
  if (key.includes('/0000000000000001/')) return isLast ? 'fence of an earlier epoch' : 'slot of an earlier epoch'
  // After a clean stop a slot without records stands behind them.
  return isLast ? 'last slot' : 'slot'
}

describe('rot of a log in an object store', () => {
  it('is refused by name, harmless, or listed in docs/rot.md', async () => {
    const table = new RotTable()
    for (const stop of ['clean', 'killed'] as const) {
      const { now, acknowledged } = await stopped(stop)
      const keys = [...now.keys()].sort()
      const isWhole = async (store: ObjectStore, writerEpoch: number): Promise<boolean> => {
        const wal = await settle(openWal(store, run.environment, writerEpoch), run.clock, run.environment)
        try {
          const ids = await settle(idsOf(wal), run.clock, run.environment)
          return acknowledged.every(id => ids.includes(id))
        } finally {
          await settle(wal.close(), run.clock, run.environment)
        }
      }
      assert.ok(await isWhole(storeOf(now).store, 3), 'undamaged')
      for (const key of keys) {
        // Never replaced: there is no older copy.
        for (const { damage, where, bytes } of damagesOf(now.get(key)!, undefined)) {
          const objects = new Map(now)
          if (bytes === undefined) objects.delete(key)
          else objects.set(key, bytes)
          const { medium, store } = storeOf(objects)
          const verdict = await verdictOf(() => isWhole(store, 3), prefix)
          if (verdict === 'refused') {
            const what = `${key} ${damage} ${where}`
            // Claims of lower epochs go as always.
            for (const [each, before] of objects) if (!each.includes('/claims/')) assert.ok(Buffer.compare(medium.objects.get(each)!.bytes, before) === 0, `${what}: ${each} stays`)
            medium.store(key, now.get(key)!.slice(), 0)
            assert.ok(await isWhole(store, 4), `${what}: put back, all is there`)
          }
          table.add(partOf(key, keys), damage, stop, verdict)
        }
      }
    }
    table.check('wal-object')
  })
})
