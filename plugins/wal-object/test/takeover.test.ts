import assert from 'node:assert/strict'
import { StreambedError, sleep, type ObjectStore, type PutOptions } from '@streambed/sdk'
import { MemoryObjectMedium, MemoryObjectStore, type VirtualClock } from '@streambed/sdk/testing'
import { bench, openWal, recovered, settle } from './support.ts'

/** A process' way to the store on which a test can hold puts up, before they take effect, and let them go. */
class Gate {
  readonly store: ObjectStore
  holds: (key: string) => boolean = () => false
  readonly #held: (() => void)[] = []

  constructor (medium: MemoryObjectMedium, clock: VirtualClock) {
    const inner = new MemoryObjectStore({ clock, medium })
    this.store = Object.assign(Object.create(inner) as ObjectStore, {
      put: async (key: string, body: Uint8Array, options?: PutOptions) => {
        if (this.holds(key)) await new Promise<void>(resolve => { this.#held.push(resolve) })
        return await inner.put(key, body, options?.ifAbsent === true ? { ifAbsent: true } : {})
      },
      get: inner.get.bind(inner),
      list: inner.list.bind(inner),
      delete: inner.delete.bind(inner)
    })
  }

  get heldCount (): number { return this.#held.length }

  release (): void {
    this.holds = () => false
    for (const resolve of this.#held.splice(0)) resolve()
  }
}

async function codeOf (pending: Promise<unknown>): Promise<string> {
  try { await pending } catch (error) { return StreambedError.is(error) ? error.code : String(error) }
  return 'resolved'
}

function texts (records: readonly { readonly data: Uint8Array }[]): string[] { return records.map(({ data }) => Buffer.from(data).toString()) }

/** Hedges and timeouts are other tests' affair. */
const patient = { hedgeShareMax: 0, putTimeoutMs: 600_000, putDeadlineMs: 600_000, batchIntervalMsMax: 0 }

describe('a takeover', () => {
  const { clock, environment } = bench('takeover')
  let medium: MemoryObjectMedium
  const gate = (): Gate => new Gate(medium, clock)
  const run = <T>(body: () => Promise<T>): Promise<T> => settle(body(), clock, environment)

  beforeEach(() => { medium = new MemoryObjectMedium() })

  it('leaves out what lands behind its fence, then or later, and the old writer confirms none of it', async () => {
    await run(async () => {
      const old = gate()
      const first = await openWal(old.store, environment, 1, patient)
      await first.append([Buffer.from('confirmed')])
      // Slots 1 to 4 are under way: 2 lands before the takeover, 3 and 4 after it, 1 last.
      old.holds = key => !key.endsWith('2')
      const pending = ['one', 'two', 'three', 'four'].map(async (text, n) => {
        await sleep(clock, n * 10)
        return await codeOf(first.append([Buffer.from(text)]))
      })
      await sleep(clock, 100)
      assert.equal(old.heldCount, 3)
      const second = await openWal(gate().store, environment, 2, patient)
      assert.deepEqual(texts(await recovered(second)), ['confirmed'])
      await second.append([Buffer.from('later')])
      old.release()
      assert.deepEqual(await Promise.all(pending), ['FENCED', 'FENCED', 'FENCED', 'FENCED'])
      assert.equal(await codeOf(first.append([Buffer.from('x')])), 'FENCED')
      await first.close()
      await second.close()
      assert.equal(medium.sortedKeys('logs/one/slots/0000000000000001/').length, 5, 'the late ones landed')
      const third = await openWal(gate().store, environment, 3, patient)
      const records = await recovered(third)
      assert.deepEqual(texts(records), ['confirmed', 'later'])
      await third.trim(records[1]!.position)
      await third.append([Buffer.from('x')])
      await sleep(clock, 100)
      assert.equal(medium.sortedKeys('logs/one/slots/0000000000000001/').length, 1, 'the late ones are swept, the fence stays')
      await third.close()
    })
  })

  it('recovers what was stored and never confirmed, when nothing before it is missing', async () => {
    await run(async () => {
      const old = gate()
      const first = await openWal(old.store, environment, 1, patient)
      old.holds = key => key.endsWith('0')
      const pending = Promise.all(['zero', 'one'].map(async (text, n) => {
        await sleep(clock, n * 10)
        return await codeOf(first.append([Buffer.from(text)]))
      }))
      await sleep(clock, 100)
      old.release()
      assert.deepEqual(await pending, ['resolved', 'resolved'])
      const second = await openWal(gate().store, environment, 2, patient)
      assert.deepEqual(texts(await recovered(second)), ['zero', 'one'])
      await Promise.all([first.close(), second.close()])
    })
  })

  for (const before of [['a'], []]) {
    it(`is refused when it stood still before its fence, and that then lands where a later epoch has deleted, behind ${before.length} records`, async () => {
      await run(async () => {
        const first = await openWal(gate().store, environment, 1, patient)
        for (const text of before) await first.append([Buffer.from(text)])
        const slow = gate()
        slow.holds = key => key.includes('/slots/')
        const second = codeOf(openWal(slow.store, environment, 2, patient))
        await sleep(clock, 10)
        assert.equal(slow.heldCount, 1, 'the fence for the next slot is under way')
        await first.append([Buffer.from('b')])
        await first.append([Buffer.from('c')])
        const third = await openWal(gate().store, environment, 3, patient)
        const records = await recovered(third)
        assert.deepEqual(texts(records), [...before, 'b', 'c'])
        await third.trim(records.at(-1)!.position)
        await third.append([Buffer.from('d')])
        await sleep(clock, 100)
        const fence = before.length + 2
        assert.deepEqual(medium.sortedKeys('logs/one/slots/0000000000000001/').map(key => Number(key.slice(-2))), [fence], 'that slot is free again')
        slow.release()
        assert.equal(await second, 'FENCED')
        await third.append([Buffer.from('e')])
        await Promise.all([first.close(), third.close()])
        const fourth = await openWal(gate().store, environment, 4, patient)
        assert.deepEqual(texts(await recovered(fourth)), ['d', 'e'])
        await fourth.close()
      })
    })
  }

  it('that stands still keeps the writer from deleting where its fence may land', async () => {
    await run(async () => {
      const first = await openWal(gate().store, environment, 1, patient)
      await first.append([Buffer.from('a')])
      const slow = gate()
      slow.holds = key => key.includes('/slots/')
      const second = openWal(slow.store, environment, 2, patient)
      await sleep(clock, 10)
      let last = 0
      for (const text of ['b', 'c', 'd']) last = await first.append([Buffer.from(text)])
      await first.trim(last)
      await first.append([Buffer.from('e')])
      await sleep(clock, 3_000)
      slow.release()
      const wal = await second
      assert.deepEqual(texts(await recovered(wal)), ['e'])
      assert.equal(await codeOf(first.append([Buffer.from('f')])), 'FENCED')
      await Promise.all([first.close(), wal.close()])
    })
  })

  it('comes to its end while the old writer fills slot after slot', async () => {
    await run(async () => {
      const latencyOf = (medium_: MemoryObjectMedium): ObjectStore => {
        const inner = new MemoryObjectStore({ clock, medium: medium_ })
        const late = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
          await sleep(clock, 30)
          const outcome = await call(...args).then(value => () => value, (error: unknown) => () => { throw error })
          await sleep(clock, 30)
          return outcome()
        }
        return Object.assign(Object.create(inner) as ObjectStore, {
          put: late(inner.put.bind(inner)), get: late(inner.get.bind(inner)), list: late(inner.list.bind(inner)), delete: late(inner.delete.bind(inner))
        })
      }
      const first = await openWal(latencyOf(medium), environment, 1, { ...patient, batchBytesMax: 1024, uploadsMax: 64 })
      let isFenced = false
      const confirmed: number[] = []
      const writing = Promise.all(Array.from({ length: 64 }, async (_, n) => {
        await sleep(clock, n)
        while (!isFenced) {
          try { confirmed.push(await first.append([new Uint8Array(1024)])) } catch { isFenced = true }
        }
      }))
      await sleep(clock, 1_000)
      const startMs = clock.monotonicMs()
      const second = await openWal(latencyOf(medium), environment, 2, patient)
      const tookMs = clock.monotonicMs() - startMs
      assert.ok(tookMs < 5_000, `${tookMs} ms`)
      await writing
      const positions = (await recovered(second)).map(({ position }) => position)
      assert.deepEqual(positions.slice(0, confirmed.length), confirmed.sort((a, b) => a - b))
      await Promise.all([first.close(), second.close()])
    })
  })

  it('reads a few headers, however long the log is', async () => {
    const own = bench('cost')
    await settle((async () => {
      const store = new MemoryObjectStore({ clock: own.clock, medium })
      const first = await openWal(store, own.environment, 1, patient)
      for (let n = 0; n < 1500; n++) await first.append([new Uint8Array(10)])
      await first.close()
      const before = own.metrics.of('wal_object_gets')
      const lists = own.metrics.of('wal_object_lists')
      const second = await openWal(store, own.environment, 2, patient)
      assert.ok(own.metrics.of('wal_object_gets') - before <= 5, `${own.metrics.of('wal_object_gets') - before} gets`)
      assert.ok(own.metrics.of('wal_object_lists') - lists <= 6, `${own.metrics.of('wal_object_lists') - lists} lists`)
      await second.close()
    })(), own.clock, own.environment)
  })
})
