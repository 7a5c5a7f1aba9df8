import type { LatencyClass, Wal, WalWriter } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern, rejectsWith } from '../assertions.ts'
import { NotRun } from '../faults/fault-harness.ts'
import { collectedBytes } from './collected-bytes.ts'
import { mib, type ScaleBench, type ScaleCheck } from './scale.ts'

const GiB = 2 ** 30
const recordBytesMax = 2 ** 20
/** What a broker that takes over may wait: to be the only writer, and for each GiB that it recovers. */
const takeoverMsMax: Readonly<Record<LatencyClass, number>> = { A: 2_000, B: 2_000, C: 5_000 }
const recoveryMsMax: Readonly<Record<LatencyClass, number>> = { A: 10_000, B: 10_000, C: 30_000 }
/** Of a recovery besides its records: opening, and a machine that is busy. */
const openingMsMax = 2_000
const recoverySamples = 8
/** Beyond half of the records: buffers to read into. */
const buffersBytesMax = 16 * 2 ** 20

const writer = (writerEpoch: number): WalWriter => ({ clusterId: 'conformance', nodeId: 7, writerEpoch })

/** W-R10: a log that is three quarters full, up to a GiB, is recovered in time, and is not held in memory. */
const recoversInTime: ScaleCheck<Wal> = async bench => {
  const filled = await fill(bench)
  const { clock } = bench.environment
  const startMs = clock.monotonicMs()
  await using wal = await bench.open(0, writer(2))
  const held: number[] = []
  let recovered = 0
  let sampledMs = 0
  for await (const { data } of wal.recover()) {
    recovered += data.length
    if (recovered < filled * (held.length + 1) / recoverySamples) continue
    const sampleMs = clock.monotonicMs()
    held.push(collectedBytes())
    sampledMs += clock.monotonicMs() - sampleMs
  }
  const tookMs = clock.monotonicMs() - startMs - sampledMs
  const limitMs = openingMsMax + recoveryMsMax[classOf(bench)] * filled / GiB
  const grown = Math.max(...held) - held[0]!
  assert.equal(recovered, filled, 'bytes recovered')
  assert.ok(tookMs <= limitMs, `recovering ${mib(filled)} took ${Math.round(tookMs)} ms, at most ${Math.round(limitMs)} ms are allowed`)
  assert.ok(grown < filled / 2 + buffersBytesMax, `memory grew by ${mib(grown)} while ${mib(filled)} were recovered`)
  return `${mib(filled)} in ${Math.round(tookMs)} ms, memory +${mib(Math.max(0, grown))}`
}

/** W-N09: how long it takes to open a log whose writer, at work, has to be kept out from then on. */
const takesOverInTime: ScaleCheck<Wal> = async bench => {
  if ((bench.capabilities as { readonly fencing?: string }).fencing === 'lock') throw new NotRun('the lock of a living writer keeps others out', 'notApplicable')
  const { clock } = bench.environment
  await using old = await bench.open(0, writer(1))
  await old.append([pattern(1_000)])
  let hasSuccessor = false
  const writing = (async () => { while (!hasSuccessor) await old.append([pattern(1_000)]) })()
  // It fails when the next writer opens.
  writing.catch(() => {})
  const startMs = clock.monotonicMs()
  await using wal = await bench.open(0, writer(2))
  const openedMs = clock.monotonicMs() - startMs
  for await (const { data } of wal.recover()) assert.equal(data.length, 1_000)
  await wal.append([pattern(1)])
  const tookMs = clock.monotonicMs() - startMs
  hasSuccessor = true
  await rejectsWith(writing.then(async () => await old.append([pattern(1_000)])), 'FENCED')
  const limitMs = takeoverMsMax[classOf(bench)]
  assert.ok(tookMs <= limitMs, `taking over took ${Math.round(tookMs)} ms, at most ${limitMs} ms are allowed`)
  return `opened in ${Math.round(openedMs)} ms, first record after ${Math.round(tookMs)} ms`
}

export const walRecovery: Readonly<Record<string, ScaleCheck<Wal>>> = { 'W-R10': recoversInTime, 'W-N09': takesOverInTime }

/** Appends to an empty log until it is three quarters full, or holds a GiB; closes it. Resolves with the bytes. */
async function fill ({ open }: ScaleBench<Wal>): Promise<number> {
  await using wal = await open(0, writer(1))
  for await (const { data } of wal.recover()) void data
  const { capacityBytes, recordBytesMax: largest } = wal.usage()
  const record = pattern(Math.min(recordBytesMax, largest, Math.floor(capacityBytes / 16)))
  const wanted = Math.min(GiB, capacityBytes * 3 / 4)
  let filled = 0
  while (filled + 4 * record.length <= wanted && wal.usage().usedBytes + 4 * record.length < capacityBytes * 7 / 8) {
    await Promise.all(Array.from({ length: 4 }, () => wal.append([record])))
    filled += 4 * record.length
  }
  return filled
}

function classOf ({ capabilities }: ScaleBench<Wal>): LatencyClass { return (capabilities as { readonly latencyClass?: LatencyClass }).latencyClass ?? 'C' }
