import { StreambedError, sleep } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { crashWriter } from '../certify/crash-order.ts'
import { within } from '../certify/within.ts'
import { NotRun } from '../faults/fault-harness.ts'
import type { Rule } from '../faults/fault.ts'
import { untilHeld } from '../faults/outcomes.ts'
import { recoverAll } from '../wal.ts'
import { Log, writes, type WalFaultCheck } from './log-under-faults.ts'

const capacityBytesMax = 256 * 2 ** 20

export function pipelineChecks (check: WalFaultCheck): void {
  check('W-F01', 'confirms in order, and keeps, what slow writes carry', ['delay'], async bench => {
    const log = new Log(bench)
    await log.open()
    let crossed = 0
    log.plane.set({ fault: { kind: 'delay', ms: bench.pace.spellMs / 4 }, on: passage => writes(passage) && crossed++ % 3 === 0 })
    for (let round = 0; round < 8; round++) await settled(bench, log.pipeline(15))
    assert.ok((log.plane.befallen.delay ?? 0) > 0, 'no write was slow')
    await log.reopen()
  })

  check('W-F02', 'confirms nothing past a write that is stuck, and goes on or fails as one when it ends', ['hold'], async bench => {
    const log = new Log(bench)
    await log.open()
    await log.write(5)
    log.plane.set({ fault: { kind: 'hold' }, on: writes, times: 1 })
    const first = log.append()
    await untilHeld(bench, log.plane)
    const rest = log.pipeline(20)
    await sleep(bench.clock, bench.pace.spellMs / 4)
    log.plane.release()
    const outcomes = await settled(bench, Promise.all([first, rest]))
    const errors = outcomes.flat()
    const failedAt = errors.findIndex(error => error !== undefined)
    if (failedAt >= 0) assert.ok(errors.slice(failedAt).every(error => error !== undefined), 'appends behind one that failed were confirmed')
    await log.reopen()
    await log.write(3)
  })

  check('W-F03', 'fails all behind a write that fails for good, none before it', ['refuse'], async bench => {
    const log = new Log(bench)
    await log.open()
    await log.write(5)
    let crossed = 0
    log.plane.set({ fault: { kind: 'refuse', as: 'denied' }, on: passage => writes(passage) && crossed++ >= 2 })
    const errors: (StreambedError | undefined)[] = []
    for (let round = 0; round < 10; round++) errors.push(...await settled(bench, log.pipeline(5)))
    const failedAt = errors.findIndex(error => error !== undefined)
    assert.ok(failedAt >= 0, 'every append was confirmed, though all writes but the first two were refused')
    assert.ok(errors.slice(failedAt).every(error => error !== undefined), 'appends behind one that failed were confirmed')
    log.plane.heal()
    // It may take records again, but none past a hole: the journal watches.
    await settled(bench, log.pipeline(3))
    await log.reopen()
    await log.write(3)
  })

  check('W-F04', 'keeps one of what arrives twice', ['duplicate'], async bench => {
    const log = new Log(bench)
    await log.open({ rules: [{ fault: { kind: 'duplicate' }, on: writes, share: 0.5 }] })
    await log.write(10)
    await settled(bench, log.pipeline(30))
    assert.ok((log.plane.befallen.duplicate ?? 0) > 0, 'nothing arrived twice')
    assert.equal((await log.reopen()).length, 40)
  })

  check('W-F06', 'bears an outage: refuses or waits, loses nothing, and goes on when opened again', ['refuse'], async bench => {
    const log = new Log(bench)
    await log.open()
    await log.write(10)
    log.plane.set({ fault: { kind: 'refuse', as: 'throttled' } })
    const during = log.pipeline(50)
    await sleep(bench.clock, bench.pace.spellMs)
    assert.equal(log.journal.confirmed, 10, 'records were confirmed while the medium took none')
    log.plane.heal()
    await settled(bench, during)
    await log.reopen()
    await log.write(20)
    await log.reopen()
  })

  check('W-F07', 'is full, and says so, when records come faster than the medium takes them', ['hold'], async bench => {
    const { plane, subject: wal } = await bench.open({}, crashWriter(1))
    await recoverAll(wal)
    const { capacityBytes, recordBytesMax } = wal.usage()
    if (capacityBytes > capacityBytesMax) throw new NotRun(`the log holds ${capacityBytes} bytes, too much to be filled in memory: set its capacity to ${capacityBytesMax} bytes at most`)
    await wal.append([new Uint8Array(100)])
    const record = new Uint8Array(Math.min(recordBytesMax, 64 * 1024)).fill(7)
    plane.set({ fault: { kind: 'hold' } })
    const accepted: Promise<unknown>[] = []
    const refused = Promise.withResolvers<unknown>()
    let isFull = false
    // All in one turn of the event loop and none awaited: what is refused must be refused at once.
    for (let bytes = 0; bytes <= 2 * capacityBytes && !isFull; bytes += record.length) {
      const appended = wal.append([record])
      appended.catch((error: unknown) => { isFull = true; refused.resolve(error) })
      accepted.push(appended)
      if (accepted.length % 8 === 0) await Promise.resolve()
    }
    const first = await within(bench.clock, bench.pace.callMsMax, `twice its capacity of ${capacityBytes} bytes was appended, and the log refused none of it`, refused.promise)
    assert.ok(StreambedError.is(first, 'OVER_CAPACITY'), `expected OVER_CAPACITY, got ${String(first)}`)
    assert.ok(accepted.length * record.length <= capacityBytes + 16 * record.length, `${accepted.length * record.length} bytes were taken by a log of ${capacityBytes}`)
    plane.heal()
    const outcomes = await settled(bench, Promise.allSettled(accepted))
    const taken = outcomes.filter(({ status }) => status === 'fulfilled').length
    await wal.close()
    const { subject: again } = await bench.open({}, crashWriter(2))
    assert.ok((await recoverAll(again)).length >= taken + 1, 'records that were confirmed are gone')
  })

  check('W-F08', 'keeps its promises while everything goes wrong by chance', ['delay', 'refuse', 'loseAnswer'], async bench => {
    const log = new Log(bench)
    const rules: readonly Rule[] = [
      { fault: { kind: 'delay', ms: bench.pace.spellMs / 40 }, share: 0.1 },
      { fault: { kind: 'refuse', as: 'unavailable' }, share: 0.05 },
      { fault: { kind: 'loseAnswer', as: 'unavailable' }, share: 0.05, on: writes }
    ]
    await log.open()
    const endMs = bench.clock.monotonicMs() + 2 * bench.pace.spellMs
    let befell = 0
    for (let round = 0; round < 30 || bench.clock.monotonicMs() < endMs; round++) {
      log.plane.set(...rules)
      const errors = await settled(bench, log.pipeline(1 + Math.floor(bench.random.fraction() * 20)))
      if (errors.every(error => error === undefined) && round % 8 !== 7) continue
      befell += Object.values(log.plane.befallen).reduce((sum, count) => sum + count, 0)
      const found = await log.reopen()
      // So that the log does not fill.
      if (found.length > 20) await log.trim()
    }
    await log.reopen()
    assert.ok(befell > 0, 'nothing went wrong')
  })

  check('W-R11', 'recovers while the medium refuses now and then', ['refuse'], async bench => {
    const log = new Log(bench)
    await log.open()
    await settled(bench, log.pipeline(100))
    await log.wal.close()
    let crossed = 0
    // On files one call fails now and then, in one opening after another; elsewhere a half of all.
    const failing = [0, 3, 12, 30].map(at => at + Math.floor(bench.random.fraction() * 3))
    let refused = 0
    const refusedOnce = (): boolean => {
      const isRefused = bench.kind === 'files' ? failing.includes(crossed++) : bench.random.fraction() < 0.5
      if (isRefused) refused++
      return isRefused
    }
    assert.equal((await log.open({ rules: [{ fault: { kind: 'refuse', as: bench.kind === 'files' ? 'unavailable' : 'throttled' }, on: refusedOnce }] })).length, 100)
    assert.ok(refused > 0, 'nothing was refused')
    await log.reopen()
  })
}

/** All settle, because faults end and calls have deadlines. */
export async function settled<T> ({ clock, pace }: { readonly clock: Parameters<typeof within>[0], readonly pace: { readonly callMsMax: number, readonly spellMs: number } }, pending: Promise<T>): Promise<T> {
  const limitMs = pace.callMsMax + pace.spellMs
  return await within(clock, limitMs, `appends did not settle within ${limitMs / 1000} s`, pending)
}
