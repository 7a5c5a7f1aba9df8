import type { Wal, WalCapabilities, WalRecord, WalWriter } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from './assertions.ts'
import { onMedium, type Runner, type WalHarness } from './harness.ts'
import { identityChecks, type OpenWal } from './wal/identity.ts'

type WalCheck = (id: string, behaviour: string, body: (open: OpenWal) => Promise<void>) => void

const kib = 1024
const writer = (writerEpoch: number): WalWriter => ({ clusterId: 'conformance', nodeId: 7, writerEpoch })

/**
 * Checks a log within one process against W-1 to W-13. Logs that the harness opens should hold a few MiB: some checks
 * fill them more than three times over.
 */
export function walConformance (runner: Runner, harness: WalHarness): void {
  runner.describe(`Wal conformance: ${harness.name}`, () => {
    const check: WalCheck = (id, behaviour, body) => {
      runner.it(`${id} ${behaviour}`, async () => { await onMedium(harness, body) })
    }
    coreChecks(check)
    recoveryChecks(check)
    fencingChecks(check, harness.capabilities)
    identityChecks({
      capabilities: harness.capabilities,
      check,
      skip: (id, behaviour, reason) => { runner.skip?.(`${id} ${behaviour}`, reason) },
      elsewhere: async body => { await onMedium(harness, body) }
    })
  })
}

/** Everything that `recover` yields. */
export async function recoverAll (wal: Wal): Promise<WalRecord[]> {
  const records: WalRecord[] = []
  for await (const record of wal.recover()) records.push(record)
  return records
}

