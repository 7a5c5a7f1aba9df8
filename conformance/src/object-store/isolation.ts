import type { Environment, ObjectStore } from '@streambed/sdk'
import { pattern, sameBytes } from '../assertions.ts'
import type { Target } from '../certify/target.ts'
import assert from 'node:assert/strict'
import { listAll } from './suite.ts'

const keys = ['a', 'b/c']

/** Two places whose names begin alike, in use at once: neither sees or deletes what the other holds (OS-C10). */
export async function keepsPlacesApart (target: Target, run: string, environment: Environment): Promise<void> {
  const sibling = `${run}b`
  try {
    await using left = await target.open(target.place(run), environment) as ObjectStore
    await using right = await target.open(target.place(sibling), environment) as ObjectStore
    for (const [seed, key] of keys.entries()) {
      await left.put(key, pattern(10, seed))
      await right.put(key, pattern(20, seed))
    }
    for (const [store, name] of [[left, run], [right, sibling]] as const) assert.deepEqual(await listAll(store, ''), keys, `listing of ${name}`)
    await left.delete(await listAll(left, ''))
    for (const [seed, key] of keys.entries()) sameBytes(await right.get(key), pattern(20, seed), `${key} of ${sibling}`)
    assert.deepEqual(await listAll(right, ''), keys, `listing of ${sibling}, once ${run} was emptied`)
  } finally {
    await target.cleanUp(sibling, environment)
  }
}
