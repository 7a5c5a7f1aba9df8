import { sleep, type Wal, type WalCapabilities } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { crashBody, crashWriter } from '../certify/crash-order.ts'
import type { Faulty, OpenUnderFaults } from '../faults/fault-harness.ts'
import { recoverAll } from '../wal.ts'
import { Log, writes, type WalBench, type WalFaultCheck } from './log-under-faults.ts'
import { Journal } from './journal.ts'
import { settled } from './pipeline-faults.ts'

const hourMs = 3_600_000

export function partitionChecks (check: WalFaultCheck, { fencing }: WalCapabilities): void {
  check('W-F05', 'confirms nothing while its medium is gone, and has all that it confirmed when it is back', ['refuse'], async bench => {
    const log = new Log(bench)
    await log.open()
    await log.write(10)
    log.plane.set({ fault: { kind: 'refuse', as: 'unavailable' } })
    const pending = log.pipeline(10)
    await sleep(bench.clock, bench.pace.spellMs / 2)
    assert.equal(log.journal.confirmed, 10, 'records were confirmed while the medium was gone')
    log.plane.heal()
    await settled(bench, pending)
    await log.reopen()
    await log.write(5)
  })

  // Where the operating system keeps a second opener out, there is no takeover while the first lives.
  if (fencing === 'lock') return

  check('W-N04', 'a write that is held up past a takeover is neither confirmed nor recovered', ['hold'], async bench => {
    const { after, journal, next, old } = await takeover(bench, {}, ({ plane, subject }, journal) => {
      plane.set({ fault: { kind: 'hold' }, on: writes, times: 1 })
      return journal.append(subject)
    })
    assert.equal(old.plane.befallen.hold, 1, 'the append made no write that could be held up')
    const recovered = journal.check(await recoverAll(next.subject))
    journal.begin()
    await append(journal, next.subject)
    old.plane.heal()
    const outcome = await settled(bench, after)
    assert.ok(outcome !== undefined || recovered.includes(5), 'the write that was held up was confirmed after the takeover, which did not recover it (W-7)')
    await endsWith(bench, { journal, next, old }, recovered.length + 1)
  })

  check('W-N10', 'a writer that is cut off confirms nothing, and is fenced when it comes back', ['refuse'], async bench => {
    const { after, journal, next, old } = await takeover(bench, {}, ({ plane, subject }, journal) => {
      plane.set({ fault: { kind: 'refuse', as: 'unavailable' } })
      return Promise.all(Array.from({ length: 5 }, () => journal.append(subject)))
    })
    const recovered = journal.check(await recoverAll(next.subject))
    const confirmedBefore = journal.confirmed
    await sleep(bench.clock, bench.pace.spellMs / 4)
    assert.equal(journal.confirmed, confirmedBefore, 'a writer that is cut off confirmed records')
    old.plane.heal()
    for (const outcome of await settled(bench, after)) assert.notEqual(outcome, undefined, 'a record of the earlier writer was confirmed after the takeover (W-7)')
    journal.begin()
    await append(journal, next.subject)
    await endsWith(bench, { journal, next, old }, recovered.length + 1)
  })

  for (const offsetMs of [hourMs, -hourMs]) {
    check('W-N08', `fences as ever when the clock of the later writer is an hour ${offsetMs > 0 ? 'ahead' : 'behind'}`, ['delay'], async bench => {
      const { journal, next, old } = await takeover(bench, { wallOffsetMs: offsetMs }, () => Promise.resolve())
      const recovered = journal.check(await recoverAll(next.subject))
      journal.begin()
      await append(journal, next.subject)
      await endsWith(bench, { journal, next, old }, recovered.length + 1)
    })
  }
}

interface TakenOver<T> {
  readonly journal: Journal
  readonly old: Faulty<Wal>
  readonly next: Faulty<Wal>
  /** What `meanwhile` left under way. */
  readonly after: Promise<T>
}

/** An old writer with five confirmed records, `meanwhile` begun on it, and then a later writer open. */
async function takeover<T> (bench: WalBench, given: OpenUnderFaults, meanwhile: (old: Faulty<Wal>, journal: Journal) => Promise<T>): Promise<TakenOver<T>> {
  const journal = new Journal()
  journal.begin()
  const old = await bench.open({}, crashWriter(1))
  await recoverAll(old.subject)
  for (let n = 0; n < 5; n++) await append(journal, old.subject)
  const after = meanwhile(old, journal)
  after.catch(() => undefined)
  await begun(bench, old)
  const next = await bench.open(given, crashWriter(2))
  return { journal, old, next, after }
}

/** Gives what was begun a moment to reach the plane. */
async function begun ({ clock }: WalBench, { plane }: Faulty<Wal>): Promise<void> {
  for (let turns = 0; turns < 200 && plane.held === 0; turns++) await sleep(clock, 1)
}

async function append (journal: Journal, wal: Wal): Promise<void> { assert.equal(await journal.append(wal), undefined, 'an append failed while all went well') }

/** The earlier writer is refused; what the next to open finds are `count` records, the later writer's last. */
async function endsWith (bench: WalBench, { journal, next, old }: Pick<TakenOver<unknown>, 'journal' | 'next' | 'old'>, count: number): Promise<void> {
  await assert.rejects(settled(bench, old.subject.append([crashBody(1)])), 'the earlier writer still confirms records (W-7)')
  await old.subject.close()
  await next.subject.close()
  const { subject: last } = await bench.open({}, crashWriter(3))
  assert.equal(journal.check(await recoverAll(last)).length, count, 'records of the earlier writer came up after the takeover')
}
