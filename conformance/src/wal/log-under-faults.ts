import type { StreambedError, Wal, WalCapabilities, WalRecord, WalWriter } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { crashWriter, writeOf } from '../certify/crash-order.ts'
import { Persistence, type FaultBench, type FaultCheck, type FaultHarness, type Faulty, type OpenUnderFaults } from '../faults/fault-harness.ts'
import type { Passage } from '../faults/fault.ts'
import { recoverAll } from '../wal.ts'
import { Journal } from './journal.ts'

export type WalFaultHarness = FaultHarness<Wal, WalCapabilities, [writer: WalWriter]>
export type WalFaultCheck = FaultCheck<Wal, [writer: WalWriter]>
export type WalBench = FaultBench<Wal, [writer: WalWriter]>

export const writes = ({ action }: Passage): boolean => action === 'write'

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
      const opened = await this.#bench.open(given, crashWriter(++this.#epoch))
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
