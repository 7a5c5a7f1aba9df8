import assert from 'node:assert/strict'
import { MemoryObjectStore, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import { StreambedError, type ErrorCode, type Logger, type ObjectStore } from '@streambed/sdk'
import { RetryingObjectStore } from '../../src/storage/object-store/retrying-object-store.ts'

const bytes = new Uint8Array([1, 2, 3])

class Bench {
  readonly clock = new VirtualClock()
  readonly lines: { readonly level: string, readonly message: string, readonly fields: Record<string, unknown> }[] = []
  readonly store: RetryingObjectStore
  /** What every call fails with. */
  failure: ErrorCode | undefined
  /** What the next calls fail with, before that. */
  failures: ErrorCode[] = []
  calls = 0

  constructor () {
    const level = (name: string) => (message: string, fields: object = {}): void => { this.lines.push({ level: name, message, fields: { ...fields } }) }
    const logger: Logger = { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error'), child: () => logger }
    const environment = { ...testEnvironment({ clock: this.clock }), logger }
    const inner = new MemoryObjectStore(environment)
    const failing = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]): Promise<unknown> => {
          this.calls++
          const failure = this.failures.shift() ?? this.failure
          if (failure !== undefined) throw new StreambedError(failure, `says ${failure}`)
          return await (Reflect.apply(value, target, args) as Promise<unknown>)
        }
      }
    })
    this.store = new RetryingObjectStore(failing, environment, { name: 'main' })
  }

  /** What a call comes to, while time passes until it settles. */
  async outcome (call: Promise<unknown>): Promise<string> {
    let settled: string | undefined
    call.then(() => { settled = 'done' }, (error: unknown) => { settled = StreambedError.is(error) ? error.code : String(error) })
    for (;;) {
      await new Promise<void>(resolve => { setImmediate(resolve) })
      if (settled !== undefined) return settled
      this.clock.advanceToNext()
    }
  }

  told (): string[] { return this.lines.filter(({ level }) => level !== 'debug').map(({ fields, level, message }) => `${level} ${message} ${String(fields['store'])}/${String(fields['calls'])}`) }
}

const calls: Record<string, (store: ObjectStore) => Promise<unknown>> = {
  put: store => store.put('k', bytes),
  get: store => store.get('k'),
  head: store => store.head('k'),
  list: store => store.list(''),
  delete: store => store.delete(['other'])
}

/** What each call is told of each refusal, of a store that has not worked yet, and of one that has. */
const verdicts: readonly { readonly failure: ErrorCode, readonly first: ErrorCode, readonly later: Readonly<Record<string, ErrorCode>> }[] = [
  ...(['PERMISSION_DENIED', 'MISCONFIGURED'] as const).map(failure => ({
    failure, first: failure, later: { put: 'UNAVAILABLE', get: 'UNAVAILABLE', head: 'UNAVAILABLE', list: 'UNAVAILABLE', delete: 'UNAVAILABLE' } as const
  })),
  { failure: 'UNSUPPORTED', first: 'UNSUPPORTED', later: { put: 'UNAVAILABLE', get: 'UNSUPPORTED', head: 'UNSUPPORTED', list: 'UNAVAILABLE', delete: 'UNAVAILABLE' } },
  { failure: 'NOT_FOUND', first: 'NOT_FOUND', later: { put: 'UNAVAILABLE', get: 'NOT_FOUND', head: 'NOT_FOUND', list: 'UNAVAILABLE', delete: 'UNAVAILABLE' } },
  { failure: 'CORRUPT', first: 'CORRUPT', later: { put: 'CORRUPT', get: 'CORRUPT', head: 'CORRUPT', list: 'CORRUPT', delete: 'CORRUPT' } },
  { failure: 'ALREADY_EXISTS', first: 'ALREADY_EXISTS', later: { put: 'ALREADY_EXISTS' } },
  { failure: 'UNAVAILABLE', first: 'UNAVAILABLE', later: { put: 'UNAVAILABLE', get: 'UNAVAILABLE', head: 'UNAVAILABLE', list: 'UNAVAILABLE', delete: 'UNAVAILABLE' } }
]

