import type { StreambedError, Wal, WalCapabilities, WalRecord, WalWriter } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { writeOf } from '../certify/crash-order.ts'
import { faultChecks, Persistence, type FaultBench, type FaultCheck, type FaultHarness, type Faulty, type OpenUnderFaults } from '../faults/fault-harness.ts'
import type { Passage } from '../faults/fault.ts'
import type { Runner } from '../harness.ts'
import { recoverAll } from '../wal.ts'
import { diskChecks } from './disk-faults.ts'
import { Journal } from './journal.ts'
import { partitionChecks } from './partitions.ts'
import { pipelineChecks } from './pipeline-faults.ts'

export type WalFaultHarness = FaultHarness<Wal, WalCapabilities, [writer: WalWriter]>
export type WalFaultCheck = FaultCheck<Wal, [writer: WalWriter]>
export type WalBench = FaultBench<Wal, [writer: WalWriter]>

/** The part of the WAL catalogue that needs a medium that fails. For all of it: order, nothing confirmed is lost, no holes. */
export function walFaultConformance (runner: Runner, harness: WalFaultHarness): void {
  runner.describe(`Wal under faults: ${harness.name}`, () => {
    const check = faultChecks(runner, harness)
    for (const register of [pipelineChecks, partitionChecks, diskChecks]) register(check, harness.capabilities)
  })
}

export const writes = ({ action }: Passage): boolean => action === 'write'

const writer = (writerEpoch: number): WalWriter => ({ clusterId: 'conformance', nodeId: 7, writerEpoch })

/** One log over its openings, with the record of what was appended. Each opening takes the next epoch. */
export class Log {
  readonly journal = new Journal()
  readonly #bench: WalBench
  #epoch = 0
  #current: Faulty<Wal> | undefined
  #recovered: readonly WalRecord[] = []

  constructor (bench: WalBench) { this.#bench = bench }

  get wal (): Wal { return this.#current!.subject }
  get plane (): Faulty<Wal>['plane'] { return this.#current!.plane }

  /** Opens with the next epoch; as a broker does, again while that may be. What it recovers is held against the journal. */
  async open (given: OpenUnderFaults = {}): Promise<number[]> {
    const persistence = new Persistence(this.#bench)
    return await persistence.until(async () => {
      const opened = await this.#bench.open(given, writer(++this.#epoch))
      const records = await recoverAll(opened.subject)
      this.#current = opened
      this.#recovered = records
      this.journal.begin()
      return this.journal.check(records)
    })
  }

  /** Closes, and opens again without faults. */
  async reopen (): Promise<number[]> {
    this.plane.heal()
    await this.wal.close()
    return await this.open()
  }

  /** Trims all that was recovered last. The trim is durable with the next confirmed append; until then what it names may come back. */
  async trim (): Promise<void> {
    const last = this.#recovered.at(-1)
    if (last === undefined) return
    await this.wal.trim(last.position)
    this.journal.trimmed(writeOf(last.data) + 1)
  }

  async append (): Promise<StreambedError | undefined> { return await this.journal.append(this.wal) }

  /** Appends `count` records that must be confirmed, one after the other. */
  async write (count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const error = await this.append()
      assert.equal(error, undefined, `an append failed while all went well: ${String(error)}`)
    }
  }

  /** Appends `count` records at once; resolves when all are settled. */
  async pipeline (count: number): Promise<(StreambedError | undefined)[]> { return await Promise.all(Array.from({ length: count }, () => this.append())) }
}

export function anotherWriter (epoch: number): WalWriter { return writer(epoch) }
