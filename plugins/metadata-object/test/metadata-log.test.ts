import assert from 'node:assert/strict'
import { StreambedError, crc32c, sleep, type MetadataLog, type ObjectStore } from '@streambed/sdk'
import { MemoryObjectMedium, MemoryObjectStore, faultOn, faultyObjectStore, type FaultPlan } from '@streambed/sdk/testing'
import { bench, settle, type Bench } from '../../wal-object/test/support.ts'
import plugin from '../src/index.ts'
import { ObjectMetadataLog } from '../src/metadata-log.ts'
import { defaultOptions, optionsSchema } from '../src/options.ts'

const none: FaultPlan = () => ({ kind: 'none' })

interface Setup extends Bench {
  readonly medium: MemoryObjectMedium
  /** An instance of its own, as in another process. */
  open (plan?: FaultPlan): Promise<MetadataLog>
}

function setup (medium = new MemoryObjectMedium()): Setup {
  const own = bench('metadata')
  const { clock, environment } = own
  const storeOf = (plan: FaultPlan): ObjectStore => faultyObjectStore(new MemoryObjectStore({ clock, medium }), { clock, plan })
  return { ...own, medium, open: async (plan = none) => await ObjectMetadataLog.open(defaultOptions, environment, storeOf(plan)) }
}

async function run<T> ({ clock, environment }: Bench, body: () => Promise<T>): Promise<T> { return await settle(body(), clock, environment) }
function entry (text: string): Uint8Array { return Buffer.from(text) }
async function textsOf (log: MetadataLog, from: number): Promise<string[]> {
  const texts: string[] = []
  for (;;) {
    const { end, entries } = await log.read(from + texts.length)
    for (const bytes of entries) texts.push(Buffer.from(bytes).toString())
    if (from + texts.length >= end) return texts
  }
}

async function codeOf (pending: Promise<unknown>): Promise<string> {
  try { await pending } catch (error) { return StreambedError.is(error) ? error.code : String(error) }
  return 'resolved'
}

/** Appends `count` groups of one entry, snapshots and truncates. */
async function advance (log: MetadataLog, from: number, count: number): Promise<number> {
  for (let n = 0; n < count; n++) await log.append(from + n, [entry(`e${from + n}`)])
  await log.writeSnapshot(from + count, entry(`state ${from + count}`))
  await log.truncateBefore(from + count)
  return from + count
}

