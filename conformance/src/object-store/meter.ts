import assert from 'node:assert/strict'
import { pattern } from '../assertions.ts'
import { FaultProxy } from '../fault-proxy/fault-proxy.ts'
import { NotRun } from '../faults/fault-harness.ts'
import type { ObjectStoreFaultCheck } from './fault-rules.ts'
import { putAll } from './suite.ts'

const kinds = ['put', 'get', 'list', 'delete'] as const

export function meterChecks (check: ObjectStoreFaultCheck): void {
  check('OS-O01', 'counts the requests that it makes, by how they are billed', ['refuse conflict'], async bench => {
    const { counters } = bench
    if (counters === undefined) throw new NotRun('this runner keeps no counters')
    const { plane, subject: store } = await bench.open({})
    if (!(plane instanceof FaultProxy)) throw new NotRun('requests are counted on an endpoint of HTTP')
    const counted = (): number[] => kinds.map(kind => counters()[`object_store_${kind}_requests`] ?? 0)
    const [counterBefore, billedBefore] = [counted(), { ...plane.billed }]
    const keys = Array.from({ length: 12 }, (_, n) => `a/${n}`)
    await putAll(store, keys)
    await Promise.all(keys.slice(0, 7).map(key => store.get(key)))
    await Promise.all(keys.slice(0, 5).map(key => store.head(key)))
    await store.get('a/0', { range: { start: 0, end: 1 } })
    await store.get('missing').catch(() => undefined)
    await store.put('a/0', pattern(5), { ifAbsent: true }).catch(() => undefined)
    for (let n = 0; n < 3; n++) await store.list('a/')
    await store.delete(keys)
    const told = counted().map((count, index) => count - counterBefore[index]!)
    const seen = kinds.map(kind => plane.billed[kind] - billedBefore[kind])
    assert.deepEqual(Object.fromEntries(kinds.map((kind, index) => [kind, told[index]])), Object.fromEntries(kinds.map((kind, index) => [kind, seen[index]])), 'requests told of, and requests that came')
  })
}
