import { StreambedError, type MetadataLog, type MetadataLogCapabilities } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith, sameBytes } from '../assertions.ts'
import { within } from '../certify/within.ts'
import { faultChecks, Persistence, type FaultHarness } from '../faults/fault-harness.ts'
import type { Passage } from '../faults/fault.ts'
import type { Runner } from '../harness.ts'
import { outcomeOf, told } from '../faults/outcomes.ts'
import { entriesOf } from './suite.ts'

export type MetadataLogFaultHarness = FaultHarness<MetadataLog, MetadataLogCapabilities>

const appendCount = 60
/** Each crossing in turn brings damage, up to this many. */
const readsMax = 60
/** Odd, so that the middle of the log lies in an entry. */
const entryCount = 21
const writes = ({ action }: Passage): boolean => action === 'write'

/** The part of the metadata log catalogue that needs a medium that fails. */
export function metadataLogFaultConformance (runner: Runner, harness: MetadataLogFaultHarness): void {
  const { isShared } = harness.capabilities
  runner.describe(`metadata log under faults: ${harness.name}`, () => {
    const check = faultChecks(runner, harness)

    check('ML-05', 'an append whose answer was lost is in the log once, or not at all, and nobody is told otherwise (ML-3)', ['loseAnswer'], async bench => {
      const persistence = new Persistence(bench)
      const expected: string[] = []
      let opened = await bench.open({})
      const rule = { fault: { kind: 'loseAnswer', as: 'unavailable' }, on: writes, share: 0.2 } as const
      opened.plane.set(rule)
      let lost = 0
      for (let n = 0; n < appendCount; n++) {
        const text = `entry ${n}`
        const outcome = await within(bench.clock, bench.pace.callMsMax, 'an append did not end', outcomeOf(opened.subject.append(expected.length, [Buffer.from(text)])))
        assert.ok(!StreambedError.is(outcome, 'CONFLICT'), `position ${expected.length}: nobody else appends, yet the append lost to somebody (ML-3)`)
        if (!(outcome instanceof Error)) { expected.push(text); continue }
        assert.ok(StreambedError.is(outcome, 'OUTCOME_UNKNOWN', 'UNAVAILABLE', 'CLOSED', 'OUT_OF_SPACE'), `expected OUTCOME_UNKNOWN, got ${told(outcome)}`)
        lost++
        // A log of a file is opened again after its file failed (ML-8).
        opened.plane.heal()
        const end = await outcomeOf(opened.subject.read(expected.length))
        if (StreambedError.is(end, 'CLOSED')) {
          await opened.subject.close()
          opened = await persistence.until(() => bench.open({}))
        }
        const found = (await persistence.until(() => entriesOf(opened.subject, expected.length))).map(entry => Buffer.from(entry).toString())
        assert.ok(found.length === 0 || (found.length === 1 && found[0] === text), `after an append in doubt the log goes on with ${JSON.stringify(found)}, expected ${JSON.stringify(text)} once or nothing`)
        expected.push(...found)
        opened.plane.set(rule)
      }
      opened.plane.heal()
      assert.deepEqual((await entriesOf(opened.subject, 0)).map(entry => Buffer.from(entry).toString()), expected)
      assert.ok(lost > 0 || (opened.plane.befallen.loseAnswer ?? 0) > 0, 'no answer was lost: appends make no call that writes')
    })

    check('ML-13', 'entries that changed on the medium are CORRUPT, never read as others (ML-7)', ['corrupt'], async bench => {
      const { subject: log } = await bench.open({})
      for (let n = 0; n < entryCount; n++) await log.append(n, [pattern(3000, n)])
      await log.close()
      let failures = 0
      for (let at = 0; at < readsMax; at++) {
        let crossed = 0
        const rules = [{ fault: { kind: 'corrupt', way: 'down' } as const, on: ({ action, call }: Passage) => action === 'read' && call !== 'stat' && call !== 'size' && crossed++ === at }]
        const read = await outcomeOf((async () => {
          const { subject: again } = await bench.open({ rules })
          try {
            return await entriesOf(again, 0)
          } finally {
            await again.close()
          }
        })())
        if (crossed <= at) break
        if (read instanceof Error) {
          assert.ok(StreambedError.is(read, 'CORRUPT', 'UNSUPPORTED', 'MISCONFIGURED', 'UNAVAILABLE'), `expected CORRUPT, got ${String(read)}`)
          failures++
          continue
        }
        assert.equal(read.length, entryCount, 'damage made the log shorter')
        for (const [n, entry] of read.entries()) sameBytes(entry, pattern(3000, n), `entry ${n}, read from a damaged medium`)
      }
      assert.ok(failures > 0, 'no read was hurt by what befell it')
    })

    if (!isShared) return
    check('ML-17', 'one that is cut off claims nothing, the others go on, and it follows when it is back', ['refuse'], async bench => {
      const { plane, subject: cut } = await bench.open({})
      const { subject: other } = await bench.open({})
      await cut.append(0, [Buffer.from('0')])
      plane.set({ fault: { kind: 'refuse', as: 'unavailable' } })
      const claims = [outcomeOf(cut.append(1, [Buffer.from('cut off')])), outcomeOf(cut.read(0))]
      await other.append(1, [Buffer.from('1')])
      for (let n = 2; n < 10; n++) await other.append(n, [Buffer.from(String(n))])
      plane.heal()
      const [append, read] = await within(bench.clock, bench.pace.callMsMax, 'calls of one that was cut off did not end', Promise.all(claims))
      assert.ok(append instanceof Error, 'an append was acknowledged at a position that another holds')
      assert.ok(StreambedError.is(append, 'CONFLICT', 'OUTCOME_UNKNOWN', 'UNAVAILABLE'), String(append))
      // It may have read before the others went on, or after it came back; it read no end of its own.
      if (!(read instanceof Error)) assert.ok((read as { readonly end: number }).end >= 1)
      const persistence = new Persistence(bench)
      assert.deepEqual((await persistence.until(() => entriesOf(cut, 0))).map(entry => Buffer.from(entry).toString()), Array.from({ length: 10 }, (_, n) => String(n)))
      await rejectsWith(cut.append(5, [pattern(1)]), 'CONFLICT')
      await persistence.until(() => cut.append(10, [Buffer.from('back')]))
      assert.equal((await other.read(10)).end, 11)
    })
  })
}
