import assert from 'node:assert/strict'
import { crc32c } from '@streambed/sdk'
import { decodeBatchHeader, encodeBatchHeader, layOut, splitChunks, viewOf } from '@streambed/sdk/batch-log'
import { decodeEpochSlot, decodeRingSlot, encodeEpochSlot, encodeRingSlot, slotBytes } from '../src/slots.ts'
import { simulated } from './support.ts'

const salt = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
const large = 2 ** 52 + 4096

function hex (bytes: Uint8Array): string { return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex') }

describe('format 3', () => {
  it('has this epoch slot: an identity before the CRC, and areas in a folder too', () => {
    const state = { sequence: 5, id: '00112233445566778899', clusterId: 'c', nodeId: 3, writerEpoch: 9, areaCount: 1, rings: [{ ringId: 9, base: 8192, size: 65536, area: 0, frozen: undefined }] }
    const bytes = encodeEpochSlot(state, crc32c)
    assert.equal(hex(bytes.subarray(0, 16)), '53425745504f4348' + '0300' + '0100' + '03000000') // magic, version, rings, node
    assert.equal(hex(bytes.subarray(488, 508)), '0000000000000000' + '01' + '00' + '00112233445566778899') // areas, count of areas, identity
    assert.deepEqual(decodeEpochSlot(bytes, crc32c, 'a'), { kind: 'state', version: 3, state })
  })
})

describe('format 2', () => {
  it('has this epoch slot on a device: the areas of its rings follow them', () => {
    const state = { sequence: 5, id: undefined, clusterId: 'c', nodeId: 3, writerEpoch: 9, areaCount: 2, rings: [{ ringId: 7, base: 0, size: 65536, area: 1, frozen: { start: 4096, end: 8192 } }, { ringId: 9, base: 8192, size: 65536, area: 0, frozen: undefined }] }
    const bytes = encodeEpochSlot(state, crc32c)
    assert.equal(hex(bytes.subarray(0, 16)), '53425745504f4348' + '0200' + '0200' + '03000000') // magic, version, rings, node
    assert.equal(hex(bytes.subarray(488, 508)), '0100000000000000' + '02' + '00'.repeat(11)) // area of each ring, count of areas
    assert.deepEqual(decodeEpochSlot(bytes, crc32c, 'a'), { kind: 'state', version: 2, state })
  })
})

describe('format 3', () => {
  it('has this batch header', () => {
    const header = { position: large, writerEpoch: 2, trimmed: -1, recordCount: 3, payloadBytes: 258, bodyCrc: 0xfedcba98 }
    const bytes = new Uint8Array(64)
    const stamp = encodeBatchHeader(header, salt, bytes, viewOf(bytes), crc32c)
    assert.equal(hex(bytes.subarray(0, 60)), '53425742' + '0200' + '4000' + '0102030405060708' + '0010000000001000' + '0200000000000000' + '0000000000000000' +
      '03000000' + '02010000' + '98badcfe' + '0000000000000000')
    assert.equal(viewOf(bytes).getUint32(60, true), stamp)
    assert.deepEqual(decodeBatchHeader(bytes, viewOf(bytes), 0, salt, crc32c), { version: 2, stamp, ...header })
    for (let bit = 0; bit < 512; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(decodeBatchHeader(flipped, viewOf(flipped), 0, salt, crc32c), undefined, `bit ${bit}`)
    }
  })

  it('has these sectors: 508 bytes of the batch, then its stamp', () => {
    const target = new Uint8Array(1536).fill(0xee)
    layOut([new Uint8Array(500).fill(1), new Uint8Array(10).fill(2)], 0x0a0b0c0d, target)
    assert.equal(hex(target.subarray(498, 516)), '0101' + '02'.repeat(8) + '0d0c0b0a' + '0202' + '0000')
    assert.equal(hex(target.subarray(1016, 1028)), '00000000' + '0d0c0b0a' + '00000000')
    assert.equal(hex(target.subarray(1024)), '00'.repeat(512))
  })
})

describe('format 1', () => {
  it('has this epoch slot', () => {
    const state = { sequence: 5, id: undefined, clusterId: 'cé', nodeId: 3, writerEpoch: 9, areaCount: 1, rings: [{ ringId: 7, base: 0, size: 65536, area: 0, frozen: { start: 4096, end: 8192 } }, { ringId: 9, base: 8192, size: large, area: 0, frozen: undefined }] }
    const bytes = encodeEpochSlot(state, crc32c)
    assert.equal(hex(bytes.subarray(0, 40)), '53425745504f4348' + // magic
      '0100' + '0200' + '03000000' + // version, rings, node
      '0500000000000000' + '0900000000000000' + // sequence, writer epoch
      '0300' + '63c3a9' + '000000') // cluster id
    assert.equal(hex(bytes.subarray(168, 248)), '0700000000000000' + '0000000000000000' + '0000010000000000' + '0010000000000000' + '0020000000000000' +
      '0900000000000000' + '0020000000000000' + '0010000000001000' + '0000000000002000' + '0000000000002000')
    assert.equal(viewOf(bytes).getUint32(508, true), crc32c(bytes.subarray(0, 508)))
    assert.deepEqual(decodeEpochSlot(bytes, crc32c, 'a'), { kind: 'state', version: 1, state })
  })

  it('has this ring slot', () => {
    const state = { sequence: 6, clusterId: 'c', nodeId: 3, ringId: 9, salt, base: 4096, size: 65536, scanStart: large, trimmed: 99, confirmedEnd: large }
    const bytes = encodeRingSlot(state, crc32c)
    assert.equal(hex(bytes.subarray(0, 84)), '53425752494e4731' + '0300' + '0000' + '03000000' + '0600000000000000' + '0102030405060708' +
      '0010000000000000' + '0000010000000000' + '0010000000001000' + '6400000000000000' + '0010000000001000' + // base, size, scan start, trimmed + 1, confirmed end
      '0900000000000000' + '0100' + '63' + '00') // ring id, cluster id
    assert.deepEqual(decodeRingSlot(bytes, crc32c, 'a'), { kind: 'state', version: 3, state })
  })

  it('has this batch header, and is read for ever', () => {
    const header = { position: large, writerEpoch: 2, trimmed: -1, recordCount: 3, payloadBytes: 258, bodyCrc: 0xfedcba98 }
    const bytes = Buffer.from('53425742' + '0100' + '4000' + '0102030405060708' + '0010000000001000' + '0200000000000000' + '0000000000000000' +
      '03000000' + '02010000' + '98badcfe' + '0000000000000000' + '00000000', 'hex')
    const stamp = crc32c(bytes.subarray(0, 60))
    bytes.writeUInt32LE(stamp, 60)
    assert.deepEqual(decodeBatchHeader(bytes, viewOf(bytes), 0, salt, crc32c), { version: 1, stamp, ...header })
  })

  it('takes no random or damaged bytes for a slot', () => {
    const { random } = simulated()
    for (let round = 0; round < 500; round++) {
      const bytes = random.bytes(slotBytes)
      if (round % 2 === 0) bytes.set(new TextEncoder().encode('SBWEPOCH'))
      assert.deepEqual(decodeEpochSlot(bytes, crc32c, 'a'), { kind: 'damaged' })
      assert.deepEqual(decodeRingSlot(bytes, crc32c, 'a'), { kind: 'damaged' })
    }
    assert.deepEqual(decodeEpochSlot(new Uint8Array(slotBytes), crc32c, 'a'), { kind: 'empty' })
  })

  it('splits chunks at any byte', () => {
    const chunks = [salt.subarray(0, 3), salt.subarray(3, 3), salt.subarray(3)]
    for (let at = 0; at <= 8; at++) {
      const [first, rest] = splitChunks(chunks, at)
      assert.equal(hex(Buffer.concat(first)), hex(salt.subarray(0, at)))
      assert.equal(hex(Buffer.concat(rest)), hex(salt.subarray(at)))
    }
  })
})
