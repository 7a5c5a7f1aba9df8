import type { Wal, WalWriter } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { pattern } from '../assertions.ts'
import { NotRun } from '../faults/fault-harness.ts'
import { recoverAll } from '../wal.ts'
import { collectedBytes } from './collected-bytes.ts'
import { keptRate, mib, sustained, type ScaleCheck } from './scale.ts'

const recordBytes = 64 * 1024
const logCount = 16
const capacityBytesMax = 256 * 2 ** 20
const busyCallers = 16
const busyRecords = 256
const busyRecordBytesMax = 2 ** 20
const writer: WalWriter = { clusterId: 'conformance', nodeId: 7, writerEpoch: 1 }

/** W-S01: appends at the declared rate, trimmed behind. */
const sustainsAppends: ScaleCheck<Wal> = async ({ durationMs, environment, load, open }) => {
  await using wal = await open(0, writer)
  await recoverAll(wal)
  const perSecond = load.bytesPerSecond / recordBytes
  const kept = await sustained(environment, perSecond, durationMs, trimming(wal))
  assert.ok(kept >= keptRate(perSecond, durationMs), `${mib(kept * recordBytes)}/s were kept, ${mib(load.bytesPerSecond)}/s were offered`)
  return `${mib(kept * recordBytes)}/s of ${mib(load.bytesPerSecond)}/s offered`
}

/** W-S02: the declared rate over many logs of one process; four fifths of it are kept. */
const sustainsMany: ScaleCheck<Wal> = async ({ durationMs, environment, load, open }) => {
  await using owned = new AsyncDisposableStack()
  const appends: ((n: number) => Promise<unknown>)[] = []
  for (let place = 0; place < logCount; place++) {
    const wal = await open(place, writer)
    owned.defer(async () => { await wal.close() })
    await recoverAll(wal)
    appends.push(trimming(wal))
  }
  const perSecond = load.bytesPerSecond / recordBytes
  const kept = await sustained(environment, perSecond, durationMs, n => appends[n % logCount]!(n))
  assert.ok(kept >= keptRate(perSecond, durationMs, 0.8), `${logCount} logs kept ${mib(kept * recordBytes)}/s together, ${mib(load.bytesPerSecond)}/s were offered`)
  return `${logCount} logs, ${mib(kept * recordBytes)}/s of ${mib(load.bytesPerSecond)}/s offered`
}

/** W-S03: four times its capacity goes through a log that is kept half full; trims give back what they free. */
const trimsInTime: ScaleCheck<Wal> = async ({ open }) => {
  await using wal = await open(0, writer)
  await recoverAll(wal)
  const { capacityBytes, recordBytesMax } = wal.usage()
  if (capacityBytes > capacityBytesMax) throw new NotRun(`the log holds ${capacityBytes} bytes, too much to go through four times: set its capacity to ${capacityBytesMax} bytes at most`)
  const record = pattern(Math.min(recordBytes, recordBytesMax))
  const kept: number[] = []
  for (let bytes = 0; bytes < 4 * capacityBytes; bytes += 4 * record.length) {
    kept.push(...await Promise.all(Array.from({ length: 4 }, () => wal.append([record]))))
    const freed = kept.splice(0, Math.max(0, kept.length - Math.floor(capacityBytes / 2 / record.length)))
    if (freed.length > 0) await wal.trim(freed.at(-1)!)
    assert.ok(wal.usage().usedBytes <= capacityBytes, `${wal.usage().usedBytes} bytes are used of ${capacityBytes}`)
  }
  return `${mib(4 * capacityBytes)} through ${mib(capacityBytes)}`
}

/** W-S04: while appends never pause, what is confirmed and trimmed is let go: half of it would be a log that keeps all. */
const letsGo: ScaleCheck<Wal> = async ({ open }) => {
  await using wal = await open(0, writer)
  await recoverAll(wal)
  const { capacityBytes, recordBytesMax } = wal.usage()
  const size = Math.min(busyRecordBytesMax, recordBytesMax, Math.floor(capacityBytes / (4 * busyCallers)))
  const liveBytes: number[] = []
  let begun = 0
  await Promise.all(Array.from({ length: busyCallers }, async () => {
    while (begun < busyRecords) {
      const n = begun++
      const position = await wal.append([pattern(size, n)])
      // The other callers wait for the log meanwhile: it is never without work.
      if (n % (busyRecords / 4) === 0) liveBytes.push(collectedBytes())
      await wal.trim(position)
    }
  }))
  const passed = size * busyRecords * 3 / 4
  const grown = liveBytes.at(-1)! - liveBytes[0]!
  assert.ok(grown < passed / 2, `memory grew by ${mib(grown)} while ${mib(passed)} of records were appended, confirmed and trimmed`)
  return `memory ${grown < 0 ? '−' : '+'}${mib(Math.abs(grown))} while ${mib(passed)} of records passed`
}

export const walScale: Readonly<Record<string, ScaleCheck<Wal>>> = { 'W-S01': sustainsAppends, 'W-S02': sustainsMany, 'W-S03': trimsInTime, 'W-S04': letsGo }

function trimming (wal: Wal): (n: number) => Promise<unknown> {
  const record = pattern(Math.min(recordBytes, wal.usage().recordBytesMax))
  return async () => {
    const position = await wal.append([record])
    await wal.trim(position)
  }
}
