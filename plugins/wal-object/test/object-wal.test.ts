import assert from 'node:assert/strict'
import { StreambedError, sleep, type ObjectStore, type Wal } from '@streambed/sdk'
import { MemoryObjectMedium, MemoryObjectStore, faultOn, faultyObjectStore, randomFaults, type FaultPlan } from '@streambed/sdk/testing'
import { Batching } from '../src/batching.ts'
import { Hedging } from '../src/hedging.ts'
import { defaultOptions } from '../src/options.ts'
import { bench, openWal, recovered, settle, type Bench } from './support.ts'

const latencyMs = 60
const kib = 1024

interface Setup extends Bench { readonly medium: MemoryObjectMedium, readonly store: ObjectStore }

/** A store of which each put takes 60 ms; or with other faults. */
function setup (plan: FaultPlan = call => call.method === 'put' ? { kind: 'delay', delayMs: latencyMs } : { kind: 'none' }): Setup {
  const own = bench('object-wal')
  const medium = new MemoryObjectMedium()
  return { ...own, medium, store: faultyObjectStore(new MemoryObjectStore({ clock: own.clock, medium }), { clock: own.clock, plan }) }
}

async function run<T> ({ clock, environment }: Bench, body: () => Promise<T>): Promise<T> { return await settle(body(), clock, environment) }

function slotKeys (medium: MemoryObjectMedium, epoch: number): string[] {
  return medium.sortedKeys(`logs/one/slots/${String(epoch).padStart(16, '0')}/`)
}

async function codeOf (pending: Promise<unknown>): Promise<string> {
  try { await pending } catch (error) { return StreambedError.is(error) ? error.code : String(error) }
  return 'resolved'
}

describe('the log on a store of which a put takes 60 ms', () => {
  it('confirms a lone append within 1.2 times that', async () => {
    const own = setup()
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      for (let n = 0; n < 5; n++) {
        const startMs = own.clock.monotonicMs()
        await wal.append([new Uint8Array(kib)])
        assert.ok(own.clock.monotonicMs() - startMs <= 1.2 * latencyMs, `took ${own.clock.monotonicMs() - startMs} ms`)
        await sleep(own.clock, 500)
      }
      await wal.close()
    })
  })

  it('sustains 100 MB/s and more with the options that are the default', async function () {
    this.timeout(60_000)
    const own = setup()
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      const record = new Uint8Array(256 * kib)
      const startMs = own.clock.monotonicMs()
      let bytes = 0
      await Promise.all(Array.from({ length: 256 }, async () => {
        while (own.clock.monotonicMs() - startMs < 1_000) {
          const position = await wal.append([record])
          bytes += record.length
          await wal.trim(position)
          // What was trimmed takes memory until it is deleted.
          if (own.medium.objects.size > 60) for (const key of slotKeys(own.medium, 1).slice(0, 30)) own.medium.objects.delete(key)
        }
      }))
      const rate = bytes / (own.clock.monotonicMs() - startMs) / 1000
      assert.ok(rate >= 100, `${rate.toFixed(0)} MB/s`)
    })
  })

  it('puts what comes meanwhile into few objects, and what comes at once into one', async () => {
    const own = setup()
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      const before = own.metrics.of('wal_object_puts')
      await Promise.all(Array.from({ length: 1000 }, () => wal.append([new Uint8Array(100)])))
      assert.equal(own.metrics.of('wal_object_puts') - before, 1)
      const startMs = own.clock.monotonicMs()
      await Promise.all(Array.from({ length: 1000 }, async (_, n) => {
        await sleep(own.clock, n)
        await wal.append([new Uint8Array(100)])
      }))
      const puts = own.metrics.of('wal_object_puts') - before - 1
      assert.ok(puts >= 5 && puts <= 60, `${puts} puts in ${own.clock.monotonicMs() - startMs} ms`)
      await wal.close()
    })
  })

  it('confirms in order although a later object is stored first', async () => {
    let puts = 0
    const own = setup(call => call.method === 'put' && call.key?.includes('/slots/') === true ? { kind: 'delay', delayMs: puts++ === 0 ? 500 : 10 } : { kind: 'none' })
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1, { batchIntervalMsMax: 0, hedgeShareMax: 0 })
      const order: number[] = []
      await Promise.all([0, 1, 2, 3].map(async n => {
        await sleep(own.clock, n * 20)
        await wal.append([new Uint8Array([n])])
        order.push(n)
        assert.ok(own.clock.monotonicMs() >= 500)
      }))
      assert.deepEqual(order, [0, 1, 2, 3])
      assert.equal(slotKeys(own.medium, 1).length, 4)
      await wal.close()
    })
  })
})

