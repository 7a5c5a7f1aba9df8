import { metadataLogConformance, type Measurement } from '@streambed/conformance'
import { StreambedError, type Clock, type Environment, type MetadataLog, type ObjectStore, type Plugin, type PriceTable, type Wal, type WalWriter } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import {
  MemoryMetadataLog, MemoryMetadataMedium, MemoryObjectMedium, MemoryObjectStore, MemoryWal, MemoryWalMedium, memoryMetadataLogCapabilities, memoryWalCapabilities
} from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import path from 'node:path'
import { certify, Target } from '@streambed/conformance'
import { measure, measurementsOf } from '../src/certify/latency.ts'
import type { Instance } from '../src/certify/target.ts'
import { priceProblems } from '../src/scale/operations.ts'
import { scaleChecks } from '../src/scale/scale.ts'
import { broken, failuresOf, pause } from './mutating.ts'

/** A clock that a slow plugin moves on, so that nobody has to wait for it. */
class LeapingClock implements Clock {
  readonly #real = nodeEnvironment().clock
  #leaptMs = 0
  leap (ms: number): void { this.#leaptMs += ms }
  monotonicMs (): number { return this.#real.monotonicMs() + this.#leaptMs }
  wallMs (): number { return this.#real.wallMs() }
  schedule (delayMs: number, action: () => void): ReturnType<Clock['schedule']> { return this.#real.schedule(Math.max(0, delayMs), action) }
}

type Defects<T> = (subject: T, clock: LeapingClock) => Partial<T>
interface Mutant {
  readonly defect: string
  readonly caughtBy: string
  /** Of what the check says. */
  readonly says?: RegExp
  readonly store?: Defects<ObjectStore>
  readonly wal?: Defects<Wal>
  readonly log?: Defects<MetadataLog>
  readonly opens?: (clock: LeapingClock) => void
}

/** Filled by plugins that leak; emptied when their test has ended. */
const leaked: Uint8Array[] = []
const descriptors: number[] = []

/** Answers its first get when nearly everybody else has been served. */
function starvesOne (store: ObjectStore, clock: LeapingClock): Partial<ObjectStore> {
  const othersServed = Promise.withResolvers<undefined>()
  let gets = 0
  return {
    get: async (key, options) => {
      const number = ++gets
      if (number === 1) {
        await othersServed.promise
        clock.leap(5_000)
      }
      if (number === 1_300) othersServed.resolve(undefined)
      return await store.get(key, options)
    }
  }
}

const scaleMutants: readonly Mutant[] = [
  { defect: 'takes one put after the other', caughtBy: 'OS-S01', says: /were offered/, store: (s, clock) => ({ put: async (k, b, o) => { clock.leap(900); return await s.put(k, b, o) } }) },
  { defect: 'lets one caller starve', caughtBy: 'OS-S04', says: /starved/, store: starvesOne },
  { defect: 'keeps what it has read', caughtBy: 'OS-S05', says: /memory grew/, store: s => ({ get: async (k, o) => { const got = await s.get(k, o); leaked.push(got.slice()); return got } }) },
  { defect: 'leaves files open', caughtBy: 'OS-S05', says: /files or sockets/, store: s => ({ list: async (p, o) => { if (descriptors.length < 400) descriptors.push(openSync(import.meta.filename, 'r')); return await s.list(p, o) } }) },
  { defect: 'cannot keep the rate', caughtBy: 'W-S01', says: /were offered/, wal: (w, clock) => ({ append: async chunks => { clock.leap(900); return await w.append(chunks) } }) },
  { defect: 'serves many logs one after the other', caughtBy: 'W-S02', says: /were offered/, wal: (w, clock) => ({ append: async chunks => { clock.leap(900); return await w.append(chunks) } }) },
  { defect: 'gives back nothing that is trimmed', caughtBy: 'W-S03', says: /full/, wal: () => ({ trim: async () => {} }) },
  { defect: 'keeps what it has confirmed', caughtBy: 'W-S04', says: /memory grew/, wal: w => ({ append: async chunks => { leaked.push(...chunks); return await w.append(chunks) } }) },
  { defect: 'takes its time to recover', caughtBy: 'W-R10', says: /took/, wal: (w, clock) => ({ recover: async function * () { clock.leap(40_000); yield * w.recover() } }) },
  { defect: 'holds what it recovers', caughtBy: 'W-R10', says: /memory grew/, wal: w => ({ recover: async function * () { for await (const record of w.recover()) { leaked.push(new Uint8Array(8 * 2 ** 20)); yield record } } }) },
  { defect: 'is long to take over', caughtBy: 'W-N09', says: /taking over took/, opens: clock => { clock.leap(6_000) } },
  { defect: 'takes its time for each append', caughtBy: 'ML-15', says: /are declared/, log: (l, clock) => ({ append: async (end, entries) => { clock.leap(2_000); await l.append(end, entries) } }) },
  { defect: 'reads all of a log that has a snapshot', caughtBy: 'ML-20', says: /to open and read/, opens: clock => { clock.leap(6_000) } }
]

const latencyMutants: readonly Mutant[] = [
  ...['OS-P01', 'OS-P02', 'OS-P04'].map(caughtBy => ({ defect: 'is slow to put', caughtBy, store: (s: ObjectStore, clock: LeapingClock): Partial<ObjectStore> => ({ put: async (k, b, o) => { await pause(); clock.leap(3_000); return await s.put(k, b, o) } }) })),
  { defect: 'is slow to read', caughtBy: 'OS-P03', store: (s, clock) => ({ get: async (k, o) => { await pause(); clock.leap(3_000); return await s.get(k, o) } }) },
  ...['W-P01', 'W-P02'].map(caughtBy => ({ defect: 'is slow to append', caughtBy, wal: (w: Wal, clock: LeapingClock): Partial<Wal> => ({ append: async chunks => { await pause(); clock.leap(3_000); return await w.append(chunks) } }) })),
  { defect: 'is slow to append', caughtBy: 'ML-19', log: (l, clock) => ({ append: async (end, entries) => { await pause(); clock.leap(3_000); await l.append(end, entries) } }) }
]

const kindOf = (id: string): Plugin['kind'] => id.startsWith('OS') ? 'objectStore' : id.startsWith('W') ? 'wal' : 'metadataLog'

/** Opens doubles of a kind, with the mutant's defects; those of one place share their medium. */
function opener (kind: Plugin['kind'], { log, opens, store, wal }: Partial<Mutant>, clock: LeapingClock): (place: number, writer?: WalWriter) => Promise<Instance> {
  const media = Array.from({ length: 20 }, () => ({ objects: new MemoryObjectMedium(), records: new MemoryWalMedium({ capacityBytes: 8 * 2 ** 20 }), entries: new MemoryMetadataMedium() }))
  return async (place, writer) => {
    opens?.(clock)
    const medium = media[place]!
    switch (kind) {
      case 'objectStore': { const inner = new MemoryObjectStore({ clock, medium: medium.objects }); return broken<ObjectStore>(inner, store?.(inner, clock) ?? {}) }
      case 'wal': { const inner = await MemoryWal.open(medium.records, writer!); return broken<Wal>(inner, wal?.(inner, clock) ?? {}) }
      case 'metadataLog': { const inner = new MemoryMetadataLog(medium.entries); return broken<MetadataLog>(inner, log?.(inner, clock) ?? {}) }
    }
  }
}

describe('level scale', () => {
  afterEach(() => {
    leaked.length = 0
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor)
  })

  const run = async (id: string, mutant: Partial<Mutant>): Promise<string> => {
    const clock = new LeapingClock()
    const environment: Environment = { ...nodeEnvironment(), clock }
    return await scaleChecks(kindOf(id)).get(id)!({ environment, load: { bytesPerSecond: 4 * 2 ** 20, entriesPerSecond: 20 }, durationMs: 500, capabilities: kindOf(id) === 'wal' ? memoryWalCapabilities : {}, open: opener(kindOf(id), mutant, clock) })
  }
  const ids = (['objectStore', 'wal', 'metadataLog'] as const).flatMap(kind => [...scaleChecks(kind).keys()])

  for (const id of ids) it(`${id} passes a sound plugin, with figures`, async () => { assert.match(await run(id, {}), /\d/) })
  for (const mutant of scaleMutants) {
    it(`${mutant.caughtBy} catches one that ${mutant.defect}`, async () => { await assert.rejects(run(mutant.caughtBy, mutant), mutant.says!) })
  }
  it('has a mutant for each of its checks', () => { assert.deepEqual([...new Set(scaleMutants.map(({ caughtBy }) => caughtBy))].sort(), [...ids].sort()) })
})

describe('level latency', () => {
  const run = async (id: string, mutant: Partial<Mutant>): Promise<Measurement> => {
    const clock = new LeapingClock()
    const instance = await opener(kindOf(id), mutant, clock)(0, { clusterId: 'conformance', nodeId: 7, writerEpoch: 1 })
    return await measure(kindOf(id), id, 100, instance, { ...nodeEnvironment(), clock })
  }
  const ids = (['objectStore', 'wal', 'metadataLog'] as const).flatMap(kind => measurementsOf(kind, { conditionalCreate: 'atomic' }))

  for (const id of ids) it(`${id} finds a class for a double in memory`, async () => { assert.notEqual((await run(id, {})).class, 'none') })
  for (const mutant of latencyMutants) {
    it(`${mutant.caughtBy} catches one that ${mutant.defect}`, async () => { assert.equal((await run(mutant.caughtBy, mutant)).class, 'none') })
  }
  it('measures again what misses the class, and says how often: another load on the machine is no fault of the plugin', async () => {
    for (const [stalls, expected] of [[0, ['A', 1]], [1, ['A', 2]], [2, ['A', 3]], [3, ['none', 3]]] as const) {
      let calls = 0
      const { attempts, class: met } = await run('W-P02', { wal: (w, clock) => ({ append: async chunks => { if (calls++ < 2 * stalls) { await pause(); clock.leap(3_000) } return await w.append(chunks) } }) })
      assert.deepEqual([met, attempts], expected)
    }
  })
  it('catches one whose operations fail', async () => {
    const { class: met, failures } = await run('OS-P02', { store: () => ({ put: async () => { throw new StreambedError('UNAVAILABLE', 'no') } }) })
    assert.deepEqual([met, failures], ['none', 2])
  })
  it('has a mutant for each of its checks', () => { assert.deepEqual(latencyMutants.map(({ caughtBy }) => caughtBy).sort(), [...ids].sort()) })
})

describe('ML-24', () => {
  const failures = async (isLocked: boolean): Promise<string[]> => await failuresOf('ML-24', runner => {
    metadataLogConformance(runner, {
      name: 'of one process',
      capabilities: { ...memoryMetadataLogCapabilities, isShared: false },
      prepare: async () => {
        const medium = new MemoryMetadataMedium()
        let isOpen = false
        return {
          open: async () => {
            if (isOpen && isLocked) throw new StreambedError('LOCKED', 'another has it')
            isOpen = true
            const log = new MemoryMetadataLog(medium)
            const close = async (): Promise<void> => { isOpen = false; await log.close() }
            return broken<MetadataLog>(log, { close, [Symbol.asyncDispose]: close })
          },
          cleanUp: async () => {}
        }
      }
    })
  })

  it('passes a log that one process at a time may open', async () => { assert.deepEqual(await failures(true), []) })
  it('catches one that lets two in', async () => { assert.deepEqual(await failures(false), ['ML-24']) })
})

describe('secrets and prices', () => {
  const fixture = (name: string): string => path.join(import.meta.dirname, 'fixtures', `${name}.ts`)
  const outcome = async (tells: string): Promise<string | undefined> => {
    const target = await Target.load({ plugin: fixture('secret-store'), options: { name: '{run}', tells, key: { env: 'ZOO_KEY' } }, baseFolder: import.meta.dirname, variables: { ZOO_KEY: 'a-very-secret-key' } })
    return (await certify(target, { level: 'scale', only: ['OS-O04'], seed: 1, measureMs: 100 })).checks[0]?.outcome
  }

  it('OS-O04 passes a store that keeps its secret', async () => { assert.equal(await outcome('nothing'), 'passed') })
  for (const tells of ['log', 'error', 'cause', 'finding']) it(`OS-O04 catches one that tells it in a ${tells}`, async () => { assert.equal(await outcome(tells), 'failed') })

  const sound: PriceTable = { currency: 'USD', region: 'eu-central-1', readOn: '2026-10', source: 'the price list', perThousand: { put: 0.005, get: 0.0004, list: 0.005, delete: 0 }, perGb: { written: 0, read: 0 }, perGbMonth: 0.02 }
  it('OS-O02 passes prices with date and source', () => { assert.deepEqual(priceProblems(sound), []) })
  for (const [defect, change] of Object.entries({ 'no date': { readOn: 'recently' }, 'no source': { source: ' ' }, 'no currency': { currency: '$' }, 'a price below nothing': { perGbMonth: -1 } })) {
    it(`OS-O02 catches prices with ${defect}`, () => { assert.equal(priceProblems({ ...sound, ...change }).length, 1) })
  }
})