describe('instances that share a metadata log', () => {
  it('take turns: who was behind gets CONFLICT, reads, and goes on (ML-2, ML-4)', async () => {
    const own = setup()
    await run(own, async () => {
      const [a, b] = [await own.open(), await own.open()]
      await a.append(0, [entry('a0'), entry('a1'), entry('a2')])
      assert.equal(await codeOf(b.append(0, [entry('b')])), 'CONFLICT')
      assert.equal(await codeOf(b.append(1, [entry('b')])), 'CONFLICT', 'inside a group of another')
      assert.equal(await codeOf(b.append(4, [entry('b')])), 'CONFLICT')
      await b.append(3, [entry('b3')])
      assert.deepEqual(await textsOf(a, 1), ['a1', 'a2', 'b3'])
      await a.close()
      await b.close()
    })
  })

  it('an instance that slept while its position was forgotten neither appends there nor reads there', async () => {
    const own = setup()
    await run(own, async () => {
      const [sleeper, other] = [await own.open(), await own.open()]
      await other.append(0, [entry('first')])
      assert.deepEqual(await textsOf(sleeper, 0), ['first'])
      const end = await advance(other, 1, 10)
      assert.ok(!own.medium.objects.has('metadata/log/0000000000000001'), 'the place is free again')
      assert.equal(await codeOf(sleeper.append(1, [entry('late')])), 'CONFLICT')
      assert.equal(await codeOf(sleeper.read(1)), 'OUT_OF_RANGE')
      assert.equal((await sleeper.latestSnapshot())?.at, end)
      assert.deepEqual((await sleeper.read(end)).entries, [])
      await sleeper.append(end, [entry('now')])
      assert.deepEqual(await textsOf(other, end), ['now'])
      assert.ok(!own.medium.objects.has('metadata/log/0000000000000001'), 'what it put is removed')
      for (const log of [sleeper, other]) await log.close()
    })
  })

  it('an append that others went on from and forgot, before its answer came, has still happened', async () => {
    const own = setup()
    await run(own, async () => {
      const slow = await own.open(call => call.method === 'list' && call.key?.includes('/log/') === true && call.index > 2 ? { kind: 'delay', delayMs: 5_000 } : { kind: 'none' })
      const other = await own.open()
      const appending = codeOf(slow.append(0, [entry('mine')]))
      await sleep(own.clock, 100)
      await advance(other, 1, 10)
      assert.equal(await appending, 'resolved')
      assert.equal(await codeOf(slow.read(0)), 'OUT_OF_RANGE')
      for (const log of [slow, other]) await log.close()
    })
  })

  describe('while one is reading, its position is forgotten, and a third that slept puts its entries there', () => {
    /** Reads take two seconds; the sleeper learns only after a minute that its entries are not part of the log. */
    const slowReads: FaultPlan = call => call.method === 'get' ? { kind: 'delay', delayMs: 2_000 } : { kind: 'none' }
    const slowLists: FaultPlan = call => call.method === 'list' && call.index > 3 ? { kind: 'delay', delayMs: 60_000 } : { kind: 'none' }

    for (const { name, prepare } of [
      { name: 'a slot that it has just found', prepare: async (reader: MetadataLog, other: MetadataLog) => { await reader.read(0); await other.append(1, [entry('real')]) } },
      { name: 'a slot that it put itself', prepare: async (reader: MetadataLog) => { await reader.append(1, [entry('real')]) } },
      { name: 'the last slot of a log that it looks at anew', prepare: async (_reader: MetadataLog, other: MetadataLog) => { await other.append(1, [entry('real')]); await other.writeSnapshot(1, entry('state 1')); await other.truncateBefore(1) } }
    ]) {
      it(`${name} is not mistaken for the sleeper's`, async () => {
        const own = setup()
        await run(own, async () => {
          const other = await own.open()
          await other.append(0, [entry('first')])
          const [reader, sleeper] = [await own.open(slowReads), await own.open(slowLists)]
          await prepare(reader, other)
          const reading = codeOf(reader.read(1).then(page => { assert.fail(`read ${Buffer.from(page.entries[0] ?? []).toString()}`) }))
          await sleep(own.clock, 1_000)
          await advance(other, 2, 10)
          const late = codeOf(sleeper.append(1, [entry('late'), entry('later')]))
          await sleep(own.clock, 100)
          assert.ok(own.medium.objects.has('metadata/log/0000000000000001'), 'the entries of the sleeper stand there')
          assert.equal(await reading, 'OUT_OF_RANGE')
          assert.equal(await late, 'CONFLICT')
          for (const log of [other, reader, sleeper]) await log.close()
        })
      })
    }
  })

  it('several that truncate at once forget the same, and leave one log', async () => {
    const own = setup()
    await run(own, async () => {
      const logs = [await own.open(), await own.open(), await own.open()]
      for (let n = 0; n < 50; n++) await logs[n % 3]!.append(n, [entry(String(n))])
      await logs[0]!.writeSnapshot(40, entry('state 40'))
      await Promise.all(logs.map((log, n) => log.truncateBefore(30 + 5 * n)))
      for (const log of logs) {
        assert.deepEqual(await textsOf(log, 40), Array.from({ length: 10 }, (_, n) => String(40 + n)))
        assert.equal(await codeOf(log.read(39)), 'OUT_OF_RANGE')
        await log.close()
      }
      const fresh = await own.open()
      assert.equal((await textsOf(fresh, 40)).length, 10)
      await fresh.close()
    })
  })
})

