import { crc32, gunzipSync, inflateRawSync, zstdDecompressSync } from 'node:zlib'
import assert from 'node:assert/strict'

/**
 * Reads a stored batch as the narrowest of other people's consumers would: slowly, by the formats' descriptions, and with nothing of the
 * broker's own. It fails where one of them stops: librdkafka reads one gzip member, Java only lz4 blocks that stand alone, and so on.
 * Gives the number of records.
 */
export function consume (batch: Buffer): number {
  assert.equal(batch.readInt32BE(8) + 12, batch.length, 'the batch is whole')
  assert.equal(batch[16], 2, 'magic')
  assert.equal(batch.readUInt32BE(17), crc32cSlow(batch.subarray(21)), 'CRC')
  const attributes = batch.readInt16BE(21)
  const count = batch.readInt32BE(57)
  assert.equal(attributes & ~0x0f, 0, 'no control batch, transaction or unknown attribute')
  assert.ok(count > 0 && batch.readInt32BE(23) === count - 1, 'count and last offset agree')
  const records = open(batch.subarray(61), attributes & 7)
  const reader = new SlowReader(records)
  for (let index = 0; index < count; index++) {
    const size = Number(reader.varint(5))
    assert.ok(size >= 0 && reader.at + size <= records.length, 'a record lies within the batch')
    const end = reader.at + size
    reader.skip(1)
    reader.varint(10)
    assert.equal(Number(reader.varint(5)), index, 'offset deltas are dense')
    reader.field(true)
    reader.field(true)
    const headers = Number(reader.varint(5))
    assert.ok(headers >= 0, 'header count')
    for (let header = 0; header < headers; header++) {
      reader.field(false)
      reader.field(true)
    }
    assert.equal(reader.at, end, 'a record is as long as it says')
  }
  assert.equal(reader.at, records.length, 'nothing is left')
  return count
}

class SlowReader {
  readonly bytes: Buffer
  at = 0
  constructor (bytes: Buffer) { this.bytes = bytes }

  skip (size: number): void {
    this.at += size
    assert.ok(this.at <= this.bytes.length, 'the bytes go on')
  }

  varint (bytesMax: number): bigint {
    let raw = 0n
    for (let count = 0; ; count++) {
      assert.ok(count < bytesMax && this.at < this.bytes.length, 'a varint ends')
      const byte = this.bytes[this.at++]!
      raw |= BigInt(byte & 0x7f) << BigInt(7 * count)
      if (byte < 0x80) break
    }
    assert.ok(raw < 2n ** (bytesMax === 5 ? 32n : 64n), 'a varint fits')
    return raw >> 1n ^ -(raw & 1n)
  }

  field (isNullable: boolean): void {
    const size = Number(this.varint(5))
    assert.ok(size >= (isNullable ? -1 : 0), 'a length')
    this.skip(Math.max(0, size))
  }
}

function open (body: Buffer, codec: number): Buffer {
  switch (codec) {
    case 0: return body
    case 1: return openGzip(body)
    case 2: return openSnappy(body)
    case 3: return openLz4(body)
    case 4: return openZstd(body)
    default: throw new assert.AssertionError({ message: `no such codec ${codec}` })
  }
}

/** By librdkafka, what the first member holds is all; by Java, all members are: they must agree. */
function openGzip (body: Buffer): Buffer {
  const all = gunzipSync(body)
  // The broker's own framing, and every producer's, has no optional fields; with some, the raw stream begins later.
  if (body[3] === 0) assert.ok(inflateRawSync(body.subarray(10)).equals(all), 'the first gzip member is the only one')
  assert.equal(body.readUInt32LE(body.length - 4), all.length, 'the gzip trailer ends the bytes')
  assert.equal(body.readUInt32LE(body.length - 8), crc32(all), 'the gzip trailer is right')
  return all
}

function openZstd (body: Buffer): Buffer {
  assert.equal(body.readUInt32LE(0), 0xfd2fb528, 'zstd magic')
  // Node stops after the first frame, as a consumer that sizes its memory by it does.
  return zstdDecompressSync(body)
}

