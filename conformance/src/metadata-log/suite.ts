import { StreambedError } from '@streambed/sdk'
import type { MetadataLog } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'
import { onMedium, onMediumOf } from '../harness.ts'
import type { MetadataLogHarness, MetadataLogMedium, Runner } from '../harness.ts'

/** The part of the metadata log catalogue that runs in one process. */
export function metadataLogConformance (runner: Runner, harness: MetadataLogHarness): void {
  const { capabilities } = harness
  const check = (id: string, behaviour: string, body: (open: () => Promise<MetadataLog>) => Promise<void>): void => {
    runner.it(`${id} ${behaviour}`, () => onMedium(harness, body))
  }

  runner.describe(`metadata log conformance: ${harness.name}`, () => {
    check('ML-01', 'of those that race for one end exactly one wins, and all read its entries', async open => {
      const logs = capabilities.isShared ? [await open(), await open()] : [await open()]
      for (let end = 0; end < 20; end++) {
        const outcomes = await Promise.allSettled(Array.from({ length: 16 }, (_, racer) => logs[racer % logs.length]!.append(end, [Buffer.from(`${end}-${racer}`)])))
        const winners = outcomes.flatMap((outcome, racer) => outcome.status === 'fulfilled' ? [racer] : [])
        assert.equal(winners.length, 1, `winners of position ${end}`)
        for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(StreambedError.is(outcome.reason, 'CONFLICT'), String(outcome.reason))
        for (const log of logs) assert.deepEqual((await textsOf(log, end)), [`${end}-${winners[0]}`])
      }
    })

    check('ML-02', 'a group is appended whole, and positions have no gaps (ML-1, ML-2)', async open => {
      const log = await open()
      const expected: string[] = []
      for (let group = 0; group < 30; group++) {
        const entries = Array.from({ length: 1 + group % 7 }, (_, n) => `${group}.${n}`)
        await log.append(expected.length, entries.map(text => Buffer.from(text)))
        expected.push(...entries)
      }
      for (const from of [0, 1, 17, expected.length - 1, expected.length]) assert.deepEqual(await textsOf(log, from), expected.slice(from))
      await rejectsWith(log.append(3, [pattern(1), pattern(2)]), 'CONFLICT')
      await rejectsWith(log.append(expected.length + 1, [pattern(1)]), 'CONFLICT')
      assert.deepEqual(await textsOf(log, 0), expected)
      await rejectsWith(log.read(expected.length + 1), 'OUT_OF_RANGE')
    })

    check('ML-03', 'a read sees every append that resolved before it (ML-4)', async open => {
      const writer = await open()
      const reader = capabilities.isShared ? await open() : writer
      for (let end = 0; end < 50; end++) {
        await writer.append(end, [pattern(10, end)])
        const page = await reader.read(end)
        assert.equal(page.end, end + 1)
        sameBytes(page.entries[0]!, pattern(10, end))
      }
    })

    check('ML-04', 'appends called one upon the other without waiting are decided in that order', async open => {
      const log = await open()
      await Promise.all(Array.from({ length: 20 }, (_, end) => log.append(end, [Buffer.from(String(end))])))
      assert.deepEqual(await textsOf(log, 0), Array.from({ length: 20 }, (_, end) => String(end)))
    })

    check('ML-06', 'entries and snapshots are copies: bytes of callers and readers are their own', async open => {
      const log = await open()
      const entry = pattern(100)
      const state = pattern(1000)
      await log.append(0, [entry])
      await log.writeSnapshot(1, state)
      entry.fill(0)
      state.fill(0)
      const read = await log.read(0)
      sameBytes(read.entries[0]!, pattern(100))
      read.entries[0]!.fill(1)
      sameBytes((await log.read(0)).entries[0]!, pattern(100))
      sameBytes((await log.latestSnapshot())!.state, pattern(1000))
    })

    check('ML-07', 'waiting ends with growth, with abort and with close', async open => {
      const log = await open()
      await log.append(0, [pattern(1)])
      const never = new AbortController()
      await log.waitForGrowth(0, { signal: never.signal })
      const grown = log.waitForGrowth(1, { signal: never.signal })
      await log.append(1, [pattern(1)])
      await grown
      const aborting = new AbortController()
      const aborted = rejectsWith(log.waitForGrowth(2, { signal: aborting.signal }), 'ABORTED')
      aborting.abort()
      await aborted
      await rejectsWith(log.waitForGrowth(2, { signal: aborting.signal }), 'ABORTED')
      const closed = rejectsWith(log.waitForGrowth(2, { signal: never.signal }), 'CLOSED')
      await log.close()
      await closed
    })

    check('ML-09', 'the newest snapshot is found, whole, also by the next to open (ML-5)', async open => {
      const log = await open()
      assert.equal(await log.latestSnapshot(), undefined)
      await log.append(0, Array.from({ length: 10 }, (_, n) => pattern(5, n)))
      for (const [at, size] of [[0, 0], [3, 3_000_000], [10, 10]] as const) {
        await log.writeSnapshot(at, pattern(size, at))
        const found = await log.latestSnapshot()
        assert.equal(found?.at, at)
        sameBytes(found!.state, pattern(size, at))
      }
      await log.writeSnapshot(10, pattern(20, 2))
      await rejectsWith(log.writeSnapshot(11, pattern(1)), 'INVALID_ARGUMENT')
      await log.close()
      const again = await open()
      const found = await again.latestSnapshot()
      assert.equal(found?.at, 10)
      assert.ok([10, 20].includes(found!.state.length))
    })

    check('ML-10', 'truncation wants a snapshot, and what it forgot is OUT_OF_RANGE (ML-6)', async open => {
      const log = await open()
      const expected = Array.from({ length: 40 }, (_, n) => String(n))
      await log.append(0, expected.map(text => Buffer.from(text)))
      await rejectsWith(log.truncateBefore(10), 'INVALID_ARGUMENT')
      await log.writeSnapshot(20, pattern(1))
      await rejectsWith(log.truncateBefore(21), 'INVALID_ARGUMENT')
      await log.truncateBefore(20)
      await log.truncateBefore(5)
      assert.deepEqual(await textsOf(log, 20), expected.slice(20))
      const page = await log.read(0).catch((error: unknown) => error)
      if (page instanceof Error) assert.ok(StreambedError.is(page, 'OUT_OF_RANGE'), String(page))
      await log.append(40, [Buffer.from('40')])
      await log.close()
      const again = await open()
      assert.deepEqual(await textsOf(again, 20), [...expected.slice(20), '40'])
    })

    check('ML-11', 'the next to open has the same log, and goes on where it ended', async open => {
      const expected: string[] = []
      for (let opening = 0; opening < 5; opening++) {
        const log = await open()
        assert.deepEqual(await textsOf(log, 0), expected)
        for (let n = 0; n < 5; n++) {
          await log.append(expected.length, [Buffer.from(`${opening}.${n}`)])
          expected.push(`${opening}.${n}`)
        }
        await log.close()
      }
    })

    check('ML-14', 'takes entries up to the declared size, empty ones too, and refuses larger ones', async open => {
      const log = await open()
      const largest = pattern(capabilities.entryBytesMax)
      await log.append(0, [largest, new Uint8Array(0)])
      await rejectsWith(log.append(2, [new Uint8Array(capabilities.entryBytesMax + 1)]), 'INVALID_ARGUMENT')
      await rejectsWith(log.append(2, []), 'INVALID_ARGUMENT')
      for (const position of [-1, 0.5, NaN]) {
        await rejectsWith(log.append(position, [pattern(1)]), 'INVALID_ARGUMENT')
        await rejectsWith(log.read(position), 'INVALID_ARGUMENT')
      }
      const entries = await entriesOf(log, 0)
      assert.equal(entries.length, 2)
      sameBytes(entries[0]!, largest)
      assert.equal(entries[1]!.length, 0)
    })

    check('ML-23', 'close is idempotent, settles what is in flight and refuses what follows', async open => {
      const log = await open()
      const append = log.append(0, [pattern(1)]).then(() => 'appended', (error: unknown) => error)
      await Promise.all([log.close(), log.close()])
      const outcome = await append
      await rejectsWith(log.append(1, [pattern(1)]), 'CLOSED')
      await rejectsWith(log.read(0), 'CLOSED')
      await rejectsWith(log.latestSnapshot(), 'CLOSED')
      await rejectsWith(log.writeSnapshot(0, pattern(1)), 'CLOSED')
      const again = await open()
      if (outcome === 'appended') assert.equal((await again.read(0)).end, 1)
      else assert.ok(StreambedError.is(outcome, 'CLOSED'), String(outcome))
    })

    if (!capabilities.isShared) {
      check('ML-24', 'a log of one process is LOCKED to a second until the first is closed', async open => {
        const log = await open()
        await rejectsWith(open(), 'LOCKED')
        await log.append(0, [pattern(1)])
        await log.close()
        assert.equal((await (await open()).read(0)).end, 1)
      })
    }

    if (harness.canRepair === true) {
      const repairing = (id: string, behaviour: string, body: (open: () => Promise<MetadataLog>, medium: MetadataLogMedium) => Promise<void>): void => {
        runner.it(`${id} ${behaviour}`, () => onMediumOf<MetadataLog, [], MetadataLogMedium>(harness, body))
      }

      repairing('ML-26', 'a repair of a sound log, or of none, changes nothing', async (open, medium) => {
        assert.deepEqual(await medium.repair!(), { end: 0, setAside: [], lostFrom: undefined })
        const log = await open()
        for (let n = 0; n < 6; n++) await log.append(n, [Buffer.from(String(n))])
        await log.writeSnapshot(4, pattern(100))
        await log.truncateBefore(2)
        await log.close()
        for (let repeat = 0; repeat < 2; repeat++) assert.deepEqual(await medium.repair!(), { end: 6, setAside: [], lostFrom: undefined })
        const again = await open()
        assert.deepEqual(await textsOf(again, 4), ['4', '5'])
        sameBytes((await again.latestSnapshot())!.state, pattern(100))
        await again.append(6, [Buffer.from('6')])
      })

      if (harness.canDamage === true) {
        repairing('ML-27', 'a repair keeps what comes before the damage, says from where on entries are lost, and the log goes on there', async (open, medium) => {
          const log = await open()
          for (let n = 0; n < 10; n++) await log.append(n, [Buffer.from(String(n))])
          await log.writeSnapshot(3, pattern(100))
          await log.close()
          await medium.damage!(6)
          await rejectsWith(readOnce(open), 'CORRUPT')
          const repair = await medium.repair!()
          assert.deepEqual({ end: repair.end, lostFrom: repair.lostFrom }, { end: 6, lostFrom: 6 })
          assert.ok(repair.setAside.length > 0, 'what was cut off lies somewhere')
          assert.deepEqual(await medium.repair!(), { end: 6, setAside: [], lostFrom: undefined })
          const again = await open()
          assert.deepEqual(await textsOf(again, 3), ['3', '4', '5'])
          sameBytes((await again.latestSnapshot())!.state, pattern(100))
          await again.append(6, [Buffer.from('new')])
          await again.close()
          assert.deepEqual(await textsOf(await open(), 3), ['3', '4', '5', 'new'])
        })
      } else {
        runner.skip?.('ML-27', 'nothing damages what this plugin stored')
      }
    }
  })
}

/** All entries from `from`, page by page. */
export async function entriesOf (log: MetadataLog, from: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = []
  for (;;) {
    const page = await log.read(from + entries.length)
    if (page.entries.length === 0) {
      assert.equal(from + entries.length, page.end, 'an empty page before the end')
      return entries
    }
    entries.push(...page.entries)
  }
}

/** Opens a log that may be damaged, reads all of it, and closes it. */
async function readOnce (open: () => Promise<MetadataLog>): Promise<void> {
  const log = await open()
  try {
    await entriesOf(log, 0)
  } finally {
    await log.close()
  }
}

async function textsOf (log: MetadataLog, from: number): Promise<string[]> {
  return (await entriesOf(log, from)).map(entry => Buffer.from(entry).toString())
}
