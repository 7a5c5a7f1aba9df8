import { StreambedError, sleep } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { Log, writes, type WalFaultCheck } from './log-under-faults.ts'
import { settled } from './pipeline-faults.ts'
import type { Fault, Passage } from '../faults/fault.ts'

export function diskChecks (check: WalFaultCheck): void {
  check('W-D02', 'confirms nothing after a failed sync, whose writes are gone', ['loseUnsynced'], async bench => {
    const log = new Log(bench)
    await log.open()
    let befell = 0
    // A log that writes synchronously has no other sync.
    for (const call of ['datasync', 'write', 'datasync', 'write']) {
      await log.write(5)
      log.plane.set({ fault: { kind: 'loseUnsynced' }, on: passage => passage.call === call, times: 1 })
      for (let round = 0; round < 4; round++) await settled(bench, log.pipeline(3))
      befell += log.plane.befallen.loseUnsynced ?? 0
      await log.reopen()
    }
    assert.ok(befell > 0, 'the log neither writes nor syncs')
  })

  check('W-D05', 'says that the disk is full, at whatever write, and goes on when it is not', ['refuse'], async bench => {
    await eachWriteUnder(bench, { kind: 'refuse', as: 'full' }, writes, 8)
  })

  check('W-D06', 'bears a write of which a part alone is done', ['cut', 'loseUnsynced'], async bench => {
    await eachWriteUnder(bench, { kind: 'cut' }, ({ call }) => call === 'write', 4)
  })
}

/** In turn, the first, second, … write fails, with all of its kind behind it; then all is well again. */
async function eachWriteUnder (bench: Parameters<Parameters<WalFaultCheck>[3]>[0], fault: Fault, isOn: (passage: Passage) => boolean, count: number): Promise<void> {
  const log = new Log(bench)
  await log.open()
  let befell = 0
  for (let at = 0; at < count; at++) {
    let crossed = 0
    log.plane.set({ fault, on: passage => isOn(passage) && crossed++ >= at })
    const pending = Promise.all([log.pipeline(3), log.pipeline(3)])
    // A log in a store tries again for as long as its options say; room comes before it gives up.
    await Promise.race([pending, sleep(bench.clock, bench.pace.spellMs / 4)])
    log.plane.heal()
    const errors = (await settled(bench, pending)).flat()
    for (const error of errors) if (error !== undefined) assert.ok(StreambedError.is(error, 'OUT_OF_SPACE', 'OVER_CAPACITY', 'UNAVAILABLE', 'OUTCOME_UNKNOWN'), `expected OUT_OF_SPACE, or what is in doubt, got ${String(error)}`)
    befell += log.plane.befallen[fault.kind] ?? 0
    await log.reopen()
    await log.write(2)
  }
  assert.ok(befell > 0, 'no write was hurt')
}
