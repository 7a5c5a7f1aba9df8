import { StreambedError, type ObjectStore } from '@streambed/sdk'
import { nextTurn } from '@streambed/sdk/node'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'
import { isLinearizable, type RegisterCall } from './linearizability.ts'
import { listAll } from './suite.ts'
import type { ObjectStoreCheck } from './suite.ts'

const mib = 2 ** 20
const countedTo = 40
const registers = Array.from({ length: 8 }, (_, n) => `register/${n}`)
/** Of each client. */
const registerCalls = 40

export function consistencyChecks (check: ObjectStoreCheck): void {
  check('OS-K01', 'a new object is read by another instance at once (OS-1)', async open => {
    const [writer, reader] = [await open(), await open()]
    for (let n = 0; n < 100; n++) {
      await writer.put(`a/${n}`, pattern(100, n))
      sameBytes(await reader.get(`a/${n}`), pattern(100, n))
      assert.equal((await reader.head(`a/${n}`)).size, 100)
    }
  })

  check('OS-K02', 'no reader is shown less than what was confirmed before it asked (OS-1)', async open => {
    const writers = [await open(), await open()]
    const readers = await Promise.all(Array.from({ length: 8 }, () => open()))
    await writers[0]!.put('counter', Buffer.from('0'))
    let confirmed = 0
    const reading = Promise.all(readers.map(async reader => {
      while (confirmed < countedTo) {
        const least = confirmed
        const seen = Number(Buffer.from(await untilAnswered(() => reader.get('counter'))).toString())
        assert.ok(seen >= least, `${seen} was read after ${least} was confirmed`)
        await nextTurn()
      }
    }))
    // Awaited below, when the writers have ended.
    reading.catch(() => {})
    for (let next = 1; next <= countedTo; next++) {
      await writers[next % 2]!.put('counter', Buffer.from(String(next)))
      confirmed = next
      // A store that answers at once would not let the readers have a turn.
      await nextTurn()
    }
    await reading
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

  check('OS-K08', 'calls that overlap take effect one after the other (OS-1)', async open => {
    const stores = [await open(), await open(), await open(), await open()]
    const histories = new Map(registers.map(key => [key, [] as RegisterCall[]]))
    let now = 0
    await Promise.all(Array.from({ length: 16 }, async (_, client) => {
      const store = stores[client % stores.length]!
      const draws = pattern(2 * registerCalls, client + 1)
      for (let n = 0; n < registerCalls; n++) {
        const key = registers[draws[2 * n]! % registers.length]!
        const begunAt = ++now
        const call = await callRegister(store, key, draws[2 * n + 1]! % 4, `${client}-${n}`)
        if (call !== undefined) histories.get(key)!.push({ ...call, begunAt, endedAt: call.isKnown ? ++now : Infinity })
      }
    }))
    for (const [key, calls] of histories) assert.ok(isLinearizable(calls), `no order of the ${calls.length} calls on ${key} explains what they answered`)
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

/** Deletes, writes or, half of the time, reads. Undefined when the service refused, with no effect. */
async function callRegister (store: ObjectStore, key: string, choice: number, value: string): Promise<Pick<RegisterCall, 'kind' | 'value'> & { readonly isKnown: boolean } | undefined> {
  const kind = choice < 2 ? 'write' : 'read'
  try {
    switch (choice) {
      case 0: {
        const [outcome] = await store.delete([key])
        return { kind, value: undefined, isKnown: outcome!.kind === 'deleted' }
      }
      case 1:
        await store.put(key, Buffer.from(value))
        return { kind, value, isKnown: true }
      default:
        return { kind, value: Buffer.from(await store.get(key)).toString(), isKnown: true }
    }
  } catch (error) {
    if (kind === 'read' && StreambedError.is(error, 'NOT_FOUND')) return { kind, value: undefined, isKnown: true }
    if (kind === 'write' && StreambedError.is(error, 'OUTCOME_UNKNOWN')) return { kind, value: choice === 0 ? undefined : value, isKnown: false }
    if (StreambedError.is(error) && error.retriable) return undefined
    throw error
  }
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
