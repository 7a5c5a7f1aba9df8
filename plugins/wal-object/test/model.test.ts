import assert from 'node:assert/strict'
import { StreambedError, sleep, type Wal, type WalIdentity, type WalRecord } from '@streambed/sdk'
import { MemoryObjectMedium, type SeededRandom } from '@streambed/sdk/testing'
import type { ObjectWal } from '../src/object-wal.ts'
import { HostileStore, bench, openWal, recovered, settle, type Bench, type Weather } from './support.ts'

// STREAMBED_WAL_SEEDS=5000 for a long run.
const seedCount = Number(process.env['STREAMBED_WAL_SEEDS'] ?? 400)
const lives = 6

interface Life {
  readonly epoch: number
  readonly calledMs: number
  openedMs: number
  /** Ids that its recovery yielded; undefined before it has ended. */
  recovered: Set<number> | undefined
}

/** What must hold, whatever happened: keeps the history of all writers. */
class Checker {
  /** By record: where it is, and the lowest epoch that has confirmed or recovered it. */
  readonly #confirmed = new Map<number, { readonly position: number, readonly epoch: number }>()
  readonly #lives: Life[] = []
  #id: string | undefined
  #nextId = 0
  trimAsked = -1
  /** By epoch: what a confirmed append of it has made trimmed for good. */
  readonly #trimDurable = new Map<number, number>()
  readonly counts = { confirmed: 0, late: 0, fenced: 0, recoveries: 0 }