describe('answers that are lost', () => {
  for (const code of ['OUTCOME_UNKNOWN', 'TIMEOUT', 'UNAVAILABLE', 'THROTTLED'] as const) {
    it(`an append that took effect although ${code} came back is recognised as ours (ML-3)`, async () => {
      const own = setup()
      await run(own, async () => {
        const log = await own.open(faultOn('put', { kind: 'failAfter', code }, 3))
        await log.append(0, [entry('a')])
        await log.append(1, [entry('b')])
        assert.deepEqual(await textsOf(log, 0), ['a', 'b'])
        await log.close()
      })
    })
  }

  it('after OUTCOME_UNKNOWN the next read settles whether the entries are in the log', async () => {
    for (const takesEffectLate of [false, true]) {
      const own = setup()
      await run(own, async () => {
        let isDown = true
        const log = await own.open(call => isDown && call.method === 'put' ? { kind: 'failBefore' } : { kind: 'none' })
        const other = await own.open()
        assert.equal(await codeOf(log.append(0, [entry('mine')])), 'OUTCOME_UNKNOWN')
        isDown = false
        if (!takesEffectLate) await other.append(0, [entry('theirs')])
        assert.deepEqual(await textsOf(log, 0), [takesEffectLate ? 'mine' : 'theirs'])
        await log.append(1, [entry('next')])
        assert.deepEqual(await textsOf(other, 0), [takesEffectLate ? 'mine' : 'theirs', 'next'])
        for (const each of [log, other]) await each.close()
      })
    }
  })

  it('while that cannot be settled, reads are UNAVAILABLE', async () => {
    const own = setup()
    await run(own, async () => {
      const log = await own.open(call => call.method === 'put' ? { kind: 'failBefore' } : { kind: 'none' })
      assert.equal(await codeOf(log.append(0, [entry('mine')])), 'OUTCOME_UNKNOWN')
      assert.equal(await codeOf(log.read(0)), 'UNAVAILABLE')
      await log.close()
    })
  })

  it('a refusal is passed on as it is', async () => {
    const own = setup()
    await run(own, async () => {
      const log = await own.open(faultOn('put', { kind: 'failBefore', code: 'PERMISSION_DENIED' }))
      assert.equal(await codeOf(log.append(0, [entry('a')])), 'PERMISSION_DENIED')
      await log.append(0, [entry('b')])
      assert.deepEqual(await textsOf(log, 0), ['b'])
      await log.close()
    })
  })

  it('a put without an answer is given up after its time and sent again', async () => {
    const own = setup()
    await run(own, async () => {
      const log = await own.open(faultOn('put', { kind: 'hang' }))
      await log.append(0, [entry('a')])
      assert.ok(own.clock.monotonicMs() >= defaultOptions.putTimeoutMs)
      await log.close()
    })
  })
})

describe('tailing', () => {
  it('asks for the one next object, ever more seldom, and lists almost never', async () => {
    const own = setup()
    await run(own, async () => {
      const [log, other] = [await own.open(), await own.open()]
      const never = new AbortController()
      const lists = own.metrics.of('metadata_object_lists')
      const heads = own.metrics.of('metadata_object_heads')
      let isGrown = false
      const waiting = log.waitForGrowth(0, { signal: never.signal }).then(() => { isGrown = true })
      await sleep(own.clock, 100_000)
      assert.ok(!isGrown)
      const asked = own.metrics.of('metadata_object_heads') - heads
      assert.ok(asked > 90 && asked < 110, `${asked} in 100 s`)
      assert.ok(own.metrics.of('metadata_object_lists') - lists < 10)
      await other.append(0, [entry('a')])
      const startMs = own.clock.monotonicMs()
      await waiting
      assert.ok(own.clock.monotonicMs() - startMs <= defaultOptions.pollIntervalMsMax)
      assert.deepEqual(await textsOf(log, 0), ['a'])
      const soon = log.waitForGrowth(1, { signal: never.signal })
      await other.append(1, [entry('b')])
      const againMs = own.clock.monotonicMs()
      await soon
      assert.ok(own.clock.monotonicMs() - againMs <= defaultOptions.pollIntervalMsMin, 'sooner, after growth')
      for (const each of [log, other]) await each.close()
      assert.equal(own.clock.pendingCount, 0, 'timers are left')
    })
  })

  it('ends although the object that is waited for has come and been forgotten', async () => {
    const own = setup()
    await run(own, async () => {
      let isAsleep = false
      const log = await own.open(call => isAsleep && call.method === 'head' ? { kind: 'delay', delayMs: 1_000 } : { kind: 'none' })
      const other = await own.open()
      const never = new AbortController()
      isAsleep = true
      const waiting = log.waitForGrowth(0, { signal: never.signal })
      await sleep(own.clock, 150)
      const end = await advance(other, 0, 20)
      await waiting
      assert.equal(await codeOf(log.read(0)), 'OUT_OF_RANGE')
      assert.equal((await log.latestSnapshot())?.at, end)
      for (const each of [log, other]) await each.close()
    })
  })

  it('goes on while the store cannot answer', async () => {
    const own = setup()
    await run(own, async () => {
      const log = await own.open(faultOn('head', { kind: 'failBefore' }, 5))
      const other = await own.open()
      const waiting = log.waitForGrowth(0, { signal: new AbortController().signal })
      await other.append(0, [entry('a')])
      await waiting
      for (const each of [log, other]) await each.close()
    })
  })
})