function coreChecks (check: WalCheck): void {
  check('W-C01', 'gives back records of all sizes, in pieces or whole', async open => {
    const first = await open(writer(1))
    const sizes = [1, 2, 3, 511, 512, 513, 4095, 4096, 4097, 70 * kib, Math.min(first.usage().recordBytesMax, 300 * kib)]
    const positions: number[] = []
    for (const [seed, size] of sizes.entries()) {
      const bytes = pattern(size, seed)
      const cut = Math.floor(size / 3)
      positions.push(await first.append(seed % 2 === 0 ? [bytes] : [bytes.subarray(0, cut), new Uint8Array(0), bytes.subarray(cut)]))
    }
    await first.close()
    const records = await recoverAll(await open(writer(2)))
    assert.deepEqual(records.map(record => record.position), positions)
    for (const [seed, size] of sizes.entries()) sameBytes(records[seed]!.data, pattern(size, seed), `record ${seed}`)
  })

  check('W-C02', 'takes a record of the largest size, and refuses a larger or an empty one', async open => {
    const wal = await open(writer(1))
    const { recordBytesMax } = wal.usage()
    await rejectsWith(wal.append([new Uint8Array(recordBytesMax), new Uint8Array(1)]), 'INVALID_ARGUMENT')
    await rejectsWith(wal.append([]), 'INVALID_ARGUMENT')
    await rejectsWith(wal.append([new Uint8Array(0)]), 'INVALID_ARGUMENT')
    await wal.append([pattern(recordBytesMax)])
    await wal.close()
    sameBytes((await recoverAll(await open(writer(2))))[0]!.data, pattern(recordBytesMax))
  })

  check('W-C03', 'gives strictly increasing positions, across restarts too (W-2)', async open => {
    let last = -Infinity
    for (let epoch = 1; epoch <= 4; epoch++) {
      const wal = await open(writer(epoch))
      await recoverAll(wal)
      for (let n = 0; n < 200; n++) {
        const position = await wal.append([pattern(10, n)])
        assert.ok(Number.isSafeInteger(position) && position > last, `${position} after ${last}`)
        last = position
      }
      await wal.trim(last)
      await wal.close()
    }
  })

  check('W-C04', 'confirms in call order (W-1)', async open => {
    const wal = await open(writer(1))
    const order: number[] = []
    await Promise.all(Array.from({ length: 300 }, async (_, n) => {
      await wal.append([pattern(1 + n * 37 % 3000, n)])
      order.push(n)
    }))
    assert.deepEqual(order, Array.from({ length: 300 }, (_, n) => n))
  })

  check('W-C07', 'forgets a trimmed record and all before it, no more', async open => {
    const first = await open(writer(1))
    const positions: number[] = []
    for (let n = 0; n < 10; n++) positions.push(await first.append([pattern(100, n)]))
    await first.trim(positions[6]!)
    await first.append([pattern(100, 10)])
    await first.close()
    const records = await recoverAll(await open(writer(2)))
    assert.equal(records.length, 4)
    for (const [index, { data }] of records.entries()) sameBytes(data, pattern(100, 7 + index))
  })

  check('W-C08', 'trims again or further back without effect, and refuses to trim past the last append', async open => {
    const wal = await open(writer(1))
    await rejectsWith(wal.trim(1000), 'INVALID_ARGUMENT')
    const positions = [await wal.append([pattern(10)]), await wal.append([pattern(10, 2)]), await wal.append([pattern(10, 3)])]
    await wal.trim(positions[1]!)
    await wal.trim(positions[1]!)
    await wal.trim(positions[0]!)
    await rejectsWith(wal.trim(positions[2]! + 1), 'INVALID_ARGUMENT')
    await wal.close()
    const records = await recoverAll(await open(writer(2)))
    assert.ok(records.some(record => record.position === positions[2]))
  })

  check('W-C10', 'refuses at once what does not fit, loses nothing, and takes more after a trim (W-8)', async open => {
    const wal = await open(writer(1))
    const size = Math.min(64 * kib, wal.usage().recordBytesMax)
    const positions = await fill(wal, size)
    assert.ok(positions.length >= 2)
    await wal.trim(positions[1]!)
    positions.push(await wal.append([pattern(size, positions.length)]))
    await wal.close()
    const records = await recoverAll(await open(writer(2)))
    assert.deepEqual(records.map(record => record.position), positions.slice(2))
    for (const [index, { data }] of records.entries()) sameBytes(data, pattern(size, index + 2))
  })

  check('W-C11', 'keeps records whole while the log is filled three times over', async open => {
    const wal = await open(writer(1))
    const { capacityBytes, recordBytesMax } = wal.usage()
    const size = Math.min(100_001, recordBytesMax)
    const kept: { readonly seed: number, readonly position: number }[] = []
    for (let seed = 0; seed * size < 3 * capacityBytes; seed++) {
      kept.push({ seed, position: await wal.append([pattern(size, seed)]) })
      if (wal.usage().usedBytes > capacityBytes / 2) await wal.trim(kept.shift()!.position)
    }
    await wal.append([pattern(1)])
    await wal.close()
    const records = await recoverAll(await open(writer(2)))
    assert.deepEqual(records.slice(0, -1).map(record => record.position), kept.map(({ position }) => position))
    for (const [index, { seed }] of kept.entries()) sameBytes(records[index]!.data, pattern(size, seed))
  })

  check('W-C13', 'settles what is in flight when closed, and refuses what comes after', async open => {
    const wal = await open(writer(1))
    const appends = Array.from({ length: 200 }, (_, n) => wal.append([pattern(50, n)]))
    const settled = Promise.allSettled(appends)
    await wal.close()
    await wal.close()
    await rejectsWith(wal.append([pattern(1)]), 'CLOSED')
    const outcomes = await settled
    const confirmed = outcomes.flatMap(outcome => outcome.status === 'fulfilled' ? [outcome.value] : [])
    const records = await recoverAll(await open(writer(2)))
    assert.deepEqual(records.slice(0, confirmed.length).map(record => record.position), confirmed)
  })

  check('W-C14', "stores a record's bytes as they were, though the caller reuses the buffer afterwards (W-9)", async open => {
    const wal = await open(writer(1))
    const buffer = new Uint8Array(5000)
    for (let n = 0; n < 20; n++) {
      buffer.set(pattern(5000, n))
      await wal.append([buffer])
      buffer.fill(0xff)
    }
    await wal.close()
    const records = await recoverAll(await open(writer(2)))
    for (const [n, { data }] of records.entries()) {
      sameBytes(data, pattern(5000, n))
      data.fill(0)
    }
  })
}

