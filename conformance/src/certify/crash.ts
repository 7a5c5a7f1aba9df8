import assert from 'node:assert/strict'
import type { Environment, MetadataLog, ObjectStore, ObjectStoreCapabilities, Random, Wal } from '@streambed/sdk'
import { sameBytes } from '../assertions.ts'
import { entriesOf } from '../metadata-log/suite.ts'
import { recoverAll } from '../wal.ts'
import { crashBody, crashKey, crashWriter, writeOf, type CrashOrder } from './crash-order.ts'
import type { Target } from './target.ts'
import { startWriter } from './writer-process.ts'

const rounds = 12
const writesMax = 60
const inFlight = 6
/** A writer that trims keeps so many of its last records. */
export const trimBehind = 10

/** Kills a process that writes, at a random acknowledgement, again and again; what it was told is durable must be there (OS-D01, W-R03, ML-25). */
export async function survivesKills (target: Target, run: string, environment: Environment): Promise<void> {
  const checks = { objectStore: storeSurvivesKills, wal: walSurvivesKills, metadataLog: logSurvivesKills }
  await checks[target.plugin.kind](target, run, environment)
}

async function storeSurvivesKills (target: Target, run: string, environment: Environment): Promise<void> {
  const place = target.place(run)
  const isConditional = (target.capabilities as ObjectStoreCapabilities).conditionalCreate === 'atomic'
  for (let round = 0; round < rounds; round++) {
    const acknowledged = await killed({ place, round, first: 0, epoch: 1, inFlight, isConditional }, environment.random)
    await using store = await target.open(place, environment) as ObjectStore
    for (const write of acknowledged) sameBytes(await store.get(crashKey(round, write)), crashBody(write), `object ${write} of round ${round}`)
  }
}

async function walSurvivesKills (target: Target, run: string, environment: Environment): Promise<void> {
  const place = target.place(run)
  // Numbers of all that should be in the log, trimmed ones left out: at first nothing, later the one written after the trim.
  let kept: number[] = []
  for (let round = 0; round < rounds; round++) {
    const first = (kept[0] ?? -1) + 1
    const acknowledged = await killed({ place, round, first, epoch: 2 * round + 1, inFlight, isConditional: false }, environment.random)
    await using wal = await target.open(place, environment, crashWriter(2 * round + 2)) as Wal
    const records = await recoverAll(wal)
    const writes = records.map(({ data }) => writeOf(data))
    const expected = [...kept, ...acknowledged]
    assert.deepEqual(acknowledged, acknowledged.map((_, index) => first + index), `round ${round}: acknowledged out of order`)
    assert.deepEqual(writes.slice(0, expected.length), expected, `round ${round}: what was acknowledged is missing, or in another order`)
    assert.deepEqual(writes, writes.map((_, index) => writes[0]! + index), `round ${round}: recovered with holes or repeats`)
    for (const [index, { data }] of records.entries()) sameBytes(data, crashBody(writes[index]!), `record ${writes[index]} of round ${round}`)
    await wal.trim(records.at(-1)!.position)
    // A trim is durable by the next confirmed append at the latest.
    kept = [writes.at(-1)! + 1]
    await wal.append([crashBody(kept[0]!)])
  }
}

async function logSurvivesKills (target: Target, run: string, environment: Environment): Promise<void> {
  const place = target.place(run)
  let kept: number[] = []
  for (let round = 0; round < rounds; round++) {
    const acknowledged = await killed({ place, round, first: kept.length, epoch: 1, inFlight: 1, isConditional: false }, environment.random)
    await using log = await target.open(place, environment) as MetadataLog
    const entries = await entriesOf(log, 0)
    const writes = entries.map(writeOf)
    const expected = [...kept, ...acknowledged]
    assert.deepEqual(writes.slice(0, expected.length), expected, `round ${round}: what was acknowledged is missing, or in another order`)
    // One more may have been on its way.
    assert.deepEqual(writes, writes.map((_, index) => index), `round ${round}: read with holes or repeats`)
    for (const [index, bytes] of entries.entries()) sameBytes(bytes, crashBody(index), `entry ${index} of round ${round}`)
    kept = writes
  }
}

/** Kills a process that appends and trims behind itself; of what it kept nothing is missing, and what it trimmed is there as one piece or not at all (W-R09). */
export async function survivesKillsWhileTrimming (target: Target, run: string, environment: Environment): Promise<void> {
  const place = target.place(run)
  let first = 0
  for (let round = 0; round < rounds; round++) {
    const acknowledged = await killed({ place, round, first, epoch: 2 * round + 1, inFlight, isConditional: false, trimBehind }, environment.random)
    await using wal = await target.open(place, environment, crashWriter(2 * round + 2)) as Wal
    const records = await recoverAll(wal)
    const writes = records.map(({ data }) => writeOf(data))
    const kept = acknowledged.slice(-trimBehind)
    assert.deepEqual(writes.filter(write => write >= kept[0]!).slice(0, kept.length), kept, `round ${round}: what was not trimmed is missing`)
    assert.deepEqual(writes, writes.map((_, index) => writes[0]! + index), `round ${round}: recovered with holes or repeats`)
    for (const [index, { data }] of records.entries()) sameBytes(data, crashBody(writes[index]!), `record ${writes[index]} of round ${round}`)
    first = writes.at(-1)! + 1
  }
}

/** Runs a writer and kills it at one of its first acknowledgements; resolves with all that it printed. */
export async function killed (order: CrashOrder, random: Random): Promise<number[]> {
  const killAt = 1 + Math.floor(random.fraction() * writesMax)
  const writer = startWriter(order)
  for await (const count of writer.acknowledgements()) if (count === killAt) writer.signal('SIGKILL')
  const { complaint, signal } = await writer.exited
  assert.equal(signal, 'SIGKILL', `the writing process ended by itself: ${complaint}`)
  return writer.writes
}