describe('batching', () => {
  const options = { batchBytesMax: 1000, batchIntervalMsMax: 70, uploadsMax: 8 }

  for (const { uploads, bytes, want, name } of [
    { name: 'sends at once while nothing is under way', uploads: 0, bytes: 1, want: -Infinity },
    { name: 'waits a little while little is under way', uploads: 1, bytes: 1, want: 110 },
    { name: 'waits the longer the more is under way', uploads: 7, bytes: 1, want: 170 },
    { name: 'sends a full batch at once', uploads: 7, bytes: 1000, want: -Infinity },
    { name: 'sends nothing while all uploads are in use', uploads: 8, bytes: 1000, want: Infinity }
  ]) {
    it(name, () => {
      const batching = new Batching(options)
      batching.add(bytes, 100)
      assert.equal(batching.dueMs(uploads), want)
    })
  }
})

describe('hedging', () => {
  it('sends a put again once it has taken longer than others do, and counts the first answer', async () => {
    let puts = 0
    const own = setup(call => call.method !== 'put' ? { kind: 'none' } : puts++ === 60 ? { kind: 'hang' } : { kind: 'delay', delayMs: latencyMs })
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      let slowestMs = 0
      for (let n = 0; n < 100; n++) {
        const startMs = own.clock.monotonicMs()
        await wal.append([new Uint8Array(10)])
        slowestMs = Math.max(slowestMs, own.clock.monotonicMs() - startMs)
      }
      assert.equal(own.metrics.of('wal_object_hedges'), 1)
      assert.ok(slowestMs <= 3 * latencyMs, `${slowestMs} ms`)
      await wal.close()
    })
  })

  it('keeps to its share of the puts when all are slow', async () => {
    const random = bench('share').random
    const own = setup(call => call.method === 'put' ? { kind: 'delay', delayMs: random.fraction() < 0.5 ? 60 : 900 } : { kind: 'none' })
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1, { hedgePercentile: 50 })
      for (let n = 0; n < 400; n++) await wal.append([new Uint8Array(10)])
      const hedges = own.metrics.of('wal_object_hedges')
      assert.ok(hedges >= 10 && hedges <= 1 + 0.05 * 402, `${hedges} hedges`)
      await wal.close()
    })
  })

  it('can be turned off', () => {
    const hedging = new Hedging({ hedgePercentile: 95, hedgeShareMax: 0 })
    for (let n = 0; n < 1000; n++) hedging.onPut()
    assert.equal(hedging.take(), false)
  })
})

