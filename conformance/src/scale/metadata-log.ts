import type { MetadataLog } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, sameBytes } from '../assertions.ts'
import { entriesOf } from '../metadata-log/suite.ts'
import type { ScaleCheck } from './scale.ts'

const burstAppends = 20
const groupEntries = 10
const recoveryEntries = 10_000
const recoveryGroup = 500
const snapshotAt = 8_000
const openMsMax = 5_000

/** ML-15: 200 proposals at once, ten to a group as brokers batch them, at the declared rate. */
const bearsBurst: ScaleCheck<MetadataLog> = async ({ environment: { clock }, load, open }) => {
  await using log = await open(0)
  const startMs = clock.monotonicMs()
  await Promise.all(Array.from({ length: burstAppends }, (_, n) => log.append(n * groupEntries, Array.from({ length: groupEntries }, (_entry, entry) => pattern(200, n * groupEntries + entry)))))
  const perSecond = burstAppends * groupEntries / Math.max(1, clock.monotonicMs() - startMs) * 1000
  assert.ok(perSecond >= load.entriesPerSecond, `${perSecond.toFixed(1)} entries a second were taken, ${load.entriesPerSecond} are declared`)
  return `${perSecond.toFixed(0)} entries a second`
}

/** ML-20: a long log with a snapshot opens and is read to its end within 5 s. */
const opensSoon: ScaleCheck<MetadataLog> = async ({ environment: { clock }, open }) => {
  const state = pattern(1_000_000)
  {
    await using log = await open(0)
    for (let end = 0; end < recoveryEntries; end += recoveryGroup) await log.append(end, Array.from({ length: recoveryGroup }, (_, n) => pattern(64, end + n)))
    await log.writeSnapshot(snapshotAt, state)
    await log.truncateBefore(snapshotAt)
  }
  const startMs = clock.monotonicMs()
  await using log = await open(0)
  const snapshot = await log.latestSnapshot()
  assert.equal(snapshot?.at, snapshotAt)
  sameBytes(snapshot!.state, state, 'snapshot')
  const entries = await entriesOf(log, snapshotAt)
  const tookMs = clock.monotonicMs() - startMs
  assert.equal(entries.length, recoveryEntries - snapshotAt)
  assert.ok(tookMs <= openMsMax, `a log of ${recoveryEntries} entries took ${Math.round(tookMs)} ms to open and read from its snapshot; at most ${openMsMax} are allowed`)
  return `${recoveryEntries} entries, snapshot at ${snapshotAt}: open and read in ${Math.round(tookMs)} ms`
}

export const metadataLogScale: Readonly<Record<string, ScaleCheck<MetadataLog>>> = { 'ML-15': bearsBurst, 'ML-20': opensSoon }
