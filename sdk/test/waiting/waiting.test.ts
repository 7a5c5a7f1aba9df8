import assert from 'node:assert/strict'
import { DeadlinePassed, StreambedError, isPutOpen, settledPut, withDeadline, withRetry } from '@streambed/sdk'
import { SeededRandom, VirtualClock } from '@streambed/sdk/testing'

const retry = { delayMsMin: 10, delayMsMax: 40, deadlineMs: Infinity }
const unavailable = (): StreambedError => new StreambedError('UNAVAILABLE', 'not now')

interface Host { readonly clock: VirtualClock, readonly random: SeededRandom }
function newHost (): Host { return { clock: new VirtualClock(), random: new SeededRandom('waiting') } }

/** Lets time pass until `promise` settles. */
async function run<T> ({ clock }: Host, promise: Promise<T>): Promise<T> {
  let isSettled = false
  promise.then(() => { isSettled = true }, () => { isSettled = true })
  for (;;) {
    await new Promise<void>(resolve => { setImmediate(resolve) })
    if (isSettled) return await promise
    assert.ok(clock.advanceToNext(), 'nobody waits for the clock')
  }
}

describe('withDeadline', () => {
  it('gives what the call gives, and leaves no timer', async () => {
    const host = newHost()
    assert.equal(await withDeadline({ clock: host.clock, limitMs: 5 }, async () => 'answer'), 'answer')
    assert.equal(host.clock.advanceToNext(), false)
  })

  it('rejects at its time though the call takes no notice, and aborts the signal of the call', async () => {
    const host = newHost()
    let seen: AbortSignal | undefined
    const call = withDeadline({ clock: host.clock, limitMs: 5 }, signal => {
      seen = signal
      return new Promise<never>(() => undefined)
    })
    await assert.rejects(run(host, call), DeadlinePassed)
    assert.deepEqual([host.clock.monotonicMs(), seen!.aborted], [5, true])
  })

  it('rejects with what `late` gives, rather than with what a client makes of the abort', async () => {
    const host = newHost()
    const call = withDeadline({ clock: host.clock, limitMs: 5, late: unavailable }, signal => new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => { reject(new Error('socket hang up')) })
    }))
    await assert.rejects(run(host, call), (error: unknown) => StreambedError.is(error, 'UNAVAILABLE'))
  })

  it('what gets on has its time extended, and what stands still then has no more', async () => {
    const host = newHost()
    const call = withDeadline({ clock: host.clock, limitMs: 10 }, async (_, extend) => {
      for (let step = 0; step < 5; step++) {
        await new Promise<void>(resolve => { host.clock.schedule(8, resolve) })
        extend(8)
      }
      return await new Promise<never>(() => undefined)
    })
    await assert.rejects(run(host, call), DeadlinePassed)
    assert.equal(host.clock.monotonicMs(), 50)
  })

  it('rejects with ABORTED when the caller stops waiting, and begins nothing for one who has', async () => {
    const { clock } = newHost()
    const stop = new AbortController()
    const isAborted = (error: unknown): boolean => StreambedError.is(error, 'ABORTED')
    const call = withDeadline({ clock, limitMs: 5, signal: stop.signal }, () => new Promise<never>(() => undefined))
    stop.abort()
    await assert.rejects(call, isAborted)
    await assert.rejects(withDeadline({ clock, limitMs: 5, signal: stop.signal }, () => assert.fail('was begun')), isAborted)
  })
})

