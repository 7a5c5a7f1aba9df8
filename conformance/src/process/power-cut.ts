import assert from 'node:assert/strict'
import path from 'node:path'
import type { Environment, Wal } from '@streambed/sdk'
import { SimulatedFileSystem } from '@streambed/sdk/testing'
import { crashWriter } from '../certify/crash-order.ts'
import { textsIn, type Target } from '../certify/target.ts'
import { NotRun } from '../faults/fault-harness.ts'
import { recoverAll } from '../wal.ts'
import { Journal } from '../wal/journal.ts'

const rounds = 30
/** Logs that try long before they give up get fewer rounds. */
const roundsMin = 6
const roundsMsMax = 10_000
const operationsMax = 60
const freshRounds = 12

/**
 * Cuts the power in the middle of writing, again and again, on a file system in memory that loses, keeps or tears what was
 * not synced, sector by sector and name by name (W-D03).
 */
export async function survivesPowerCuts (target: Target, run: string, environment: Environment): Promise<void> {
  const files = await simulated(target, run, environment)
  const operationsBefore = files.operationCount
  const journal = new Journal()
  const endMs = environment.clock.monotonicMs() + roundsMsMax
  for (let round = 0; round < rounds && (round < roundsMin || environment.clock.monotonicMs() < endMs); round++) {
    files.plan = undefined
    const wal = await target.open(target.place(run), { ...environment, fileSystem: files }, crashWriter(round + 1)) as Wal
    if (files.operationCount === operationsBefore) await closeUncut(wal)
    const records = await recoverAll(wal)
    const found = journal.check(records)
    journal.begin()
    if (records.length > 0 && round % 3 === 2) {
      await wal.trim(records.at(-1)!.position)
      journal.trimmed(found.at(-1)! + 1)
    }
    let left = 1 + Math.floor(environment.random.fraction() * operationsMax)
    files.plan = () => --left === 0 ? 'crash' : undefined
    const appendsMax = 20 * operationsMax
    for (let appends = 0; left > 0 && appends < appendsMax; appends++) await Promise.all(Array.from({ length: 1 + Math.floor(environment.random.fraction() * 8) }, () => journal.append(wal)))
    await wal.close().catch(() => undefined)
  }
}

/** Cuts the power right after the first records of a new log were confirmed: its files must have names that last (W-D04). */
export async function keepsNames (target: Target, run: string, environment: Environment): Promise<void> {
  for (let round = 0; round < freshRounds; round++) {
    const files = await simulated(target, run, environment)
    const operationsBefore = files.operationCount
    const journal = new Journal()
    const own = { ...environment, fileSystem: files }
    const wal = await target.open(target.place(run), own, crashWriter(1)) as Wal
    if (files.operationCount === operationsBefore) await closeUncut(wal)
    await recoverAll(wal)
    journal.begin()
    for (let n = 0; n <= round % 3; n++) assert.equal(await journal.append(wal), undefined)
    files.crash()
    await wal.close().catch(() => undefined)
    const again = await target.open(target.place(run), own, crashWriter(2)) as Wal
    journal.check(await recoverAll(again))
    await again.close()
  }
}

async function closeUncut (wal: Wal): Promise<never> {
  await wal.close()
  throw new NotRun("the plugin makes no call on its environment's file system, whose power is cut", 'notApplicable')
}

/** An empty disk that has the folders in which the options' paths lie. */
async function simulated (target: Target, run: string, { clock, random }: Environment): Promise<SimulatedFileSystem> {
  const files = new SimulatedFileSystem({ clock, random })
  const { store, subject } = target.place(run)
  const paths = [subject, store].flatMap(part => textsIn(part?.options)).filter(text => text.includes(run))
  const folders = new Set(paths.flatMap(named => {
    const names = path.dirname(path.resolve(named)).split('/')
    return names.map((_, index) => names.slice(0, index + 1).join('/')).filter(folder => folder !== '')
  }))
  for (const folder of [...folders].sort((left, right) => left.length - right.length)) {
    await files.makeDirectory(folder)
    await files.syncDirectory(path.dirname(folder))
  }
  return files
}
