import assert from 'node:assert/strict'
import { StreambedError, type Wal, type WalIdentity } from '@streambed/sdk'
import type { FileFault, SeededRandom, SimulatedFileSystem } from '@streambed/sdk/testing'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { idOf, KiB, openSmall, recordOf, simulated, type Simulated } from './support.ts'

const seedCount = 300
const lives = 12

/** What must hold of a log, whatever befell it: keeps the history and checks each recovery against it. */
class Checker {
  /** Of every record that was ever appended, in call order; confirmed ones with their position. */
  readonly #confirmed = new Map<number, number>()
  readonly #attempted = new Set<number>()
  /** Trim calls up to this record began; up to `#trimDurable` they surely lasted. */
  #trimAsked = -1
  #trimDurable = -1
  #nextId = 0
  #id: string | undefined
  #openedEpoch = -1

  newId (): number {
    this.#attempted.add(this.#nextId)
    return this.#nextId++
  }

  confirm (id: number, position: number, trimAskedBefore: number): void {
    this.#confirmed.set(id, position)
    this.#trimDurable = Math.max(this.#trimDurable, trimAskedBefore)
  }

  askTrim (position: number): void { this.#trimAsked = Math.max(this.#trimAsked, position) }

  /** What a log says of itself when it is opened (W-10, W-13). */
  told ({ id, last, trimmed, writerEpoch }: WalIdentity, epoch: number, what: string): void {
    this.#id ??= id
    assert.equal(id, this.#id, `${what}: another log is opened`)
    assert.ok(writerEpoch >= this.#openedEpoch && writerEpoch < epoch, `${what}: told of epoch ${writerEpoch}, and ${this.#openedEpoch} had it open`)
    this.#openedEpoch = epoch
    assert.ok(trimmed >= this.#trimDurable && trimmed <= this.#trimAsked, `${what}: told trimmed=${trimmed}, asked for ${this.#trimAsked}, and ${this.#trimDurable} is durable`)
    for (const [record, position] of this.#confirmed) assert.ok(position <= last, `${what}: told last=${last}, and ${record} was confirmed at ${position}`)
  }

  /** Records that must come back: confirmed, or yielded by a recovery, and never asked to be trimmed. */
  check (records: readonly { readonly position: number, readonly data: Uint8Array }[], what: string): void {
    let lastPosition = -1
    let lastId = -1
    const seen = new Map<number, number>()
    for (const { position, data } of records) {
      const id = idOf(data)
      assert.ok(this.#attempted.has(id), `${what}: record ${id} was invented`)
      assert.ok(position > lastPosition, `${what}: positions go back at ${position}`)
      assert.ok(id > lastId, `${what}: record ${id} comes after ${lastId}`)
      assert.ok(position > this.#trimDurable, `${what}: record ${id} was trimmed for good`)
      const known = this.#confirmed.get(id)
      if (known !== undefined) assert.equal(position, known, `${what}: record ${id} moved`)
      seen.set(id, position)
      lastPosition = position
      lastId = id
    }
    for (const [id, position] of this.#confirmed) {
      if (position > this.#trimAsked) assert.ok(seen.has(id), `${what}: confirmed record ${id} at ${position} is lost`)
    }
    // Recovered is as good as confirmed from now on.
    for (const [id, position] of seen) this.#confirmed.set(id, position)
  }

  /** A position to trim to, somewhere in what is held. */
  pickTrim (random: SeededRandom): number | undefined {
    const held = [...this.#confirmed.values()].filter(position => position > this.#trimAsked).sort((a, b) => a - b)
    return held.length === 0 ? undefined : held[random.below(held.length)]
  }
}

function expected (error: unknown): void {
  if (!StreambedError.is(error) || error.code === 'INTERNAL' || error.code === 'CORRUPT' || error.code === 'INVALID_ARGUMENT') throw error
}

/** One process: opens, recovers, appends and trims until a fault ends it. */
async function live (simulation: Simulated, writerEpoch: number, capacity: number, checker: Checker, what: string, keep: Wal[]): Promise<void> {
  const { random, environment } = simulation
  let wal: Wal
  try {
    wal = await openSmall(environment, writerEpoch, capacity)
  } catch (error) { expected(error); return }
  keep.push(wal)
  checker.told(wal.identity!, writerEpoch, what)
  // Only what this very log was told to trim is durable with its next confirmed append.
  let trimmed = -1
  try {
    checker.check(await recovered(wal), what)
    for (let round = random.below(12); round >= 0; round--) {
      const trim = random.fraction() < 0.5 ? checker.pickTrim(random) : undefined
      if (trim !== undefined) {
        checker.askTrim(trim)
        await wal.trim(trim)
        trimmed = Math.max(trimmed, trim)
      }
      const trimBefore = trimmed
      const appends = Array.from({ length: 1 + random.below(5) }, async () => {
        const id = checker.newId()
        const record = recordOf(id, 8 + random.below(random.fraction() < 0.2 ? 40 * KiB : 6 * KiB))
        checker.confirm(id, await wal.append([record.subarray(0, 5), record.subarray(5)]), trimBefore)
      })
      for (const outcome of await Promise.allSettled(appends)) if (outcome.status === 'rejected') expected(outcome.reason)
    }
    if (random.fraction() < 0.5) await wal.close()
  } catch (error) { expected(error) }
}

function faultAt (files: SimulatedFileSystem, operation: number, fault: FileFault): void {
  const at = files.operationCount + operation
  files.plan = () => files.operationCount >= at ? (files.plan = undefined, fault) : undefined
}

function randomFault (random: SeededRandom): FileFault {
  const faults: readonly FileFault[] = ['crash', 'crash', 'kill', { kind: 'fail', code: 'UNAVAILABLE' }, { kind: 'fail', code: 'OUT_OF_SPACE' }]
  return faults[random.below(faults.length)]!
}

async function runSeed (seed: string, capacity: number, place: (simulation: Simulated) => void): Promise<void> {
  const simulation = simulated(seed)
  const { files, random } = simulation
  const checker = new Checker()
  place(simulation)
  const keep: Wal[] = []
  for (let epoch = 1; epoch <= lives; epoch++) {
    files.plan = undefined
    faultAt(files, random.below(random.fraction() < 0.5 ? 30 : 90), randomFault(random))
    await live(simulation, epoch, capacity, checker, `seed ${seed}, life ${epoch}`, keep)
    files.plan = undefined
    // Otherwise the process before lives on, fenced by the next one.
    const end = random.fraction()
    if (end < 0.4) files.crash()
    else if (end < 0.7) files.kill()
    else if (random.fraction() < 0.5) for (const wal of keep.splice(0)) await wal.close()
  }
  files.kill()
  const last = await openSmall(simulation.environment, lives + 1, capacity)
  checker.told(last.identity!, lives + 1, `seed ${seed}, at the end`)
  checker.check(await recovered(last), `seed ${seed}, at the end`)
  try { await last.append([recordOf(checker.newId(), 100)]) } catch (error) { expected(error) }
  await last.close()
}

describe('crashes at any file operation', () => {
  it(`loses, repeats, reorders and invents nothing in a folder, in ${seedCount} seeds`, async () => {
    for (let seed = 0; seed < seedCount; seed++) await runSeed(`folder-${seed}`, 264 * KiB, () => {})
  })

  it(`nor on a block device, in ${seedCount / 3} seeds`, async () => {
    for (let seed = 0; seed < seedCount / 3; seed++) await runSeed(`device-${seed}`, 520 * KiB, ({ files }) => { files.addBlockDevice('/wal', 520 * KiB) })
  })

  it('keeps the names of a new log, although its first opener was killed half way and the power fails later', async () => {
    for (let operation = 0; operation < 30; operation++) {
      for (let seed = 0; seed < 10; seed++) {
        const { environment, files } = simulated(`names-${operation}-${seed}`)
        faultAt(files, operation, 'kill')
        try { await openSmall(environment, 1, undefined, '/some/deep/wal') } catch (error) { expected(error) }
        files.plan = undefined
        const wal = await openSmall(environment, 2, undefined, '/some/deep/wal')
        await wal.append([recordOf(1, 100)])
        files.crash()
        const again = await openSmall(environment, 3, undefined, '/some/deep/wal')
        assert.deepEqual((await recovered(again)).map(({ data }) => idOf(data)), [1], `killed at ${operation}, seed ${seed}`)
        await again.close()
      }
    }
  })

  it('recovers the same however often a recovery is cut short', async () => {
    for (let operation = 0; operation < 60; operation++) {
      const { environment, files } = simulated(`cut-${operation}`)
      const wal = await openSmall(environment, 1)
      for (let id = 0; id < 8; id++) await wal.append([recordOf(id, 3000)])
      files.kill()
      for (let epoch = 2; epoch < 5; epoch++) {
        faultAt(files, operation, 'crash')
        try { await recovered(await openSmall(environment, epoch)) } catch (error) { expected(error) }
        files.plan = undefined
        files.crash()
      }
      const last = await openSmall(environment, 9)
      assert.deepEqual((await recovered(last)).map(({ data }) => idOf(data)), [0, 1, 2, 3, 4, 5, 6, 7])
      await last.close()
    }
  })
})
