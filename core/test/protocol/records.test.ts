import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import {
  Compression, ProtocolError, RecordCursor, batchRecords, batches, decodeRecords, encodeBatch, isCrcValid, recordCount, wholeBatches
} from '../../src/protocol/index.ts'
import type { RecordInput } from '../../src/protocol/index.ts'
import { VarintReader, writeZigZagVarint, writeZigZagVarlong, zigZagVarintSize, zigZagVarlongSize } from '../../src/protocol/records/varint.ts'

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 300 }))
const arbitraryRecord: fc.Arbitrary<Required<RecordInput>> = fc.record({
  key: bytesOrNull,
  value: bytesOrNull,
  headers: fc.array(fc.record({ key: fc.string(), value: bytesOrNull }), { maxLength: 3 }),
  timestamp: fc.nat(2 ** 31 - 1).map(ms => 1_700_000_000_000 + ms)
})

function plain (bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex')
}

describe('protocol records', () => {
  it('batches of any records and codec decode to what was encoded', () => {
    fc.assert(fc.property(fc.array(arbitraryRecord, { minLength: 1, maxLength: 20 }), fc.constantFrom(...Object.values(Compression)), fc.nat(2 ** 31 - 1),
      (records, compression, base) => {
        const batch = encodeBatch(records, { timestamp: 0, compression, baseOffset: base * 1024 })
        assert.ok(isCrcValid(batch))
        const decoded = decodeRecords(batch, 1_000_000)
        assert.deepEqual(decoded.map(record => record.offset), records.map((_, i) => base * 1024 + i))
        for (const [i, record] of records.entries()) {
          const got = decoded[i]!
          assert.equal(got.timestamp, record.timestamp)
          assert.equal(plain(got.key), plain(record.key))
          assert.equal(plain(got.value), plain(record.value))
          assert.deepEqual(got.headers.map(({ key, value }) => [key, plain(value)]), record.headers.map(({ key, value }) => [key, plain(value)]))
        }
      }), { numRuns: 300 })
  })

  it('varints and varlongs of every size come back', () => {
    const reader = new VarintReader()
    reader.bytes = new Uint8Array(10)
    fc.assert(fc.property(fc.oneof(fc.integer(), fc.constantFrom(0, -1, 63, 64, -64, -65, 0x7fff_ffff, -0x8000_0000)), value => {
      reader.end = writeZigZagVarint(reader.bytes, reader.position = 0, value)
      assert.equal(reader.end, zigZagVarintSize(value))
      assert.equal(reader.varint(), value)
    }), { numRuns: 5000 })
    fc.assert(fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(0, -1, 63, 64, -64, -65, 2 ** 53 - 1, 1 - 2 ** 53)), value => {
      reader.end = writeZigZagVarlong(reader.bytes, reader.position = 0, value)
      assert.equal(reader.end, zigZagVarlongSize(value))
      assert.equal(reader.varlong(), value)
    }), { numRuns: 5000 })
  })

  it('a varlong of Long.MAX_VALUE is exact, an eleventh byte is refused', () => {
    const reader = new VarintReader()
    reader.bytes = Buffer.from('feffffffffffffffff01', 'hex')
    reader.end = 10
    assert.equal(reader.varlong(), 2n ** 63n - 1n)
    reader.bytes = Buffer.from('ffffffffffffffffff0101', 'hex')
    reader.position = 0
    assert.equal(reader.varlong(), -(2n ** 63n))
    reader.bytes = Buffer.from('ffffffffffffffffffff01', 'hex')
    reader.position = 0
    reader.end = 11
    assert.throws(() => reader.varlong(), { code: 'CORRUPT' })
  })

  it('batches are found one after another, and a cut-off one is refused or left out', () => {
    const one = encodeBatch([{ value: Buffer.from('a') }], { timestamp: 0 })
    const two = encodeBatch([{ value: Buffer.from('b') }, { value: Buffer.from('c') }], { timestamp: 0 })
    const both = Buffer.concat([one, two])
    assert.deepEqual([...batches(both)], [{ at: 0, size: one.length }, { at: one.length, size: two.length }])
    for (let end = one.length + 1; end < both.length; end++) {
      const cut = both.subarray(0, end)
      assert.throws(() => [...batches(cut)], { code: 'CORRUPT' })
      assert.deepEqual([...wholeBatches(cut)], [{ at: 0, size: one.length }])
    }
  })

  const plainRecords = batchRecords(encodeBatch([
    { key: Buffer.from('k'), value: Buffer.from('v'), headers: [{ key: 'h', value: null }] }, { value: Buffer.from('w') }
  ], { timestamp: 0 }), 1000)
  const wrong: ReadonlyArray<readonly [string, (bytes: Buffer) => Buffer, number]> = [
    ['a count that is too high', bytes => bytes, 3],
    ['a count that is too low', bytes => bytes, 1],
    ['a count beyond the bytes', bytes => bytes, 0x7fff_ffff],
    ['a negative count', bytes => bytes, -1],
    ['bytes after the last record', bytes => Buffer.concat([bytes, Buffer.alloc(8)]), 2],
    ['a first offset delta that is not 0', bytes => { bytes[3] = 2; return bytes }, 2],
    ['an offset delta that comes twice', bytes => { bytes[bytes[0]! / 2 + 1 + 3] = 0; return bytes }, 2],
    ['a record length that is too short', bytes => { bytes[0] = bytes[0]! - 2; return bytes }, 2],
    ['a record length that is too long', bytes => { bytes[0] = bytes[0]! + 2; return bytes }, 2],
    ['a negative record length', bytes => { bytes[0] = 1; return bytes }, 2],
    ['a key longer than the record', bytes => { bytes[4] = 0x7e; return bytes }, 2],
    ['a key of size −2', bytes => { bytes[4] = 3; return bytes }, 2],
    ['more headers than there are', bytes => { bytes[8] = 4; return bytes }, 2],
    ['a null header key', bytes => { bytes[9] = 1; return bytes }, 2]
  ]
  for (const [name, change, count] of wrong) {
    it(`the cursor refuses ${name}`, () => {
      const cursor = new RecordCursor()
      assert.throws(() => {
        cursor.reset(change(Buffer.from(plainRecords)), count)
        while (cursor.next());
      }, (error: unknown) => error instanceof ProtocolError && error.code === 'CORRUPT')
    })
  }

  it('a cursor that allows gaps accepts growing offset deltas only', () => {
    const bytes = Buffer.from(plainRecords)
    const second = bytes[0]! / 2 + 1 + 3
    const cursor = new RecordCursor()
    const deltas = (): number[] => {
      const list: number[] = []
      cursor.reset(bytes, 2, false)
      while (cursor.next()) list.push(cursor.offsetDelta)
      return list
    }
    bytes[second] = 20
    assert.deepEqual(deltas(), [0, 10])
    bytes[second] = 0
    assert.throws(deltas, { code: 'CORRUPT' })
  })

  it('records of any bytes end, and fail with a ProtocolError only', () => {
    const cursor = new RecordCursor()
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: -2, max: 40 }), (bytes, count) => {
      let steps = 0
      try {
        cursor.reset(bytes, count)
        while (cursor.next()) steps++
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
      }
      assert.ok(steps <= 40)
    }), { numRuns: 20_000 })
  })

  it('changed batches of every codec fail with a ProtocolError only', () => {
    for (const compression of Object.values(Compression)) {
      const batch = encodeBatch(Array.from({ length: 50 }, (_, i) => ({ value: Buffer.from(`value ${i % 7}`) })), { timestamp: 5, compression })
      fc.assert(fc.property(fc.array(fc.tuple(fc.nat(batch.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), changes => {
        const changed = Buffer.from(batch)
        for (const [at, byte] of changes) changed[at] = byte
        try {
          assert.ok(decodeRecords(changed, 10_000).length <= recordCount(changed))
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error))
        }
      }), { numRuns: 1000 })
    }
  })
})
