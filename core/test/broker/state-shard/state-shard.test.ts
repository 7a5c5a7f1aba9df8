import assert from 'node:assert/strict'
import fc from 'fast-check'
import { StreambedError, type LogFields, type Logger } from '@streambed/sdk'
import { VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import type { KeyedRecord, ShardCodec, ShardState } from '../../../src/broker/state-shard/shard-state.ts'
import { StateShard, type ShardTuning } from '../../../src/broker/state-shard/state-shard.ts'
import { decodeRecords } from '../../../src/protocol/records/decode-records.ts'
import { encodeBatch } from '../../../src/protocol/records/encode-batch.ts'
import type { StreamBatch } from '../../../src/storage/stream/stream-batch.ts'
import { MemoryShardLog } from './memory-shard-log.ts'

interface Setting { readonly name: string, readonly value: string | null }

/** Settings by name: the simplest state that a log can have. */
class Settings implements ShardState<Setting> {
  readonly values = new Map<string, string>()
  apply ({ name, value }: Setting): void {
    if (value === null) this.values.delete(name)
    else this.values.set(name, value)
  }

  parts (): Iterable<string> { return this.values.keys() }
  recordsOf (name: string): readonly Setting[] {
    const value = this.values.get(name)
    return value === undefined ? [] : [{ name, value }]
  }
}

const codec: ShardCodec<Setting> = {
  encode: ({ name, value }): KeyedRecord => ({ key: Buffer.from(name), value: value === null ? null : Buffer.from(value) }),
  decode: (key, value) => ({ name: Buffer.from(key).toString(), value: value === null ? null : Buffer.from(value).toString() })
}

/** What was decided, and with which append: what a rewrite adds to the log must change nothing of it. */
class Model {
  readonly #decided: { readonly at: number, readonly records: readonly Setting[] }[] = []

  /** Appends, in one batch, what was decided. */
  append (log: MemoryShardLog, shard: StateShard<Settings, Setting>, records: readonly Setting[]): ReturnType<typeof shard.append> {
    const at = log.history.length
    const appended = shard.append(records)
    if (appended.isTaken) this.#decided.push({ at, records })
    return appended
  }

  /** A crash left a shorter log. */
  cut (appendCount: number): void { while ((this.#decided.at(-1)?.at ?? -1) >= appendCount) this.#decided.pop() }

  /** What must be known after so many appends. */
  after (appendCount: number): Record<string, string> {
    const state = new Settings()
    for (const { at, records } of this.#decided) if (at < appendCount) for (const record of records) state.apply(record)
    return sorted(state)
  }
}

function sorted (state: Settings): Record<string, string> { return Object.fromEntries([...state.values].sort(([left], [right]) => left < right ? -1 : 1)) }

/** What a log that was never shortened says. */
function replayed (history: readonly StreamBatch[]): Record<string, string> {
  const state = new Settings()
  for (const { bytes } of history) for (const { key, value } of decodeRecords(bytes, 2 ** 20)) state.apply(codec.decode(key!, value))
  return sorted(state)
}

const never: ShardTuning = { bytesMin: Infinity, rewriteFactor: 1, pieceRecords: 500, checksRewrites: false }
/** A piece for each name. */
const often: ShardTuning = { bytesMin: 300, rewriteFactor: 1, pieceRecords: 1, checksRewrites: true }

interface Opened { readonly shard: StateShard<Settings, Setting>, readonly errors: unknown[], readonly logged: string[] }

async function open (log: MemoryShardLog, tuning = never, obsolete: (state: Settings) => readonly Setting[] = () => []): Promise<Opened> {
  const errors: unknown[] = []
  const logged: string[] = []
  const add = (message: string, fields?: LogFields): void => { logged.push(`${message} ${JSON.stringify(fields)}`) }
  const logger: Logger = { debug: add, info: add, warn: add, error: add, child: () => logger }
  const { clock } = testEnvironment({ clock: new VirtualClock() })
  const shard = await StateShard.open({ log, codec, emptyState: () => new Settings(), clock, logger, tuning, obsolete, onFailed: error => errors.push(error) })
  return { shard, errors, logged }
}

const valuesOf = (shard: StateShard<Settings, Setting>): Record<string, string> => sorted(shard.state)
const set = (name: string, value: string): Setting => ({ name, value })

async function settle (): Promise<void> { for (let turn = 0; turn < 60; turn++) await Promise.resolve() }

/** Confirms whatever is appended until nothing is any more. */
async function confirmAll (log: MemoryShardLog): Promise<void> {
  for (let round = 0; round < 50; round++) {
    log.confirm()
    await settle()
  }
}

describe('state shard', () => {
  it('a decision sees what was appended before it, durable or not; what is told waits until it is', async () => {
    const log = new MemoryShardLog()
    const { shard } = await open(log)
    const { durable, isTaken } = shard.append([set('a', '1')])
    assert.deepEqual([isTaken, valuesOf(shard)], [true, { a: '1' }])
    let told = 0
    void durable.then(() => { told++ })
    void shard.settled().then(() => { told++ })
    await settle()
    assert.equal(told, 0)
    log.confirm()
    await settle()
    assert.equal(told, 2)
    await shard.settled()
  })

  it('what is refused is not applied, and the shard goes on', async () => {
    const log = new MemoryShardLog()
    const { errors, shard } = await open(log)
    log.refusesNext = true
    const refused = shard.append([set('a', '1')])
    assert.deepEqual([refused.isTaken, valuesOf(shard)], [false, {}])
    await assert.rejects(refused.durable, error => StreambedError.is(error, 'OVER_CAPACITY'))
    assert.ok(shard.append([set('a', '2')]).isTaken)
    assert.deepEqual([valuesOf(shard), errors], [{ a: '2' }, []])
  })

  it('records that fill more than one batch keep their order; when a later batch is refused, the earlier stand', async () => {
    const log = new MemoryShardLog()
    const { shard } = await open(log)
    const records = Array.from({ length: 1_200 }, (_, index) => set(`k${index}`, 'v'))
    assert.ok(shard.append(records).isTaken)
    assert.equal(log.inFlightCount, 3)
    const large = Array.from({ length: 3 }, (_, index) => set(`large${index}`, 'x'.repeat(200_000)))
    const append = log.append.bind(log)
    let count = 0
    log.append = bytes => {
      log.refusesNext = ++count === 2
      return append(bytes)
    }
    assert.equal(shard.append(large).isTaken, false)
    assert.deepEqual([shard.state.values.has('large0'), shard.state.values.has('large1')], [true, false])
    assert.deepEqual(valuesOf(shard), replayed(log.history))
  })

  it('an append in doubt ends the shard: nothing that waits is told, nothing more is taken', async () => {
    const log = new MemoryShardLog()
    const { errors, shard } = await open(log)
    const sent = [shard.append([set('a', '1')]), shard.append([set('a', '2')])]
    const reads = shard.settled()
    log.fail()
    for (const promise of [...sent.map(({ durable }) => durable), reads, shard.settled()]) await assert.rejects(promise, error => StreambedError.is(error, 'UNAVAILABLE'))
    assert.equal(errors.length, 1, 'told once')
    assert.equal(shard.append([set('a', '3')]).isTaken, false)
    await shard.close()
  })

  it('a log with appends of an earlier writer in flight is not loaded yet', async () => {
    const log = new MemoryShardLog()
    const { shard } = await open(log)
    void shard.append([set('a', '1')])
    await assert.rejects(open(log), error => StreambedError.is(error, 'UNAVAILABLE'))
    log.confirm()
    assert.deepEqual(valuesOf((await open(log)).shard), { a: '1' })
  })

  it('a log that lacks records below its end is not loaded', async () => {
    const log = new MemoryShardLog()
    const { shard } = await open(log)
    void shard.append([set('a', '1')])
    log.confirm()
    log.read = async () => []
    await assert.rejects(open(log), error => StreambedError.is(error, 'CORRUPT'))
  })

  it('what another writer appended ends the shard before it decides on less than the log holds', async () => {
    const log = new MemoryShardLog()
    const { errors, shard } = await open(log)
    const foreign = codec.encode(set('a', 'foreign'))
    void log.append(encodeBatch([foreign], { timestamp: 0 }))
    assert.equal(shard.append([set('b', '1')]).isTaken, false)
    assert.equal(errors.length, 1)
    log.confirm()
    assert.deepEqual(valuesOf((await open(log)).shard), { a: 'foreign' })
  })

  it('close refuses appends, and waits for those in flight', async () => {
    const log = new MemoryShardLog()
    const { shard } = await open(log)
    void shard.append([set('a', '1')])
    let isClosed = false
    const closing = shard.close().then(() => { isClosed = true })
    assert.equal(shard.append([set('a', '2')]).isTaken, false)
    await settle()
    assert.equal(isClosed, false)
    log.confirm()
    await closing
    await shard.close()
  })

  it('check finds a state that is not what the log says', async () => {
    const log = new MemoryShardLog()
    const { shard } = await open(log)
    void shard.append([set('a', '1')])
    log.confirm()
    await shard.check()
    shard.state.values.set('b', 'from nowhere')
    await assert.rejects(shard.check(), /differs/)
  })
})

describe('writing the log anew', () => {
  it('shortens the log to what the state takes, and drops what is obsolete', async () => {
    const log = new MemoryShardLog()
    const { shard } = await open(log, often, state => state.values.has('dead') ? [{ name: 'dead', value: null }] : [])
    for (let round = 0; round < 20; round++) {
      void shard.append([set('a', `${round}`), set('dead', '1')])
      log.confirm(1)
      await settle()
    }
    await confirmAll(log)
    assert.ok(log.startOffset > 20, `starts at ${log.startOffset}`)
    await shard.check()
    assert.deepEqual(valuesOf((await open(log.afterCrash(0))).shard).a, '19')
  })

  it('a deletion of the old that fails is tried again only after the log has grown', async () => {
    const log = new MemoryShardLog()
    log.deletionsFail = true
    const { logged, shard } = await open(log, { ...often, checksRewrites: false })
    const attempts = (): number => logged.filter(line => line.includes('writing a coordinator')).length
    while (attempts() === 0) {
      void shard.append([set('a', '1')])
      await confirmAll(log)
    }
    void shard.append([set('a', '2')])
    await confirmAll(log)
    assert.equal(attempts(), 1)
    log.deletionsFail = false
    for (let round = 0; round < 20; round++) {
      void shard.append([set('a', `${round}`)])
      await confirmAll(log)
    }
    assert.ok(log.startOffset > 0)
    assert.deepEqual(valuesOf((await open(log.afterCrash(0))).shard), { a: '19' })
  })

  it('a state of several pieces that changes between them is whole after a crash behind any append', async () => {
    const log = new MemoryShardLog()
    const { shard } = await open(log, { ...never, bytesMin: 60_000 })
    const model = new Model()
    const names = Array.from({ length: 1_600 }, (_, index) => `k${index}`)
    for (let start = 0; start < names.length; start += 400) void model.append(log, shard, names.slice(start, start + 400).map(name => set(name, 'first value, as long as it takes')))
    log.confirm()
    await settle()
    const logs: MemoryShardLog[] = []
    for (let round = 0; round < 12; round++) {
      // Changed before its piece, after its piece, deleted, deleted and set again.
      void model.append(log, shard, [set('k1599', `${round}`), set('k0', `${round}`), { name: `k${700 + round}`, value: null }, { name: 'k5', value: null }])
      void model.append(log, shard, [set('k5', `${round}`), set(`new${round}`, 'n')])
      for (let survivors = 0; survivors <= log.inFlightCount; survivors++) logs.push(log.afterCrash(survivors))
      log.confirm(2)
      await settle()
    }
    await confirmAll(log)
    assert.ok(log.deletionCount >= 1)
    logs.push(log.afterCrash(0))
    for (const left of logs) assert.deepEqual(valuesOf((await open(left)).shard), model.after(left.history.length))
  })

  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('set' as const), name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), value: fc.nat(99).map(String) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), name: fc.constantFrom('a', 'b', 'c', 'd', 'e') }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('confirm' as const), count: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.constant({ kind: 'refuse' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'deletionsFail' as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('crash' as const, 'doubt' as const), survivors: fc.nat(4) }) }
  )

  it('whatever is refused, in doubt or lost in a crash: the state is the replay of its log, and nothing acknowledged is missing', async () => {
    let shortenedCount = 0
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async steps => {
      let log = new MemoryShardLog()
      let opened = await open(log, often)
      let acknowledgedCount = 0
      const model = new Model()
      const append = (record: Setting): void => {
        const at = log.history.length
        const { durable, isTaken } = model.append(log, opened.shard, [record])
        const inLog = log
        durable.then(() => { if (inLog === log) acknowledgedCount = Math.max(acknowledgedCount, at + 1) }, () => undefined)
        assert.equal(isTaken, log.history.length > at)
      }
      for (const one of steps) {
        switch (one.kind) {
          case 'set': append(set(one.name, one.value)); break
          case 'delete': append({ name: one.name, value: null }); break
          case 'confirm': log.confirm(one.count); break
          case 'refuse': log.refusesNext = true; break
          case 'deletionsFail': log.deletionsFail = !log.deletionsFail; break
          default: {
            await settle()
            const left = log.afterCrash(one.survivors)
            assert.ok(left.history.length >= acknowledgedCount, 'what was acknowledged is there')
            if (one.kind === 'doubt' && log.inFlightCount > 0) {
              log.fail()
              await settle()
              assert.equal(opened.shard.append([set('late', '1')]).isTaken, false)
            }
            log = left
            model.cut(left.history.length)
            acknowledgedCount = left.history.length
            opened = await open(log, often)
          }
        }
        await settle()
        assert.deepEqual(valuesOf(opened.shard), model.after(log.history.length))
        assert.ok(!opened.logged.some(line => line.includes('differs')), opened.logged.join('\n'))
      }
      await confirmAll(log)
      assert.deepEqual(valuesOf((await open(log.afterCrash(0))).shard), model.after(log.history.length))
      if (log.startOffset > 0) shortenedCount++
    }), { numRuns: 500 })
    assert.ok(shortenedCount > 100, `shortened in ${shortenedCount} runs`)
  })
})
