import assert from 'node:assert/strict'

const valueBytes = 3_000

/** The value of the record of that number: it names its place, all along. */
export function valueOf (partition: number, number: number): string {
  const name = `${partition}/${number};`
  return name.repeat(Math.ceil(valueBytes / name.length)).slice(0, valueBytes)
}

/** What was written to one partition by one writer, who numbers its records in the order of its attempts. */
export class Ledger {
  readonly #partition: number
  /** Numbers by offset, of what was acknowledged and not deleted since. */
  readonly #acknowledged = new Map<number, number>()
  /** Offsets below it are deleted. */
  start = 0
  next = 0
  count = 0

  constructor (partition: number) { this.#partition = partition }

  acknowledge (offset: number, number: number): void {
    assert.ok(!this.#acknowledged.has(offset), `partition ${this.#partition}: offset ${offset} was acknowledged twice`)
    this.#acknowledged.set(offset, number)
    this.count++
  }

  /** Holds one reading of the partition against what was acknowledged before it began: bytes, order, and nothing twice. */
  scan (): Scan { return new Scan(this.#partition, this.start, new Map(this.#acknowledged)) }

  deleteBefore (offset: number): void {
    this.start = offset
    for (const each of this.#acknowledged.keys()) if (each < offset) this.#acknowledged.delete(each)
  }
}

export class Scan {
  readonly #partition: number
  readonly #missing: Map<number, number>
  #lastNumber = -1
  offset: number

  constructor (partition: number, from: number, acknowledged: Map<number, number>) {
    this.#partition = partition
    this.#missing = acknowledged
    this.offset = from
  }

  found (offset: number, value: string): void {
    const where = `partition ${this.#partition} offset ${offset}`
    assert.equal(offset, this.offset, `${where}: offsets have a gap, or one is there twice`)
    const number = Number(/^\d+\/(\d+);/.exec(value)?.[1])
    assert.ok(value === valueOf(this.#partition, number), `${where}: other bytes than were written: ${value.slice(0, 40)}`)
    assert.ok(number > this.#lastNumber, `${where}: record ${number} behind ${this.#lastNumber}`)
    const acknowledged = this.#missing.get(offset)
    assert.ok(acknowledged === undefined || acknowledged === number, `${where}: record ${number}, acknowledged was ${acknowledged}`)
    this.#missing.delete(offset)
    this.#lastNumber = number
    this.offset = offset + 1
  }

  /** All was read that was there. */
  end (): void { assert.deepEqual([...this.#missing.keys()], [], `partition ${this.#partition}: acknowledged records are lost`) }
}