  newId (): number { return this.#nextId++ }

  opened (epoch: number, calledMs: number, nowMs: number): Life {
    const higher = this.#lives.find(life => life.epoch >= epoch && life.openedMs < calledMs)
    assert.equal(higher, undefined, `epoch ${epoch} was opened although epoch ${higher?.epoch} was open`)
    const life = { epoch, calledMs, openedMs: nowMs, recovered: undefined }
    this.#lives.push(life)
    return life
  }

  confirm (life: Life, id: number, position: number, calledMs: number, trimBefore: number): void {
    this.counts.confirmed++
    this.#confirmed.set(id, { position, epoch: life.epoch })
    this.#trimDurable.set(life.epoch, Math.max(this.#trimDurable.get(life.epoch) ?? -1, trimBefore))
    for (const later of this.#lives) {
      if (later.epoch <= life.epoch) continue
      this.counts.late++
      assert.ok(calledMs <= later.openedMs, `epoch ${life.epoch} confirmed record ${id}, appended after epoch ${later.epoch} had opened`)
      if (later.recovered !== undefined && position > this.trimAsked) assert.ok(later.recovered.has(id), `epoch ${life.epoch} confirmed record ${id}, which epoch ${later.epoch} did not recover`)
    }
  }

  check (life: Life, records: readonly WalRecord[]): void {
    this.counts.recoveries++
    const seen = new Set<number>()
    let last = -1
    const trimDurable = Math.max(-1, ...[...this.#trimDurable].filter(([epoch]) => epoch < life.epoch).map(([, position]) => position))
    for (const { data, position } of records) {
      const id = idOf(data)
      assert.ok(id < this.#nextId, `record ${id} was invented`)
      assert.ok(!seen.has(id), `record ${id} comes twice`)
      assert.ok(position > last, `positions go back at ${position}`)
      assert.ok(position > trimDurable, `record ${id} was trimmed for good`)
      const known = this.#confirmed.get(id)
      if (known !== undefined) assert.equal(position, known.position, `record ${id} moved`)
      seen.add(id)
      last = position
    }
    for (const [id, { epoch, position }] of this.#confirmed) {
      if (epoch < life.epoch && position > this.trimAsked) assert.ok(seen.has(id), `epoch ${life.epoch} did not recover record ${id}, which epoch ${epoch} confirmed at ${position}`)
    }
    for (const { data, position } of records) {
      const id = idOf(data)
      this.#confirmed.set(id, { position, epoch: Math.min(life.epoch, this.#confirmed.get(id)?.epoch ?? Infinity) })
    }
    life.recovered = seen
  }

  /** What a log says of itself when it is opened (W-10, W-13). */
  told (life: Life, { id, last, trimmed, writerEpoch }: WalIdentity): void {
    this.#id ??= id
    assert.equal(id, this.#id, `epoch ${life.epoch} opened another log`)
    assert.ok(writerEpoch < life.epoch, `epoch ${life.epoch} is told of ${writerEpoch} before it`)
    for (const { epoch, openedMs } of this.#lives) if (epoch < life.epoch && openedMs < life.calledMs) assert.ok(writerEpoch >= epoch, `epoch ${life.epoch} is told of ${writerEpoch}, and ${epoch} had opened`)
    assert.ok(trimmed <= this.trimAsked, `epoch ${life.epoch} is told trimmed=${trimmed}, and nobody asked for more than ${this.trimAsked}`)
    for (const [record, { epoch, position }] of this.#confirmed) if (epoch < life.epoch) assert.ok(position <= last, `epoch ${life.epoch} is told last=${last}, and epoch ${epoch} confirmed ${record} at ${position}`)
  }

  /** A position to trim to, among those that this writer knows. */
  pickTrim (random: SeededRandom, known: readonly number[]): number | undefined {
    const held = known.filter(position => position > this.trimAsked)
    return held.length === 0 ? undefined : held[random.below(held.length)]
  }
}

function recordOf (id: number, size: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(8, size)).fill(id % 251)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, id)
  view.setUint32(4, bytes.length)
  return bytes
}

function idOf (data: Uint8Array): number {
  const id = new DataView(data.buffer, data.byteOffset).getUint32(0)
  assert.deepEqual(data, recordOf(id, data.length), `record ${id} has other bytes`)
  return id
}

function expected (error: unknown): void {
  if (!StreambedError.is(error, 'FENCED', 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'CLOSED')) throw error
}

/** A process that opens the log, uses it until something ends it, and then goes on trying for a while. */
async function live (parts: { readonly bench: Bench, readonly store: HostileStore, readonly epoch: number, readonly checker: Checker, readonly keep: Wal[] }): Promise<void> {
  const { bench: { clock, environment, random }, checker, epoch, keep, store } = parts
  const choose = random.fork(`life-${epoch}`)
  let wal: ObjectWal
  const openMs = clock.monotonicMs()
  try {
    wal = await openWal(store, environment, epoch, {
      uploadsMax: 1 + choose.below(6), batchBytesMax: 1024, batchIntervalMsMax: 20, putTimeoutMs: 1_000 + choose.below(3_000), putDeadlineMs: 20_000, hedgePercentile: 50, hedgeShareMax: 0.5
    })
  } catch (error) { expected(error); return }
  keep.push(wal)
  const life = checker.opened(epoch, openMs, clock.monotonicMs())
  checker.told(life, wal.identity)
  let trimmed = -1
  const known: number[] = []
  try {
    const records = await recovered(wal)
    checker.check(life, records)
    for (const { position } of records) known.push(position)
    for (let round = choose.below(60); round > 0; round--) {
      const trim = choose.fraction() < 0.3 ? checker.pickTrim(choose, known) : undefined
      if (trim !== undefined) {
        checker.trimAsked = Math.max(checker.trimAsked, trim)
        await wal.trim(trim)
        trimmed = trim
      }
      const trimBefore = trimmed
      for (let count = choose.below(4); count > 0; count--) {
        const id = checker.newId()
        const calledMs = clock.monotonicMs()
        wal.append([recordOf(id, 8 + choose.below(700))]).then(position => {
          known.push(position)
          checker.confirm(life, id, position, calledMs, trimBefore)
        }, error => {
          expected(error)
          if (StreambedError.is(error, 'FENCED')) checker.counts.fenced++
        }).catch((error: unknown) => { failures.push(error) })
      }
      await sleep(clock, choose.fraction() * 150)
    }
    if (choose.fraction() < 0.4) await wal.close()
  } catch (error) { expected(error) }
}

const failures: unknown[] = []

async function runSeed (seed: string): Promise<Checker> {
  const own = bench(seed)
  const { clock, environment, random } = own
  const medium = new MemoryObjectMedium()
  const weather: Weather = { isBad: true }
  const checker = new Checker()
  const keep: Wal[] = []
  const stores: HostileStore[] = []
  const running: Promise<void>[] = []
  const whole = (async () => {
    for (let epoch = 1; epoch <= lives; epoch++) {
      const store = new HostileStore(medium, clock, random.fork(`store-${epoch}`), weather)
      stores.push(store)
      running.push(live({ bench: own, store, epoch, checker, keep }))
      await sleep(clock, random.fraction() < 0.3 ? random.fraction() * 300 : random.fraction() * 6_000)
      // A process stands still, perhaps within its opening, and goes on after others have taken over and trimmed.
      if (random.fraction() < 0.6) stores[random.below(stores.length)]!.pausedUntilMs = clock.monotonicMs() + random.fraction() * 20_000
    }
    await Promise.all(running)
    // Longer than a process stands still and a put lingers.
    await sleep(clock, 200_000)
    weather.isBad = false
    for (const wal of keep) await wal.close()
    // All that was under way has landed. Two more openings find the log in order, and the store holds no more than it must.
    for (let epoch = lives + 1; epoch <= lives + 2; epoch++) {
      const openMs = clock.monotonicMs()
      const wal = await openWal(new HostileStore(medium, clock, random.fork(`store-${epoch}`), weather), environment, epoch)
      const life = checker.opened(epoch, openMs, clock.monotonicMs())
      checker.told(life, wal.identity)
      const records = await recovered(wal)
      checker.check(life, records)
      const id = checker.newId()
      const position = await wal.append([recordOf(id, 100)])
      checker.trimAsked = position
      await wal.trim(position)
      await sleep(clock, 5_000)
      await wal.close()
    }
  })()
  failures.length = 0
  await settle(whole, clock, environment)
  if (failures.length > 0) throw failures[0] as Error
  const epochs = new Set([...medium.objects.keys()].filter(key => key.includes('/slots/')).map(key => key.split('/')[3]))
  const most = 2 + epochs.size + 1
  assert.ok(medium.objects.size <= most, `${medium.objects.size} objects are left, at most ${most} are needed: ${[...medium.objects.keys()].join(' ')}`)
  return checker
}

describe('writers that fence each other over a hostile network', () => {
  it(`lose, double and invent nothing, and a fenced one confirms nothing more, in ${seedCount} schedules`, async function () {
    this.timeout(60_000 + seedCount * 500)
    const sums = { confirmed: 0, late: 0, fenced: 0, recoveries: 0 }
    for (let seed = 0; seed < seedCount; seed++) {
      try {
        const { counts } = await runSeed(`model-${seed}`)
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += counts[name]
      } catch (error) {
        throw new Error(`seed model-${seed}: ${String(error)}`, { cause: error })
      }
    }
    // The schedules are of use only if they do meet what they are about.
    assert.ok(sums.confirmed > 10 * seedCount && sums.fenced > seedCount && sums.recoveries > 3 * seedCount && sums.late > seedCount / 10, JSON.stringify(sums))
  })
})