function recoveryChecks (check: WalCheck): void {
  check('W-R01', 'yields nothing from a new log', async open => {
    assert.deepEqual(await recoverAll(await open(writer(1))), [])
  })

  check('W-R02', 'yields all records after each of several restarts, appended to in between', async open => {
    let count = 0
    for (let epoch = 1; epoch <= 5; epoch++) {
      const wal = await open(writer(epoch))
      const records = await recoverAll(wal)
      assert.equal(records.length, count)
      for (const [n, { data }] of records.entries()) sameBytes(data, pattern(333, n))
      for (let n = 0; n < 20; n++) await wal.append([pattern(333, count++)])
      await wal.close()
    }
  })

  check('W-R08', 'yields the same when an earlier recovery was given up half way (W-6)', async open => {
    const first = await open(writer(1))
    for (let n = 0; n < 30; n++) await first.append([pattern(3000, n)])
    await first.close()
    for (let epoch = 2; epoch <= 5; epoch++) {
      const wal = await open(writer(epoch))
      let left = epoch * 3
      for await (const { data } of wal.recover()) {
        assert.equal(data.length, 3000)
        if (--left === 0) break
      }
      await wal.close()
    }
    const records = await recoverAll(await open(writer(6)))
    assert.equal(records.length, 30)
    for (const [n, { data }] of records.entries()) sameBytes(data, pattern(3000, n))
  })

  check('W-R13', 'trims what it recovered', async open => {
    const first = await open(writer(1))
    for (let n = 0; n < 10; n++) await first.append([pattern(100, n)])
    await first.close()
    const second = await open(writer(2))
    const records = await recoverAll(second)
    await second.trim(records[4]!.position)
    await second.append([pattern(100, 10)])
    await second.close()
    assert.deepEqual((await recoverAll(await open(writer(3)))).slice(0, 5).map(record => record.position), records.slice(5).map(record => record.position))
  })

  check('W-R12', 'keeps the logs of clusters and nodes apart: refuses another one, or gives it a log of its own', async open => {
    const own = await open(writer(1))
    await own.append([pattern(10)])
    await own.close()
    for (const other of [{ ...writer(2), clusterId: 'another' }, { ...writer(2), nodeId: 8 }]) {
      const opening = open(other)
      const log = await opening.catch(() => undefined)
      if (log === undefined) await rejectsWith(opening, 'MISCONFIGURED')
      else assert.deepEqual(await recoverAll(log), [])
      await log?.close()
    }
    assert.equal((await recoverAll(await open(writer(3)))).length, 1)
  })
}

function fencingChecks (check: WalCheck, capabilities: WalCapabilities): void {
  check('W-N06', 'refuses an epoch that is not higher than the highest seen (W-7)', async open => {
    await (await open(writer(5))).close()
    await rejectsWith(open(writer(5)), 'FENCED')
    await rejectsWith(open(writer(4)), 'FENCED')
    await (await open(writer(6))).close()
  })

  check('W-N05', 'lets exactly one of several openers of one epoch in', async open => {
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => open(writer(3))))
    const won = outcomes.filter(outcome => outcome.status === 'fulfilled')
    assert.equal(won.length, 1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') await rejectsWith(Promise.reject(outcome.reason as Error), 'FENCED', 'LOCKED')
  })

  if (capabilities.fencing === 'lock') {
    check('W-N11', 'keeps a second opener out while the first lives, and the first goes on', async open => {
      const wal = await open(writer(1))
      await wal.append([pattern(10)])
      await rejectsWith(open(writer(2)), 'LOCKED')
      await wal.append([pattern(10, 2)])
      await wal.close()
      assert.equal((await recoverAll(await open(writer(3)))).length, 2)
    })
    return
  }

  check('W-N01', 'confirms no append of a lower epoch once a higher one is open (W-7)', async open => {
    const old = await open(writer(1))
    await old.append([pattern(10)])
    const wal = await open(writer(2))
    for (let n = 0; n < 10; n++) await rejectsWith(old.append([pattern(10, n)]), 'FENCED')
    assert.equal((await recoverAll(wal)).length, 1)
    await wal.append([pattern(10, 2)])
    await rejectsWith(old.append([pattern(10)]), 'FENCED')
    await old.close()
    await wal.close()
    assert.equal((await recoverAll(await open(writer(3)))).length, 2)
  })

  check('W-N02', 'recovers all that the fenced writer ever confirms', async open => {
    let wal = await open(writer(1))
    let expected: number[] = []
    for (let epoch = 2; epoch <= 12; epoch++) {
      const old = wal
      const confirmed: number[] = []
      const writing = (async () => {
        for (;;) confirmed.push(await old.append([pattern(200, epoch)]))
      })()
      const fenced = rejectsWith(writing, 'FENCED')
      wal = await open(writer(epoch))
      await fenced
      await old.close()
      // All of them, those too whose answers were on their way when the takeover ended.
      const records = await recoverAll(wal)
      const positions = records.map(record => record.position)
      assert.deepEqual(positions.slice(0, expected.length + confirmed.length), [...expected, ...confirmed])
      expected = positions
      if (records.length > 0) {
        await wal.trim(positions.at(-1)!)
        expected = [await wal.append([pattern(10)])]
      }
    }
  })
}

/** Appends until the log is full. */
async function fill (wal: Wal, size: number): Promise<number[]> {
  const positions: number[] = []
  for (;;) {
    const pending = wal.append([pattern(size, positions.length)])
    try {
      positions.push(await pending)
    } catch {
      await rejectsWith(pending, 'OVER_CAPACITY')
      return positions
    }
    assert.ok(positions.length * size <= wal.usage().capacityBytes, 'the log takes more than its capacity')
  }
}
