import assert from 'node:assert/strict'
import type { Environment, MetadataLog, Wal } from '@streambed/sdk'
import { sameBytes } from '../assertions.ts'
import { crashBody, crashWriter, writeOf, type CrashOrder } from '../certify/crash-order.ts'
import type { Target } from '../certify/target.ts'
import { within } from '../certify/within.ts'
import { startWriter, type WriterProcess } from '../certify/writer-process.ts'
import { entriesOf } from '../metadata-log/suite.ts'
import { recoverAll } from '../wal.ts'

const acknowledgementsMin = 10
const takeoverNumber = 1_000_000
/** So long a writer that was stopped may go on before it is ended; it is judged by what it acknowledged. */
const learnsMsMax = 8_000

/** Stops a writing process in the middle of its work, takes its log over, and lets it go on (W-N03). */
export async function pausedWriterIsFenced (target: Target, run: string, environment: Environment): Promise<void> {
  const place = target.place(run)
  const writer = await stoppedWriter({ place, round: 0, first: 0, epoch: 1, inFlight: 6, isConditional: false })
  try {
    const next = await target.open(place, environment, crashWriter(2)) as Wal
    const recovered = (await recoverAll(next)).map(({ data }) => writeOf(data))
    await next.append([crashBody(takeoverNumber)])
    const acknowledged = await resumed(writer, environment)
    await next.append([crashBody(takeoverNumber + 1)])
    await next.close()
    assert.deepEqual(acknowledged.filter(write => !recovered.includes(write)), [], 'records that the earlier writer acknowledged, and that the takeover did not recover')
    await using last = await target.open(place, environment, crashWriter(3)) as Wal
    const records = await recoverAll(last)
    assert.deepEqual(records.map(({ data }) => writeOf(data)), [...recovered, takeoverNumber, takeoverNumber + 1], 'the log after the earlier writer went on')
    for (const { data } of records) sameBytes(data, crashBody(writeOf(data)), `record ${writeOf(data)}`)
  } finally {
    writer.signal('SIGKILL')
    await writer.exited
  }
}

/** Stops an appending process, appends meanwhile, and lets it go on: its stale append loses (ML-18). */
export async function pausedProposerLoses (target: Target, run: string, environment: Environment): Promise<void> {
  const place = target.place(run)
  const writer = await stoppedWriter({ place, round: 0, first: 0, epoch: 1, inFlight: 1, isConditional: false })
  try {
    await using log = await target.open(place, environment) as MetadataLog
    const numbersOf = async (): Promise<number[]> => (await entriesOf(log, 0)).map(writeOf)
    const before = await numbersOf()
    for (let n = 0; n < 5; n++) await log.append(before.length + n, [crashBody(takeoverNumber + n)])
    const ours = Array.from({ length: 5 }, (_, n) => takeoverNumber + n)
    const acknowledged = await resumed(writer, environment)
    const after = await numbersOf()
    assert.deepEqual(after.slice(0, before.length + 5), [...before, ...ours], 'entries changed when the earlier proposer went on')
    assert.deepEqual(acknowledged.filter(write => !after.includes(write)), [], 'entries that the earlier proposer was told of, and that are not in the log')
    assert.equal(new Set(after).size, after.length, 'an entry stands in the log twice')
  } finally {
    writer.signal('SIGKILL')
    await writer.exited
  }
}

/** A writer that has acknowledged some, and was then stopped wherever it was. */
async function stoppedWriter (order: CrashOrder): Promise<WriterProcess> {
  const writer = startWriter(order)
  const reading = writer.acknowledgements()
  for (;;) {
    const { done, value = 0 } = await reading.next()
    if (done === true) assert.fail(`the writing process ended by itself: ${(await writer.exited).complaint}`)
    if (value >= acknowledgementsMin) break
  }
  writer.signal('SIGSTOP')
  // What it has printed is read on, in the background, until it ends.
  void (async () => { for (;;) if ((await reading.next()).done === true) return })()
  return writer
}

/** Lets it go on until it gives up; one that never does is killed, and judged by what it acknowledged. */
async function resumed (writer: WriterProcess, { clock }: Environment): Promise<readonly number[]> {
  writer.signal('SIGCONT')
  await within(clock, learnsMsMax, '', writer.exited).catch(() => { writer.signal('SIGKILL') })
  await writer.exited
  return writer.writes
}