describe('answers that are lost', () => {
  for (const code of ['OUTCOME_UNKNOWN', 'TIMEOUT', 'UNAVAILABLE', 'THROTTLED'] as const) {
    it(`a put that took effect although ${code} came back is recognised as ours, and is there once`, async () => {
      const own = setup(faultOn('put', { kind: 'failAfter', code }, 5))
      await run(own, async () => {
        const wal = await openWal(own.store, own.environment, 1)
        await wal.append([Buffer.from('a')])
        await wal.append([Buffer.from('b')])
        await wal.close()
        const again = await openWal(own.store, own.environment, 2)
        assert.deepEqual((await recovered(again)).map(({ data }) => Buffer.from(data).toString()), ['a', 'b'])
        await again.close()
      })
    })
  }

  it('a store that says an object is not there, which it has just called taken, fences nobody', async () => {
    let puts = 0
    let denials = 3
    const own = setup(({ method }) => {
      if (method === 'put' && ++puts === 5) return { kind: 'failAfter', code: 'OUTCOME_UNKNOWN' }
      return method === 'get' && puts > 5 && denials-- > 0 ? { kind: 'failBefore', code: 'NOT_FOUND' } : { kind: 'none' }
    })
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      for (const label of ['a', 'b', 'c', 'd', 'e']) await wal.append([Buffer.from(label)])
      assert.ok(denials <= 0, 'it was asked whose the object is')
      await wal.close()
      const again = await openWal(own.store, own.environment, 2)
      assert.deepEqual((await recovered(again)).map(({ data }) => Buffer.from(data).toString()), ['a', 'b', 'c', 'd', 'e'])
      await again.close()
    })
  })

  it('after the deadline everything from that record on fails, later appends at once, and the next epoch finds the log in order', async () => {
    let isDown = false
    const own = setup(call => isDown && call.method === 'put' ? { kind: 'failBefore' } : { kind: 'none' })
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1, { putDeadlineMs: 5_000 })
      await wal.append([Buffer.from('a')])
      isDown = true
      const startMs = own.clock.monotonicMs()
      const codes = await Promise.all([codeOf(wal.append([Buffer.from('b')])), codeOf(wal.append([Buffer.from('c')]))])
      assert.deepEqual(codes, ['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN'])
      assert.ok(own.clock.monotonicMs() - startMs <= 5_000)
      isDown = false
      assert.equal(await codeOf(wal.append([Buffer.from('d')])), 'OUTCOME_UNKNOWN')
      await wal.close()
      const again = await openWal(own.store, own.environment, 2)
      assert.deepEqual((await recovered(again)).map(({ data }) => Buffer.from(data).toString()), ['a'])
      await again.close()
    })
  })

  it('a put without an answer is given up after its time and sent again', async () => {
    const own = setup(call => call.method === 'put' && call.index === 20 ? { kind: 'hang' } : { kind: 'none' })
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1, { hedgeShareMax: 0, putTimeoutMs: 700 })
      for (let n = 0; n < 30; n++) await wal.append([new Uint8Array(10)])
      assert.ok(own.clock.monotonicMs() >= 700 && own.clock.monotonicMs() < 1_000)
      await wal.close()
    })
  })

  it('a store that fails every third call, before or after the effect, loses and doubles nothing', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { random } = bench(`faults-${seed}`)
      // Reads and deletes are the host's to repeat, and it does; here they do not fail.
      const faults = randomFaults(random, { failBefore: 0.15, failAfter: 0.15, delay: 0.2, delayMsMax: 500, hang: 0.02 })
      const own = setup(call => call.method === 'put' ? faults(call) : { kind: 'none' })
      await run(own, async () => {
        let expected: string[] = []
        for (let epoch = 1; epoch <= 4; epoch++) {
          const wal = await openWal(own.store, own.environment, epoch, { batchBytesMax: kib, putTimeoutMs: 1_000 })
          assert.deepEqual((await recovered(wal)).map(({ data }) => Buffer.from(data).toString()), expected)
          const texts = Array.from({ length: 40 }, (_, n) => `${epoch}.${n}`)
          await Promise.all(texts.map(async (text, n) => {
            await sleep(own.clock, n * 10)
            await wal.append([Buffer.from(text)])
          }))
          expected = [...expected, ...texts]
          await wal.close()
        }
      })
    }
  })
})

