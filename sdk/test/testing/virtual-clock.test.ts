import { sleep } from '@streambed/sdk'
import { SeededRandom, VirtualClock } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'

describe('VirtualClock', () => {
  it('fires what falls due, in order, each at its own time, also what timers schedule', () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    const note = (name: string) => () => { fired.push(`${name}@${clock.monotonicMs()}`) }
    clock.schedule(10, note('b'))
    clock.schedule(5, () => { note('a')(); clock.schedule(5, note('c')); clock.schedule(100, note('late')) })
    const cancelled = clock.schedule(7, note('never'))
    cancelled.cancel()
    cancelled.cancel()
    clock.schedule(-1, note('first'))
    assert.equal(clock.pendingCount, 3)
    clock.advance(20)
    assert.deepEqual(fired, ['first@0', 'a@5', 'b@10', 'c@10'])
    assert.equal(clock.monotonicMs(), 20)
    assert.equal(clock.nextDueMs, 105)
    assert.equal(clock.advanceToNext(), true)
    assert.equal(clock.monotonicMs(), 105)
    assert.equal(clock.advanceToNext(), false)
    assert.equal(clock.nextDueMs, Infinity)
  })

  it('runs chains of waits', async () => {
    const clock = new VirtualClock()
    const chain = (async () => { for (let n = 0; n < 5; n++) await sleep(clock, 10) })()
    await clock.run(50)
    await chain
    assert.equal(clock.monotonicMs(), 50)
  })

  it('the wall clock jumps alone', () => {
    const clock = new VirtualClock({ wallMs: 1000 })
    clock.jumpWall(-500)
    clock.advance(1.5)
    assert.equal(clock.wallMs(), 501)
    assert.equal(clock.monotonicMs(), 1.5)
  })
})

describe('SeededRandom', () => {
  it('repeats itself from a seed, and forks do not disturb it', () => {
    const draw = (random: SeededRandom): unknown => [random.fraction(), random.below(100), [...random.bytes(7)]]
    const [a, b] = [new SeededRandom(7), new SeededRandom(7)]
    draw(b.fork('x'))
    assert.deepEqual(draw(a), draw(b))
    assert.deepEqual(draw(a.fork('x')), draw(new SeededRandom('7/x')))
    assert.notDeepEqual(draw(a.fork('x')), draw(a.fork('y')))
  })

  it('is spread evenly', () => {
    const random = new SeededRandom('spread')
    const counts = new Array<number>(16).fill(0)
    for (let n = 0; n < 16_000; n++) counts[random.below(16)]!++
    for (const count of counts) assert.ok(count > 850 && count < 1150, String(counts))
  })
})