describe('withRetry', () => {
  /** Fails `count` times, then answers. */
  const failing = (count: number, error: () => Error): { readonly attempts: number[], readonly attempt: (number: number) => Promise<string> } => {
    const attempts: number[] = []
    const attempt = async (number: number): Promise<string> => {
      attempts.push(number)
      if (number <= count) throw error()
      return 'done'
    }
    return { attempts, attempt }
  }

  it('repeats what is retriable, its delays doubling up to their bound, each cut by at most a half', async () => {
    const host = newHost()
    const { attempt, attempts } = failing(5, unavailable)
    const delays: number[] = []
    assert.equal(await run(host, withRetry(attempt, host, { ...retry, onFailed: ({ delayMs }) => { delays.push(delayMs) } })), 'done')
    assert.deepEqual(attempts, [1, 2, 3, 4, 5, 6])
    for (const [index, full] of [10, 20, 40, 40, 40].entries()) assert.ok(delays[index]! >= full / 2 && delays[index]! <= full, `${delays[index]} of ${full}`)
  })

  it('begins no attempt after the deadline, nor more than there may be', async () => {
    for (const bound of [{ deadlineMs: 100 }, { attemptsMax: 4 }]) {
      const host = newHost()
      const { attempt, attempts } = failing(Infinity, unavailable)
      await assert.rejects(run(host, withRetry(attempt, host, { ...retry, ...bound })), (error: unknown) => StreambedError.is(error, 'UNAVAILABLE'))
      assert.ok(host.clock.monotonicMs() <= 100)
      if (bound.attemptsMax !== undefined) assert.equal(attempts.length, bound.attemptsMax)
      else assert.ok(attempts.length >= 4)
    }
  })

  it('rejects at once with what is not worth repeating, as the caller sees it', async () => {
    const host = newHost()
    const first = failing(1, () => new StreambedError('CORRUPT', 'for good'))
    await assert.rejects(withRetry(first.attempt, host, retry), (error: unknown) => StreambedError.is(error, 'CORRUPT'))
    const second = failing(1, () => new StreambedError('CORRUPT', 'not for good'))
    assert.equal(await run(host, withRetry(second.attempt, host, { ...retry, isWorthRepeating: error => StreambedError.is(error, 'CORRUPT') })), 'done')
  })

  it('stops between two attempts when it is aborted', async () => {
    const host = newHost()
    const stop = new AbortController()
    const { attempt, attempts } = failing(Infinity, unavailable)
    const call = withRetry(attempt, host, { ...retry, onFailed: ({ attempt: number }) => { if (number === 3) stop.abort() } }, stop.signal)
    await assert.rejects(run(host, call), (error: unknown) => StreambedError.is(error, 'ABORTED'))
    assert.equal(attempts.length, 3)
  })
})

describe('settledPut', () => {
  const exists = (): StreambedError => new StreambedError('ALREADY_EXISTS', 'taken')
  const cases: { readonly name: string, readonly answers: readonly (undefined | Error)[], readonly whose: 'ours' | 'theirs', readonly settled: 'ours' | 'theirs' }[] = [
    { name: 'a put that is confirmed is ours', answers: [undefined], whose: 'theirs', settled: 'ours' },
    { name: 'an answer that is lost, of a put that took effect', answers: [new StreambedError('OUTCOME_UNKNOWN', 'lost'), exists()], whose: 'ours', settled: 'ours' },
    { name: 'an answer that is lost, where another was faster', answers: [new StreambedError('OUTCOME_UNKNOWN', 'lost'), exists()], whose: 'theirs', settled: 'theirs' },
    { name: 'a service that cannot answer for a while', answers: [unavailable(), unavailable(), undefined], whose: 'theirs', settled: 'ours' }
  ]
  for (const { answers, name, settled, whose } of cases) {
    it(name, async () => {
      const host = newHost()
      const put = async (attempt: number): Promise<void> => {
        const answer = answers[attempt - 1]
        if (answer !== undefined) throw answer
      }
      assert.equal(await run(host, settledPut<'theirs'>({ put, whose: async () => whose }, host, retry)), settled)
    })
  }

  it('puts again when it cannot be told now whose the object is', async () => {
    const host = newHost()
    let puts = 0
    const whose = async (): Promise<'ours'> => {
      if (puts < 3) throw unavailable()
      return 'ours'
    }
    assert.equal(await run(host, settledPut({ put: async () => { puts++; throw exists() }, whose }, host, retry)), 'ours')
    assert.equal(puts, 3)
  })

  it('rejects at once with what no repetition changes', async () => {
    const host = newHost()
    for (const code of ['CORRUPT', 'FENCED', 'INVALID_ARGUMENT'] as const) {
      assert.equal(isPutOpen(new StreambedError(code, '')), false)
      const put = async (): Promise<never> => { throw new StreambedError(code, '') }
      await assert.rejects(settledPut({ put, whose: () => assert.fail('was asked') }, host, retry), (error: unknown) => StreambedError.is(error, code))
    }
  })
})
