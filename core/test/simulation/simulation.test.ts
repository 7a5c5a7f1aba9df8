import assert from 'node:assert/strict'
import { mustBeReached, type Event } from './reached.ts'
import { failureMessage } from './replay.ts'
import { simulate } from './simulation.ts'

const seedCount = Number(process.env.STREAMBED_SIMULATION_SEEDS ?? 200)
const seedsPerTest = 20
/** Fewer need not meet everything. */
const seedsToReachAll = 200

/** Of more than the suite runs through. They say this only as long as nothing changes what a seed means. */
const furtherSeeds = [
  { seed: 224, what: 'a start on an older copy of the metadata is refused' },
  { seed: 231, what: 'the right metadata came back after a wrong copy had left epochs in the WAL' },
  { seed: 278, what: 'an opener that had stood still told of damage where it was fenced' },
  { seed: 341, what: 'a start on a damaged WAL is refused' },
  { seed: 475, what: 'the right metadata came back after a start on a wrong copy had failed for lack of space' },
  { seed: 530, what: 'a process that was overtaken carried out what it was asked for' },
  { seed: 1012, what: 'a start that was refused for its metadata had given up segments of the WAL' },
  { seed: 1669, what: 'a loss could not be accepted where a stream was trimmed past what objects held' },
  { seed: 2270, what: 'a start went on with a changed WAL, and ended before it served' },
  { seed: 2318, what: 'a process that was overtaken reads what its successor gives back' },
  { seed: 2459, what: 'an older copy of the WAL is refused, and a loss of the WAL is accepted' },
  { seed: 3178, what: 'an older copy of the WAL is refused, in which starts without disk space had left a later epoch' }
]

describe('simulation', () => {
  const reached = new Set<Event>()

  for (let first = 1; first <= seedCount; first += seedsPerTest) {
    const last = Math.min(first + seedsPerTest - 1, seedCount)
    it(`seeds ${first} to ${last} keep what was promised`, async () => {
      for (let seed = first; seed <= last; seed++) {
        const result = await simulate({ seed })
        for (const event of result.reached.keys()) reached.add(event)
        assert.equal(result.violation, undefined, failureMessage(result))
      }
    })
  }

  for (const { seed, what } of furtherSeeds) {
    it(`seed ${seed} keeps what was promised: ${what}`, async () => {
      const result = await simulate({ seed })
      assert.equal(result.violation, undefined, failureMessage(result))
      for (const event of result.reached.keys()) reached.add(event)
    })
  }

  it('the seeds together reach all that they are there for', function () {
    if (seedCount < seedsToReachAll) this.skip()
    assert.deepEqual(mustBeReached.filter(event => !reached.has(event)), [])
  })

  it('the same seed gives the same trace', async () => {
    for (const seed of [1, 2, 3, 5, 8, 13]) {
      const [first, second] = [await simulate({ seed, keepsTrace: true }), await simulate({ seed, keepsTrace: true })]
      const differs = first.trace.findIndex((line, index) => line !== second.trace[index])
      assert.equal(first.digest, second.digest, `seed ${seed} differs at line ${differs}:\n  ${first.trace[differs]}\n  ${second.trace[differs]}`)
    }
  })

  it('other seeds give other traces, and crashes, acknowledgements, rewrites and reopened brokers in them', async () => {
    const results = await Promise.all(Array.from({ length: 9 }, (_, index) => simulate({ seed: 21 + index })))
    assert.equal(new Set(results.map(({ digest }) => digest)).size, results.length)
    const sum = (of: (stats: typeof results[number]['stats']) => number): number => results.reduce((total, { stats }) => total + of(stats), 0)
    assert.ok(sum(stats => stats.crashes) > 5)
    assert.ok(sum(stats => stats.opens) > 10)
    assert.ok(sum(stats => stats.acknowledged) > 200)
    assert.ok(sum(stats => stats.rewrites) > 5, 'group logs are written anew')
  })
})
