import assert from 'node:assert/strict'
import { batchCrc, batches, decodeRecords, lastOffset, baseOffset } from '../../src/protocol/index.ts'

/** One batch that a broker acknowledged: record `index + i` of `producer` lies at `offset + i`. */
interface Acknowledged { readonly offset: number, readonly producer: string, readonly index: number, readonly count: number }

const decompressedBytesMax = 16 * 1024 * 1024

/** What brokers have promised about one partition: what they acknowledged, and what they let anybody read. */
export class PartitionLedger {
  readonly name: string
  readonly #acknowledged: Acknowledged[] = []
  /** CRC of each batch that a reader saw, by its first offset. */
  readonly #seen = new Map<number, { readonly crc: number, readonly end: number }>()
  #seenEnd = 0

  constructor (name: string) { this.name = name }

  get acknowledgedBatches (): number { return this.#acknowledged.length }
  /** All below was shown to some reader. */
  get seenEnd (): number { return this.#seenEnd }

  acknowledge (batch: Acknowledged): void { this.#acknowledged.push(batch) }

  /** Takes note of what a reader at `offset` was given; resolves to the offset that it goes on from. */
  see (records: Uint8Array, offset: number): number {
    for (const { at, size } of batches(records)) {
      const batch = records.subarray(at, at + size)
      const start = baseOffset(batch)
      assert.equal(start, offset, `${this.name}: offsets have a gap or repeat`)
      const found = { crc: batchCrc(batch), end: lastOffset(batch) + 1 }
      const before = this.#seen.get(start)
      assert.deepEqual(found, before ?? found, `${this.name}: the batch at ${start} has changed after it was read`)
      this.#seen.set(start, found)
      offset = found.end
    }
    this.#seenEnd = Math.max(this.#seenEnd, offset)
    return offset
  }

  /**
   * Judges the whole log, read after the last crash. `once`: producers whose records must be there at most once (idempotent ones).
   * Gives the count of records.
   */
  check (log: readonly Uint8Array[], once: ReadonlySet<string>): number {
    let offset = 0
    const records: string[] = []
    for (const piece of log) {
      offset = this.see(piece, offset)
      for (const { at, size } of batches(piece)) for (const { value } of decodeRecords(piece.subarray(at, at + size), decompressedBytesMax)) records.push(nameOf(value!))
    }
    assert.equal(records.length, offset, `${this.name}: offsets are not dense`)
    assert.ok(offset >= this.#seenEnd, `${this.name}: readers saw up to ${this.#seenEnd}, the log ends at ${offset}`)
    for (const { count, index, offset: at, producer } of this.#acknowledged) {
      for (let i = 0; i < count; i++) assert.equal(records[at + i], `${producer}:${index + i}`, `${this.name}: acknowledged record ${producer}:${index + i} is not at offset ${at + i}`)
    }
    this.#checkOrder(records, once)
    return records.length
  }

  /** A producer's records first appear in the order of sending; those of idempotent producers appear once. */
  #checkOrder (records: readonly string[], once: ReadonlySet<string>): void {
    const next = new Map<string, number>()
    for (const [offset, record] of records.entries()) {
      const [producer, text] = record.split(':') as [string, string]
      const index = Number(text)
      const expected = next.get(producer) ?? 0
      if (index === expected) next.set(producer, index + 1)
      else {
        assert.ok(index < expected, `${this.name}: ${record} at ${offset} comes before ${producer}:${expected}`)
        assert.ok(!once.has(producer), `${this.name}: ${record} at ${offset} is there twice`)
      }
    }
  }
}

/** A record's value: who made it, its number, and padding. */
export function valueOf (producer: string, index: number, size: number): Buffer {
  return Buffer.from(`${producer}:${index};`.padEnd(size, '.'))
}

function nameOf (value: Uint8Array): string {
  const text = Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, 40)).toString('latin1')
  return text.slice(0, text.indexOf(';'))
}
