import { StreambedError, type Wal, type WalRecord } from '@streambed/sdk'
import assert from 'node:assert/strict'
import { sameBytes } from '../assertions.ts'
import { crashBody, writeOf } from '../certify/crash-order.ts'

/** After these, nothing that was appended later may be confirmed (W-3) before the log is opened again. */
const finalCodes = ['UNAVAILABLE', 'OUTCOME_UNKNOWN', 'FENCED', 'CORRUPT', 'PERMISSION_DENIED'] as const

interface Entry { readonly number: number, outcome: 'pending' | 'confirmed' | 'refused' | 'failed', position: number }

/** What was appended to a log, by whom, and what became of it; says what the log must hold (W-1 to W-4). */
export class Journal {
  readonly #sessions: Entry[][] = []
  #next = 0
  #trimmedBefore = 0

  /** A new opening of the log appends from now on. */
  begin (): void { this.#sessions.push([]) }

  /** Records confirmed in all. */
  get confirmed (): number { return this.#sessions.flat().filter(({ outcome }) => outcome === 'confirmed').length }
  get pending (): number { return this.#sessions.flat().filter(({ outcome }) => outcome === 'pending').length }

  /** Appends the next record. Resolves, once it is settled, with the error if it failed. Rejects when the log breaks its word. */
  async append (wal: Wal): Promise<StreambedError | undefined> {
    const session = this.#sessions.at(-1)!
    const entry: Entry = { number: this.#next++, outcome: 'pending', position: -1 }
    session.push(entry)
    try {
      entry.position = await wal.append([crashBody(entry.number)])
      entry.outcome = 'confirmed'
    } catch (error) {
      if (!StreambedError.is(error)) throw error
      entry.outcome = StreambedError.is(error, ...finalCodes) ? 'failed' : 'refused'
      return error
    }
    for (const earlier of session) {
      if (earlier === entry) break
      assert.notEqual(earlier.outcome, 'pending', `record ${entry.number} was confirmed before record ${earlier.number}, which was appended first (W-1)`)
      assert.notEqual(earlier.outcome, 'failed', `record ${entry.number} was confirmed, though record ${earlier.number} before it had failed for good (W-3)`)
      if (earlier.outcome === 'confirmed') assert.ok(earlier.position < entry.position, `position ${entry.position} of record ${entry.number} is not past ${earlier.position} (W-2)`)
    }
    return undefined
  }

  /** Holds what was recovered against what was confirmed. Numbers of the records recovered, in order. */
  check (records: readonly WalRecord[]): number[] {
    const found = records.map(({ data }) => {
      assert.ok(data.length >= 4, `a record of ${data.length} bytes that nobody appended`)
      return writeOf(data)
    })
    for (const [index, { data }] of records.entries()) sameBytes(data, crashBody(found[index]!), `record ${found[index]}`)
    for (let index = 1; index < found.length; index++) assert.ok(found[index]! > found[index - 1]!, `record ${found[index]} is recovered after record ${found[index - 1]}: out of order, or twice`)
    const there = new Set(found)
    for (const session of this.#sessions) {
      let hole: number | undefined
      for (const { number, outcome } of session) {
        if (number < this.#trimmedBefore || outcome === 'refused') continue
        if (there.has(number)) assert.equal(hole, undefined, `record ${number} is recovered, though record ${hole} before it is not: a hole`)
        else {
          assert.notEqual(outcome, 'confirmed', `record ${number} was confirmed and is gone`)
          hole ??= number
        }
      }
    }
    assert.ok(found.every(number => number < this.#next), 'a record that nobody appended')
    return found
  }

  /** Records before `number` were trimmed: they may be gone. */
  trimmed (number: number): void { this.#trimmedBefore = Math.max(this.#trimmedBefore, number) }
}