describe('an object store under the host', () => {
  for (const { failure, first, later } of verdicts) {
    for (const name of Object.keys(later)) {
      it(`${name}, refused with ${failure}: ${first} at first, ${later[name]} once it has worked`, async () => {
        const bench = new Bench()
        bench.failure = failure
        assert.equal(await bench.outcome(calls[name]!(bench.store)), first)
        bench.failure = undefined
        assert.equal(await bench.outcome(calls['put']!(bench.store)), 'done')
        assert.equal(await bench.outcome(calls[name]!(bench.store)), 'done')
        bench.failure = failure
        assert.equal(await bench.outcome(calls[name]!(bench.store)), later[name])
      })
    }
  }

  it('reads are repeated for 30 s, writes are not', async () => {
    for (const [name, isRepeated] of [['put', false], ['get', true], ['head', true], ['list', true], ['delete', true]] as const) {
      const bench = new Bench()
      bench.failure = 'UNAVAILABLE'
      await bench.outcome(calls[name]!(bench.store))
      assert.equal(bench.calls > 10, isRepeated, name)
      assert.ok(bench.clock.monotonicMs() <= 30_000)
    }
  })

  const looks: readonly { readonly failures: readonly ErrorCode[], readonly becomes: string, readonly looks: number, readonly told: number }[] = [
    { failures: ['CORRUPT'], becomes: 'done', looks: 2, told: 1 },
    { failures: ['CORRUPT', 'CORRUPT'], becomes: 'done', looks: 3, told: 2 },
    { failures: ['CORRUPT', 'CORRUPT', 'CORRUPT'], becomes: 'CORRUPT', looks: 3, told: 2 },
    { failures: ['CORRUPT', 'CORRUPT', 'UNAVAILABLE', 'CORRUPT'], becomes: 'done', looks: 5, told: 3 },
    { failures: ['CORRUPT', 'CORRUPT', 'UNAVAILABLE', 'CORRUPT', 'CORRUPT', 'CORRUPT'], becomes: 'CORRUPT', looks: 6, told: 4 },
    { failures: ['CORRUPT', 'NOT_FOUND'], becomes: 'NOT_FOUND', looks: 2, told: 1 }
  ]
  for (const { becomes, failures, looks: count, told } of looks) {
    it(`an object whose bytes were ${failures.join(', ')} is ${becomes} after ${count} looks`, async () => {
      const bench = new Bench()
      await bench.store.put('k', bytes)
      bench.calls = 0
      bench.failures = [...failures]
      assert.equal(await bench.outcome(bench.store.get('k')), becomes)
      assert.equal(bench.calls, count)
      assert.deepEqual(bench.lines.filter(({ message }) => message.startsWith("an object's bytes are damaged")).map(({ fields }) => fields['key']), Array.from({ length: told }, () => 'k'))
    })
  }

  it('who stops waiting is not kept by looks at damage', async () => {
    const bench = new Bench()
    const aborter = new AbortController()
    bench.failure = 'CORRUPT'
    const outcome = bench.outcome(bench.store.get('k', { signal: aborter.signal }))
    aborter.abort()
    assert.equal(await outcome, 'ABORTED')
  })

  it('nothing but bytes is looked at again', async () => {
    for (const name of ['put', 'head', 'list', 'delete']) {
      const bench = new Bench()
      bench.failure = 'CORRUPT'
      assert.equal(await bench.outcome(calls[name]!(bench.store)), 'CORRUPT')
      assert.equal(bench.calls, 1, name)
    }
  })

  it('says what is refused at once, and what fails for a while once it lasts; again every half minute; and when it is over', async () => {
    const bench = new Bench()
    const { clock, store } = bench
    const put = (): Promise<string> => bench.outcome(store.put('k', bytes))
    await put()
    bench.failure = 'THROTTLED'
    await put()
    bench.failure = undefined
    await put()
    assert.deepEqual(bench.told(), [], 'one refusal of the moment')
    bench.failure = 'PERMISSION_DENIED'
    for (let second = 0; second < 61; second++) {
      await put()
      clock.advance(1_000)
    }
    bench.failure = undefined
    await put()
    await put()
    const warning = 'warn the object store cannot be used now, trying again main/writes'
    assert.deepEqual(bench.told(), [warning, warning, warning, 'info the object store can be used again main/writes'])
    assert.deepEqual(bench.lines.at(-1)!.fields, { store: 'main', calls: 'writes', afterMs: 61_000, failures: 61 })
    assert.match(String(bench.lines.find(({ level }) => level === 'warn')!.fields['error']), /says PERMISSION_DENIED/)
  })

  it('says that nothing can be read though the store tells of objects; and of one lost answer nothing', async () => {
    const bench = new Bench()
    await bench.outcome(bench.store.put('k', bytes))
    bench.failure = 'OUTCOME_UNKNOWN'
    await bench.outcome(bench.store.put('k', bytes))
    assert.deepEqual(bench.told(), [])
    for (let second = 0; second < 3; second++) {
      bench.failure = 'UNAVAILABLE'
      const reading = bench.store.get('k').catch(() => undefined)
      await new Promise<void>(resolve => { setImmediate(resolve) })
      bench.failure = undefined
      await bench.outcome(bench.store.head('k'))
      bench.failure = 'UNAVAILABLE'
      await bench.outcome(reading)
    }
    assert.ok(bench.told().includes('warn the object store cannot be used now, trying again main/reads'), bench.told().join('\n'))
  })

  it('an answer about what was asked is no outage, and ends one', async () => {
    const bench = new Bench()
    bench.failure = 'NOT_FOUND'
    for (let second = 0; second < 5; second++) {
      await bench.outcome(bench.store.get('k'))
      bench.clock.advance(1_000)
    }
    assert.deepEqual(bench.told(), [])
  })
})
