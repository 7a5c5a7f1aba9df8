import assert from 'node:assert/strict'
import { StreambedError, type Wal } from '@streambed/sdk'
import { VirtualClock } from '@streambed/sdk/testing'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { idOf, KiB, openSmall, recordOf, simulated } from './support.ts'

/** Moves the clock whenever nothing else can move, until `done` settles. */
async function runUntil<T> (clock: VirtualClock, done: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = (): void => { isSettled = true }
  done.then(settled, settled)
  // At one time, everything that waits for promises alone runs before the next timer.
  for (let turns = 0; !isSettled; turns++) {
    assert.ok(turns < 1_000_000, 'a call never settles')
    await new Promise(resolve => { setImmediate(resolve) })
    clock.advanceToNext()
  }
  return await done
}

async function appendOn (wal: Wal, ids: () => number, confirmed: number[], size: () => number): Promise<string> {
  try {
    for (;;) {
      const id = ids()
      const position = await wal.append([recordOf(id, size())])
      confirmed.push(id)
      if (wal.usage().usedBytes > 60 * KiB) await wal.trim(position - 30 * KiB)
    }
  } catch (error) {
    return StreambedError.is(error) ? error.code : String(error)
  }
}

describe('takeover of a living writer', () => {
  it('never lets the old one confirm what the new one does not recover, in 150 seeds of slow calls', async () => {
    for (let seed = 0; seed < 150; seed++) {
      const { environment, files, random } = simulated(`takeover-${seed}`)
      const clock = environment.clock as VirtualClock
      const delays = random.fork('delays')
      const old = await openSmall(environment, 1)
      files.plan = operation => {
        const roll = delays.fraction()
        if (operation === 'lock' || operation === 'unlock') return undefined
        return { kind: 'delay', ms: roll < 0.05 ? 200 : roll * 10 }
      }
      let next = 0
      const confirmed: number[] = []
      const sizes = random.fork('sizes')
      const writing = appendOn(old, () => next++, confirmed, () => 8 + sizes.below(10 * KiB))
      await runUntil(clock, new Promise<void>(resolve => { clock.schedule(random.below(500), resolve) }))
      const wal = await runUntil(clock, openSmall(environment, 2))
      const confirmedAtOpen = confirmed.length
      const records = await runUntil(clock, recovered(wal))
      const ids = records.map(({ data }) => idOf(data))
      const position = await runUntil(clock, wal.append([recordOf(1_000_000, 100)]))
      assert.equal(await runUntil(clock, writing), 'FENCED', `seed ${seed}`)
      assert.equal(confirmed.length, confirmedAtOpen, `seed ${seed}: confirmed after the takeover`)
      // Dense from the oldest kept to at least the last confirmed.
      assert.deepEqual(ids, ids.map((_, index) => ids[0]! + index), `seed ${seed}`)
      if (confirmed.length > 0) assert.ok(ids.at(-1)! >= confirmed.at(-1)!, `seed ${seed}: lost ${confirmed.at(-1)}`)
      assert.ok(records.every(record => record.position < position), `seed ${seed}`)
      // Late writes of the old one change nothing for those who come after.
      files.plan = undefined
      files.kill()
      const third = await openSmall(environment, 3)
      assert.deepEqual((await recovered(third)).map(({ data }) => idOf(data)), [...ids, 1_000_000], `seed ${seed}`)
      await third.close()
    }
  })

  it('tells a reader that it is overtaken, not of damage, when the new one gives back what it still reads', async () => {
    const { environment } = simulated()
    const writer = await openSmall(environment, 1)
    for (let id = 0; id < 8; id++) await writer.append([recordOf(id, 10 * KiB)])
    await writer.close()
    const old = await openSmall(environment, 2)
    const reading = old.recover()[Symbol.asyncIterator]()
    assert.equal((await reading.next()).done, false)
    await using wal = await openSmall(environment, 3)
    await wal.trim((await recovered(wal)).at(-1)!.position)
    for (let id = 8; id < 40; id++) await wal.trim(await wal.append([recordOf(id, 10 * KiB)]))
    await assert.rejects(async () => { while ((await reading.next()).done !== true); }, (error: unknown) => StreambedError.is(error, 'FENCED'))
    await old.close()
  })

  it('lets one of two openers of one epoch in', async () => {
    const { environment } = simulated()
    const outcomes = await Promise.allSettled([openSmall(environment, 1), openSmall(environment, 1)])
    assert.deepEqual(outcomes.map(outcome => outcome.status).sort(), ['fulfilled', 'rejected'])
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') await outcome.value.close()
      else assert.ok(StreambedError.is(outcome.reason, 'FENCED'))
    }
  })
})
