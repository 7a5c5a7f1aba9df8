// Brokers under load, while their object store answers oddly. In all runs some answers of one cloud, each for a moment; STREAMBED_TEST_ODD_ANSWERS=60
// runs every answer of every cloud, each for so many seconds.
import assert from 'node:assert/strict'
import type { Context } from 'mocha'
import { clouds, type Cloud } from '../../../conformance/test/odd-answers/words.ts'
import { LoadedBroker } from './loaded-broker.ts'
import { neverAsked, odditiesOf, unfit, type Kind, type Oddity, type Round } from './spell.ts'

const rounds: Readonly<Record<Round, string>> = { 'regional-disk': 'WAL on a disk, metadata in a file', object: 'WAL and metadata in the same store' }
const secondsEach = process.env['STREAMBED_TEST_ODD_ANSWERS']
/** Clouds of the long run, where not all. */
const chosen = process.env['STREAMBED_TEST_ODD_ANSWERS_OF']?.split(',') ?? clouds
const momentMs = 200
/** One of each sort. */
const sample: readonly string[] = ['a page of HTML with status 200', 'status 404 and nothing else', 'a part of the object, told as the whole', 'that other objects were deleted', 'a half, and a reset']

/** One broker for all of a round: it is not opened again. */
class Brokers {
  readonly #cloud: Cloud
  readonly #round: Round
  #broker: LoadedBroker | undefined
  readonly met = new Set<Kind>()
  readonly unmet: string[] = []
  acknowledged = 0
  recoveredMsMax = 0

  constructor (cloud: Cloud, round: Round) {
    this.#cloud = cloud
    this.#round = round
  }

  async spell (oddity: Oddity, ms: number): Promise<void> {
    this.#broker ??= await LoadedBroker.start(this.#cloud, this.#round)
    const before = this.#broker.acknowledged
    try {
      const { met, recoveredMs, unmet } = await this.#broker.spell(oddity, ms)
      for (const kind of met) this.met.add(kind)
      if (unmet.length > 0) this.unmet.push(`${oddity.odd.name}: ${unmet.join(', ')}`)
      this.acknowledged += this.#broker.acknowledged - before
      this.recoveredMsMax = Math.max(this.recoveredMsMax, recoveredMs)
    } catch (error) {
      // The next answer is another broker's: this one may be wrong for good.
      const lines = this.#broker.lines.slice(-20).join('\n')
      await this.close()
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${lines}`, { cause: error })
    }
  }

  async close (): Promise<void> {
    const broker = this.#broker
    this.#broker = undefined
    await broker?.[Symbol.asyncDispose]()
  }
}

function tests (cloud: Cloud, round: Round, oddities: readonly Oddity[], ms: number): void {
  describe(`a broker under load, ${rounds[round]}, loses, changes, repeats and reopens nothing, and goes on by itself, when its store on ${cloud} answers for ${ms} ms`, () => {
    const brokers = new Brokers(cloud, round)
    after(async () => { await brokers.close() })

    for (const oddity of oddities) {
      const { odd: { name }, outcomes } = oddity
      const why = [...outcomes.keys()].every(kind => kind in neverAsked[round]) ? 'not asked by a broker that runs' : unfit[round][name]
      if (why !== undefined) {
        it(`${name}: left out: ${why}`)
        continue
      }
      it(`${name} (${[...outcomes.keys()].filter(kind => !(kind in neverAsked[round])).join(', ')})`, async function (this: Context) {
        this.timeout(ms + 60_000)
        await brokers.spell(oddity, ms)
      })
    }

    it('asked all but what is said never to be asked', () => {
      console.log(`      ${brokers.acknowledged} records acknowledged; read back at the latest ${Math.round(brokers.recoveredMsMax)} ms after the last odd answer`)
      console.log(`      never asked while a broker runs: ${Object.keys(neverAsked[round]).join(', ')}; not asked during ${brokers.unmet.length} spells: ${brokers.unmet.join('; ')}`)
      const expected = new Set(oddities.flatMap(({ outcomes }) => [...outcomes.keys()]).filter(kind => !(kind in neverAsked[round])))
      assert.deepEqual([...brokers.met].sort(), [...expected].sort())
    })
  })
}

if (secondsEach === undefined) {
  for (const round of Object.keys(rounds) as Round[]) tests('s3', round, odditiesOf('s3').filter(({ odd }) => sample.includes(odd.name)), momentMs)
} else {
  for (const cloud of clouds.filter(each => chosen.includes(each))) {
    for (const round of Object.keys(rounds) as Round[]) tests(cloud, round, odditiesOf(cloud), Number(secondsEach) * 1_000)
  }
}