describe('trimming', () => {
  async function filled (own: Setup, wal: Wal, count: number): Promise<number[]> {
    const positions: number[] = []
    for (let n = 0; n < count; n++) positions.push(await wal.append([new Uint8Array(10)]))
    assert.ok(slotKeys(own.medium, 1).length >= count)
    return positions
  }

  it('deletes, a thousand objects at a time, what a later object calls trimmed, and keeps the rest', async () => {
    const own = setup(() => ({ kind: 'none' }))
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      const positions = await filled(own, wal, 2500)
      await wal.trim(positions[2399]!)
      assert.equal(slotKeys(own.medium, 1).length, 2500, 'deleted before anything says so')
      const deletes = own.metrics.of('wal_object_deletes')
      await wal.append([new Uint8Array(10)])
      await sleep(own.clock, 10)
      assert.equal(slotKeys(own.medium, 1).length, 101)
      assert.equal(own.metrics.of('wal_object_deletes') - deletes, 3)
      await wal.close()
      const again = await openWal(own.store, own.environment, 2)
      assert.deepEqual((await recovered(again)).map(({ position }) => position).slice(0, 100), positions.slice(2400))
      await again.close()
    })
  })

  it('of an idle log is carried by an object of its own, after a second', async () => {
    const own = setup(() => ({ kind: 'none' }))
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      const positions = await filled(own, wal, 20)
      await wal.trim(positions.at(-1)!)
      assert.equal(wal.usage().usedBytes, 0)
      await sleep(own.clock, 900)
      assert.equal(slotKeys(own.medium, 1).length, 20)
      await sleep(own.clock, 200)
      assert.equal(slotKeys(own.medium, 1).length, 1)
      // The process dies here.
      const again = await openWal(own.store, own.environment, 2)
      assert.deepEqual(await recovered(again), [])
      assert.equal(await again.append([new Uint8Array(1)]), positions.at(-1)! + 1)
      await again.close()
    })
  })

  it('is carried by close too', async () => {
    const own = setup(() => ({ kind: 'none' }))
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      const positions = await filled(own, wal, 20)
      await wal.trim(positions[9]!)
      await wal.close()
      assert.equal(slotKeys(own.medium, 1).length, 11)
      const again = await openWal(own.store, own.environment, 2)
      assert.deepEqual((await recovered(again)).map(({ position }) => position), positions.slice(10))
      await again.close()
    })
  })

  it('goes on when objects could not be deleted', async () => {
    const own = setup(faultOn('delete', { kind: 'failBefore', code: 'PERMISSION_DENIED' }, 2))
    await run(own, async () => {
      const wal = await openWal(own.store, own.environment, 1)
      const positions = await filled(own, wal, 20)
      for (const at of [4, 9, 14]) {
        await wal.trim(positions[at]!)
        await wal.append([new Uint8Array(10)])
        await sleep(own.clock, 10)
      }
      assert.ok(slotKeys(own.medium, 1).length < 10)
      await wal.close()
    })
  })

  it('leaves of each earlier epoch one fence, and one claim in all', async () => {
    const own = setup(() => ({ kind: 'none' }))
    await run(own, async () => {
      for (let epoch = 1; epoch <= 20; epoch++) {
        const wal = await openWal(own.store, own.environment, epoch)
        await recovered(wal)
        let last = 0
        for (let n = 0; n < 10; n++) last = await wal.append([new Uint8Array(10)])
        await wal.trim(last)
        await wal.close()
      }
      // Sweeping is in the background of what follows.
      const wal = await openWal(own.store, own.environment, 21)
      await wal.append([new Uint8Array(10)])
      await sleep(own.clock, 100)
      for (let epoch = 1; epoch <= 20; epoch++) assert.equal(slotKeys(own.medium, epoch).length, 1, `epoch ${epoch}`)
      assert.equal(own.medium.sortedKeys('logs/one/claims/').length, 1)
      assert.equal(own.medium.objects.size, 20 + 1 + 1 + 1)
      await wal.close()
    })
  })
})

describe('the defaults', () => {
  it('take records as large as a disk log does', async () => {
    const own = setup(() => ({ kind: 'none' }))
    const wal = await openWal(own.store, own.environment, 1, { capacity: defaultOptions.capacity })
    assert.deepEqual(wal.usage(), { usedBytes: 0, capacityBytes: 8 * 2 ** 30, recordBytesMax: 64 * 2 ** 20 })
    await wal.close()
  })
})
