import { StreambedError } from '@streambed/sdk'
import { nextTurn } from '@streambed/sdk/node'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'
import { listAll } from './suite.ts'
import type { ObjectStoreCheck } from './suite.ts'

const mib = 2 ** 20

export function consistencyChecks (check: ObjectStoreCheck): void {
  check('OS-K01', 'a new object is read by another instance at once (OS-1)', async open => {
    const [writer, reader] = [await open(), await open()]
    for (let n = 0; n < 100; n++) {
      await writer.put(`a/${n}`, pattern(100, n))
      sameBytes(await reader.get(`a/${n}`), pattern(100, n))
      assert.equal((await reader.head(`a/${n}`)).size, 100)
    }
  })

  check('OS-K03', 'a deleted object is found by nobody (OS-1)', async open => {
    const [writer, reader] = [await open(), await open()]
    for (let n = 0; n < 50; n++) {
      await writer.put('folder/a', pattern(10, n))
      await reader.get('folder/a')
      await writer.delete(['folder/a'])
      await rejectsWith(reader.get('folder/a'), 'NOT_FOUND')
      assert.deepEqual((await reader.list('folder/')).objects, [])
    }
  })

  check('OS-K04', 'a listing is exact after each put and delete (OS-1)', async open => {
    const [writer, reader] = [await open(), await open()]
    const expected: string[] = []
    for (let n = 0; n < 50; n++) {
      const key = `k/${String(n).padStart(3, '0')}`
      await writer.put(key, pattern(1))
      expected.push(key)
      if (n % 3 === 2) await writer.delete([expected.shift()!])
      assert.deepEqual(await listAll(reader, 'k/'), expected)
    }
  })

  check('OS-K05', 'a miss is not remembered', async open => {
    const [writer, reader] = [await open(), await open()]
    for (let n = 0; n < 20; n++) {
      await rejectsWith(reader.get(`a${n}`), 'NOT_FOUND')
      await writer.put(`a${n}`, pattern(5, n))
      sameBytes(await reader.get(`a${n}`), pattern(5, n))
    }
  })

  check('OS-K06', 'readers of an object under two writers see one of its versions, whole (OS-2)', async open => {
    const [left, right, reader] = [await open(), await open(), await open()]
    const bodies = [new Uint8Array(mib).fill(1), new Uint8Array(2 * mib).fill(2)]
    await left.put('a', bodies[0]!)
    let isDone = false
    const writers = Promise.all([left, right].map(async (store, who) => {
      for (let n = 0; n < 12; n++) await store.put('a', bodies[who]!)
    })).finally(() => { isDone = true })
    writers.catch(() => {})
    while (!isDone) {
      const bytes = await untilAnswered(() => reader.get('a'))
      sameBytes(bytes, bodies[bytes[0] === 2 ? 1 : 0]!, 'version')
      const part = await untilAnswered(() => reader.get('a', { range: { start: mib - 100_000, end: mib } }))
      sameBytes(part, new Uint8Array(100_000).fill(part[0]!), 'range of a version')
      // A store that answers at once would not let the writers have a turn.
      await nextTurn()
    }
    await writers
  })

  check('OS-K09', 'puts and deletes that share folders do not disturb each other', async open => {
    const stores = [await open(), await open()]
    const outcomes = await Promise.allSettled(stores.flatMap((store, who) => Array.from({ length: 4 }, async (_, worker) => {
      const key = `x/y/z/${who}-${worker}`
      for (let n = 0; n < 25; n++) {
        await store.put(key, pattern(10, n))
        sameBytes(await store.get(key), pattern(10, n))
        await store.delete([key])
      }
    })))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    assert.deepEqual(await listAll(stores[0]!, ''), [])
  })
}

/** Reads again what the service could not answer: some fail a read that meets an overwrite. */
async function untilAnswered (read: () => Promise<Uint8Array>): Promise<Uint8Array> {
  for (let times = 1; ; times++) {
    try {
      return await read()
    } catch (error) {
      if (times === 20 || !StreambedError.is(error) || !error.retriable) throw error
    }
  }
}