describe('cost and clean-up', () => {
  it('an append is one put and one list, opening four lists and few reads, no key is ever written twice', async () => {
    const own = setup()
    const puts = new Map<string, number>()
    await run(own, async () => {
      const counting: FaultPlan = call => {
        if (call.method === 'put') puts.set(call.key!, (puts.get(call.key!) ?? 0) + 1)
        return { kind: 'none' }
      }
      const log = await own.open(counting)
      const before = { puts: own.metrics.of('metadata_object_puts'), lists: own.metrics.of('metadata_object_lists') }
      for (let n = 0; n < 100; n++) await log.append(n, [entry('x')])
      assert.equal(own.metrics.of('metadata_object_puts') - before.puts, 100)
      assert.equal(own.metrics.of('metadata_object_lists') - before.lists, 100)
      await advance(log, 100, 10)
      await log.close()
      assert.ok([...puts.values()].every(count => count === 1))
      const lists = own.metrics.of('metadata_object_lists')
      const gets = own.metrics.of('metadata_object_gets')
      const again = await own.open()
      assert.ok(own.metrics.of('metadata_object_lists') - lists <= 4)
      assert.ok(own.metrics.of('metadata_object_gets') - gets <= 1)
      await again.close()
    })
  })

  it('truncation after truncation leaves one slot, one snapshot and eight marks', async () => {
    const own = setup()
    await run(own, async () => {
      const log = await own.open()
      let end = 0
      for (let round = 0; round < 30; round++) end = await advance(log, end, 5)
      await log.close()
      assert.deepEqual(own.medium.sortedKeys('metadata/log/0'), [`metadata/log/${String(end - 1).padStart(16, '0')}`])
      assert.equal(own.medium.sortedKeys('metadata/log/z').length, 8)
      assert.equal(own.medium.sortedKeys('metadata/snapshots/').length, 1)
    })
  })

  it('what could not be deleted is forgotten all the same, and deleted later', async () => {
    const own = setup()
    await run(own, async () => {
      const log = await own.open(faultOn('delete', { kind: 'failBefore' }))
      for (let n = 0; n < 10; n++) await log.append(n, [entry(String(n))])
      await log.writeSnapshot(10, entry('state 10'))
      await log.truncateBefore(5)
      assert.equal(own.medium.sortedKeys('metadata/log/0').length, 10)
      assert.equal(await codeOf(log.read(4)), 'OUT_OF_RANGE')
      const fresh = await own.open()
      assert.equal(await codeOf(fresh.read(4)), 'OUT_OF_RANGE')
      await fresh.close()
      await log.truncateBefore(8)
      await log.close()
      assert.deepEqual(own.medium.sortedKeys('metadata/log/0').length, 2)
    })
  })
})