function openSnappy (body: Buffer): Buffer {
  if (!body.subarray(0, 8).equals(Buffer.from('82534e4150505900', 'hex'))) return snappyBlock(body)
  assert.ok(body.readInt32BE(8) >= 1, 'xerial version')
  const parts: Buffer[] = []
  for (let at = 16; at < body.length;) {
    const size = body.readInt32BE(at)
    assert.ok(size > 0 && at + 4 + size <= body.length, 'a xerial block fits')
    parts.push(snappyBlock(body.subarray(at + 4, at + 4 + size)))
    at += 4 + size
  }
  return Buffer.concat(parts)
}

function snappyBlock (block: Buffer): Buffer {
  let at = 0
  let size = 0
  for (let shift = 0; ; shift += 7) {
    const byte = block[at++]!
    size += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  const out: number[] = []
  while (at < block.length) {
    const tag = block[at++]!
    if ((tag & 3) === 0) {
      let length = tag >> 2
      if (length >= 60) {
        const width = length - 59
        length = block.readUIntLE(at, width)
        at += width
      }
      assert.ok(at + length + 1 <= block.length, 'a literal fits')
      for (let i = 0; i <= length; i++) out.push(block[at++]!)
      continue
    }
    const width = (tag & 3) === 3 ? 4 : tag & 3
    const distance = (tag & 3) === 1 ? tag >> 5 << 8 | block[at]! : block.readUIntLE(at, width)
    const length = (tag & 3) === 1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1
    at += width
    assert.ok(distance > 0 && distance <= out.length, 'a copy lies within what there is')
    for (let i = 0; i < length; i++) out.push(out[out.length - distance]!)
  }
  assert.equal(out.length, size, 'a snappy block is as long as it says')
  return Buffer.from(out)
}

function openLz4 (body: Buffer): Buffer {
  assert.equal(body.readUInt32LE(0), 0x184d2204, 'lz4 magic')
  const flags = body[4]!
  assert.equal(flags & 0xe3, 0x60, 'lz4 version 1, independent blocks, nothing reserved')
  assert.equal(flags & 0x04, 0, 'no checksum of the content')
  const blockSizeMax = 1 << 8 + 2 * (body[5]! >> 4 & 7)
  let at = (flags & 0x08) === 0 ? 7 : 15
  const out: number[] = []
  for (;;) {
    const word = body.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const size = word & 0x7fff_ffff
    const end = at + size
    const start = out.length
    assert.ok(size <= blockSizeMax && end <= body.length, 'an lz4 block fits')
    if (word >>> 31 === 1) while (at < end) out.push(body[at++]!)
    else lz4Block(body, at, end, out)
    assert.ok(out.length - start <= blockSizeMax, 'an lz4 block is no larger than its frame allows')
    at = end + ((flags & 0x10) === 0 ? 0 : 4)
  }
  assert.equal(at, body.length, 'the lz4 frame ends the bytes')
  if ((flags & 0x08) !== 0) assert.equal(Number(body.readBigUInt64LE(6)), out.length, 'the lz4 frame is as long as it says')
  return Buffer.from(out)
}

function lz4Block (body: Buffer, start: number, end: number, out: number[]): void {
  const before = out.length
  let at = start
  const length = (nibble: number): number => {
    let total = nibble
    for (let byte = nibble === 15 ? 255 : 0; byte === 255;) {
      byte = body[at++]!
      total += byte
    }
    return total
  }
  for (;;) {
    const token = body[at++]!
    const literals = length(token >> 4)
    assert.ok(at + literals <= end, 'lz4 literals fit')
    for (let i = 0; i < literals; i++) out.push(body[at++]!)
    if (at === end) return
    // The reference decoder's rule for the end of a block.
    assert.ok(end - at >= 8, 'an lz4 block ends in literals')
    const distance = body.readUInt16LE(at)
    at += 2
    assert.ok(distance > 0 && distance <= out.length - before, 'an lz4 match lies within its block')
    for (let i = length(token & 15) + 4; i > 0; i--) out.push(out[out.length - distance]!)
  }
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? crc >>> 1 ^ 0x82f6_3b78 : crc >>> 1
  return crc
})

function crc32cSlow (bytes: Buffer): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) crc = crc >>> 8 ^ crcTable[(crc ^ byte) & 0xff]!
  return ~crc >>> 0
}
