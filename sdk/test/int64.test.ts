import assert from 'node:assert/strict'
import fc from 'fast-check'
import { clampInt64, highOf, int64Max, int64Min, int64Of, lowOf, readInt64, readSafeInt64, toInt64, writeInt64 } from '../src/index.ts'
import { readUint64, writeUint64 } from '../src/int64.ts'

const any = fc.oneof(fc.bigInt({ min: int64Min, max: int64Max }), fc.maxSafeInteger().map(BigInt), fc.constantFrom(0n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n, 1n - 2n ** 53n, int64Max, int64Min))

describe('int64', () => {
  const buffer = Buffer.alloc(16)
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)

  it('comes back as the one form of its value, in the bytes that Node writes', () => {
    fc.assert(fc.property(any, fc.nat(8), (value, at) => {
      const given = toInt64(value)
      assert.equal(typeof given === 'number', value > -(2n ** 53n) && value < 2n ** 53n)
      writeInt64(view, at, given)
      assert.equal(buffer.readBigInt64BE(at), value)
      assert.equal(readInt64(view, at), given)
      assert.equal(int64Of(highOf(given), lowOf(given)), given)
    }), { numRuns: 2_000 })
  })

  it('keeps the order, with and without clamping', () => {
    fc.assert(fc.property(any, any, (left, right) => {
      assert.equal(toInt64(left) < toInt64(right), left < right)
      if (left < right) assert.ok(clampInt64(toInt64(left)) <= clampInt64(toInt64(right)))
    }), { numRuns: 2_000 })
  })

  it('is refused where it is none', () => {
    for (const value of [1.5, Number.NaN, 2 ** 53, -(2 ** 53), int64Max + 1n, int64Min - 1n]) assert.throws(() => { writeInt64(view, 0, value) }, RangeError)
  })

  it('is NaN to those who never write a larger one', () => {
    fc.assert(fc.property(any, value => {
      buffer.writeBigInt64BE(value)
      const given = toInt64(value)
      assert.equal(readSafeInt64(view, 0), typeof given === 'number' ? given : Number.NaN)
    }))
  })

  it('little-endian and unsigned, up to 2^53', () => {
    fc.assert(fc.property(fc.oneof(fc.maxSafeInteger().map(Math.abs), fc.constantFrom(0, 2 ** 53)), value => {
      writeUint64(view, 0, value)
      assert.equal(buffer.readBigUInt64LE(0), BigInt(value))
      assert.equal(readUint64(view, 0), value)
    }))
  })
})
