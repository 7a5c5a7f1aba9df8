import assert from 'node:assert/strict'
import { StreambedError, sleep, type MetadataLog } from '@streambed/sdk'
import { MemoryObjectMedium } from '@streambed/sdk/testing'
import { HostileStore, bench, settle, type Weather } from '../../wal-object/test/support.ts'
import { ObjectMetadataLog } from '../src/metadata-log.ts'
import { defaultOptions } from '../src/options.ts'

// STREAMBED_METADATA_SEEDS=5000 for a long run.
const seedCount = Number(process.env['STREAMBED_METADATA_SEEDS'] ?? 300)
// Schedules that once went wrong.
const seedsKept = [394, 498, 747]
const options = { ...defaultOptions, putTimeoutMs: 1_500, putDeadlineMs: 8_000 }

/** The one truth: what stands at each position, once anybody has learned it. */
class Checker {
  readonly #at = new Map<number, string>()
  readonly #never = new Set<string>()
  resolvedEnd = 0
  snapshotAt = -1
  readonly counts = { appended: 0, conflicts: 0, unknown: 0, forgotten: 0 }

  learn (position: number, text: string, how: string): void {
    const known = this.#at.get(position)
    if (known !== undefined) assert.equal(text, known, `${how}: position ${position} changed`)
    assert.ok(!this.#never.has(text), `${how}: ${text} at ${position} was refused`)
    this.#at.set(position, text)
  }

  refuse (texts: readonly string[]): void {
    const all = new Set(this.#at.values())
    for (const text of texts) {
      assert.ok(!all.has(text), `${text} was refused, and is in the log`)
      this.#never.add(text)
    }
  }

  checkUnique (): void { assert.equal(new Set(this.#at.values()).size, this.#at.size, 'entries stand twice') }
}

function textOf (bytes: Uint8Array): string { return Buffer.from(bytes).toString() }

async function use (log: MetadataLog, name: string, checker: Checker, rounds: number, choose: { below (bound: number): number }, pause: () => Promise<void>): Promise<void> {
  let end = 0
  let doubt: { readonly at: number, readonly texts: readonly string[] } | undefined
  const catchUp = async (): Promise<void> => {
    for (;;) {
      const resolvedBefore = checker.resolvedEnd
      const snapshotBefore = checker.snapshotAt
      try {
        const page = await log.read(end)
        assert.ok(page.end >= resolvedBefore, `${name} read an end of ${page.end} after ${resolvedBefore} was reached`)
        for (const [index, entry] of page.entries.entries()) checker.learn(end + index, textOf(entry), `${name} read`)
        if (doubt?.at === end) {
          const shown = page.entries.length > 0 && textOf(page.entries[0]!) === doubt.texts[0]
          if (!shown) checker.refuse(doubt.texts)
          doubt = undefined
        }
        end += page.entries.length
        if (end >= page.end) return
      } catch (error) {
        if (!StreambedError.is(error, 'OUT_OF_RANGE')) throw error
        checker.counts.forgotten++
        const snapshot = await log.latestSnapshot()
        assert.ok(snapshot !== undefined && snapshot.at > end && snapshot.at >= snapshotBefore, `${name}: forgotten from ${end}, but the snapshot is at ${snapshot?.at}`)
        assert.equal(textOf(snapshot.state), `state ${snapshot.at}`)
        end = snapshot.at
        doubt = undefined
      }
    }
  }
  for (let round = 0; round < rounds; round++) {
    try {
      if (doubt !== undefined || choose.below(3) === 0) await catchUp()
      const texts = Array.from({ length: 1 + choose.below(3) }, (_, n) => `${name}.${round}.${n}`)
      const at = end
      try {
        await log.append(at, texts.map(text => Buffer.from(text)))
        checker.counts.appended++
        for (const [index, text] of texts.entries()) checker.learn(at + index, text, `${name} appended`)
        end = at + texts.length
        checker.resolvedEnd = Math.max(checker.resolvedEnd, end)
      } catch (error) {
        if (StreambedError.is(error, 'CONFLICT')) {
          checker.counts.conflicts++
          checker.refuse(texts)
          await catchUp()
        } else if (StreambedError.is(error, 'OUTCOME_UNKNOWN')) {
          checker.counts.unknown++
          doubt = { at, texts }
        } else throw error
      }
      if (doubt === undefined && choose.below(8) === 0) {
        await log.writeSnapshot(end, Buffer.from(`state ${end}`))
        checker.snapshotAt = Math.max(checker.snapshotAt, end)
        await log.truncateBefore(end)
      }
    } catch (error) {
      if (!StreambedError.is(error, 'UNAVAILABLE', 'OUTCOME_UNKNOWN')) throw error
    }
    await pause()
  }
}

async function runSeed (seed: string): Promise<Checker> {
  const { clock, environment, random } = bench(seed)
  const medium = new MemoryObjectMedium()
  const weather: Weather = { isBad: true }
  const checker = new Checker()
  const logs: MetadataLog[] = []
  const stores: HostileStore[] = []
  const whole = (async () => {
    const brokers = Array.from({ length: 3 }, async (_, broker) => {
      const choose = random.fork(`broker-${broker}`)
      const store = new HostileStore(medium, clock, choose.fork('store'), weather)
      stores.push(store)
      const log = await ObjectMetadataLog.open(options, environment, store)
      logs.push(log)
      await use(log, `b${broker}`, checker, 40, choose, async () => {
        await sleep(clock, choose.fraction() * 300)
        if (choose.below(15) === 0) store.pausedUntilMs = clock.monotonicMs() + choose.fraction() * 60_000
      })
    })
    // A process may stand still in the middle of a call.
    for (let n = 0; n < 6; n++) {
      await sleep(clock, random.fraction() * 8_000)
      stores[random.below(stores.length)]!.pausedUntilMs = clock.monotonicMs() + random.fraction() * 60_000
    }
    await Promise.all(brokers)
    // Longer than a process stands still and a put lingers.
    await sleep(clock, 200_000)
    weather.isBad = false
    for (const log of logs) {
      await use(log, `last-${logs.indexOf(log)}`, checker, 3, random.fork('last'), async () => {})
      await log.close()
    }
    const fresh = await ObjectMetadataLog.open(options, environment, new HostileStore(medium, clock, random.fork('fresh'), weather))
    await use(fresh, 'fresh', checker, 10, random.fork('use-fresh'), async () => {})
    const end = checker.resolvedEnd
    await fresh.writeSnapshot(end, Buffer.from(`state ${end}`))
    await fresh.truncateBefore(end)
    await fresh.close()
  })()
  await settle(whole, clock, environment)
  checker.checkUnique()
  // One snapshot, at most eight marks, the last slot.
  assert.ok(medium.objects.size <= 10, `left in the store: ${[...medium.objects.keys()].join(' ')}`)
  return checker
}

describe('brokers that share a metadata log over a hostile network', () => {
  it(`agree on one log, in ${seedCount} schedules`, async function () {
    this.timeout(60_000 + seedCount * 500)
    const sums = { appended: 0, conflicts: 0, unknown: 0, forgotten: 0 }
    for (const seed of [...seedsKept, ...Array(seedCount).keys()]) {
      try {
        const { counts } = await runSeed(`metadata-${seed}`)
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += counts[name]
      } catch (error) {
        throw new Error(`seed metadata-${seed}: ${String(error)}`, { cause: error })
      }
    }
    // The schedules are of use only if they do meet what they are about.
    assert.ok(sums.appended > 20 * seedCount && sums.conflicts > seedCount && sums.forgotten > seedCount / 2 && sums.unknown > seedCount / 20, JSON.stringify(sums))
  })
})