describe('damage (ML-7)', () => {
  async function filled (): Promise<Setup> {
    const own = setup()
    await run(own, async () => {
      const log = await own.open()
      for (let n = 0; n < 10; n++) await log.append(n, [entry(`entry ${n}`)])
      await log.writeSnapshot(5, entry('state 5'))
      await log.close()
    })
    return own
  }

  async function readAll (own: Setup): Promise<string> {
    return await run(own, async () => await codeOf((async () => {
      const log = await own.open()
      try { await textsOf(log, 0) } finally { await log.close() }
    })()))
  }

  it('of any bit of any entry is CORRUPT', async () => {
    const own = await filled()
    for (const key of ['metadata/log/0000000000000000', 'metadata/log/0000000000000004', 'metadata/log/0000000000000009']) {
      const { bytes } = own.medium.objects.get(key)!
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >>> 3]! ^= 1 << (bit & 7)
        assert.equal(await readAll(own), 'CORRUPT', `${key} bit ${bit}`)
        bytes[bit >>> 3]! ^= 1 << (bit & 7)
      }
    }
    assert.equal(await readAll(own), 'resolved')
  })

  it('of a snapshot is CORRUPT', async () => {
    const own = await filled()
    const { bytes } = own.medium.objects.get('metadata/snapshots/0000000000000005')!
    bytes[bytes.length - 1]! ^= 1
    await run(own, async () => {
      const log = await own.open()
      assert.equal(await codeOf(log.latestSnapshot()), 'CORRUPT')
      await log.close()
    })
  })

  for (const missing of [0, 4, 8]) {
    it(`a missing object is CORRUPT: ${missing}`, async () => {
      const own = await filled()
      own.medium.objects.delete(`metadata/log/000000000000000${missing}`)
      assert.equal(await readAll(own), 'CORRUPT')
    })
  }

  it('exchanged objects are CORRUPT', async () => {
    const own = await filled()
    const [a, b] = [2, 3].map(n => own.medium.objects.get(`metadata/log/000000000000000${n}`)!.bytes)
    own.medium.store('metadata/log/0000000000000002', b!, 0)
    own.medium.store('metadata/log/0000000000000003', a!, 0)
    assert.equal(await readAll(own), 'CORRUPT')
  })

  it('a later format is refused as such, and something else under the prefix too', async () => {
    const own = await filled()
    const bytes = Buffer.from(own.medium.objects.get('metadata/log/0000000000000003')!.bytes)
    bytes.writeUInt16LE(2, 4)
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 60)), 60)
    own.medium.store('metadata/log/0000000000000003', bytes, 0)
    assert.equal(await readAll(own), 'UNSUPPORTED')
    own.medium.store('metadata/log/readme', bytes, 0)
    assert.equal(await readAll(own), 'MISCONFIGURED')
  })
})

describe('an object of the log', () => {
  it('has the bytes that docs/formats/metadata-object.md says', async () => {
    const own = setup()
    await run(own, async () => {
      const log = await own.open()
      await log.append(0, [entry('x')])
      await log.append(1, [entry('ab'), entry('')])
      await log.close()
    })
    const bytes = Buffer.from(own.medium.objects.get('metadata/log/0000000000000001')!.bytes)
    assert.equal(bytes.subarray(0, 16).toString('hex'), '53424d4c' + '0100' + '0100' + '0100000000000000')
    assert.equal(bytes.subarray(32, 36).toString('hex'), '02000000')
    assert.equal(bytes.readUInt32LE(36), crc32c(bytes.subarray(64)))
    assert.equal(bytes.readBigUInt64LE(40), 10n)
    assert.equal(bytes.readUInt32LE(60), crc32c(bytes.subarray(0, 60)))
    assert.equal(bytes.subarray(64).toString('hex'), '02000000' + '6162' + '00000000')
  })
})

describe('options', () => {
  it('have the defaults that are written down', () => {
    assert.deepEqual(optionsSchema.parse({}), defaultOptions)
    assert.deepEqual(Object.keys(plugin.optionDocs).sort(), Object.keys(defaultOptions).sort())
  })

  for (const { input, message } of [
    { input: { prefix: '/a' }, message: /beginning of a key/ },
    { input: { prefix: 'a//b' }, message: /beginning of a key/ },
    { input: { pollIntervalMsMin: '2s' }, message: /at least pollIntervalMsMin/ },
    { input: { putTimeoutMs: '1 fortnight' }, message: /expected a duration/ },
    { input: { path: 'a' }, message: /path/ }
  ]) {
    it(`refuse ${JSON.stringify(input)}`, () => { assert.match(JSON.stringify(optionsSchema.safeParse(input).error?.issues), message) })
  }
})
