import assert from 'node:assert/strict'
import { SeededRandom } from '@streambed/sdk/testing'
import { killRun } from './kill-run.ts'

// STREAMBED_KILLS=2000 for a long run; STREAMBED_KILL_SEED repeats the choices of another one. Timing is the machine's own.
const kills = Number(process.env['STREAMBED_KILLS'] ?? 200)
const seed = process.env['STREAMBED_KILL_SEED'] ?? '20260901'
const brokers = 2
const readyRuleMs = 1_000

describe('a broker that is killed over and over', () => {
  it(`loses, repeats, reorders and changes nothing (${kills} kills, STREAMBED_KILL_SEED=${seed})`, async function () {
    this.timeout(60_000 + kills * 5_000)
    const random = new SeededRandom(seed)
    const each = Math.ceil(kills / brokers)
    const results = await Promise.all(Array.from({ length: brokers }, (_, index) => killRun(random.fork(`broker-${index}`), each)))
    const sum = (of: (result: typeof results[number]) => number): number => results.reduce((total, result) => total + of(result), 0)
    assert.ok(sum(result => result.kills) >= kills)
    const readyMs = results.flatMap(result => result.readyMs).sort((left, right) => left - right)
    const at = (share: number): number => Math.round(readyMs[Math.min(readyMs.length - 1, Math.floor(share * readyMs.length))] ?? NaN)
    console.log(`      ${sum(result => result.kills)} kills (${sum(result => result.killsWhileOpening)} while opening), ${sum(result => result.records)} records, ${sum(result => result.commits)} group commits`)
    console.log(`      process start to ready: median ${at(0.5)} ms, 99th ${at(0.99)} ms, largest ${at(1)} ms; ${readyMs.filter(ms => ms > readyRuleMs).length} of ${readyMs.length} over ${readyRuleMs} ms, on a machine that runs the load too`)
  })
})
