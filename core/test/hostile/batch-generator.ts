import { constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils'
import type { SeededRandom } from '@streambed/sdk/testing'
import { Compression, batchHeaderSize, computeCrc } from '../../src/protocol/records/batch-header.ts'
import { compress } from '../../src/protocol/records/compression.ts'
import { encodeBatch, type RecordInput } from '../../src/protocol/records/encode-batch.ts'
import { xxh32 } from '../../src/protocol/records/xxh32.ts'

const nowMs = Date.UTC(2026, 0, 1)
const nasty32 = [0, 1, -1, 2, 0x7fff_ffff, -0x8000_0000, 0x0100_0000, 1_000]
const nasty64 = [0n, -1n, 1n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), BigInt(nowMs), BigInt(nowMs) * 1_000_000n]
const nastyVarints = [Buffer.from([0x80]), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f]), Buffer.from([0x80, 0x80, 0]), Buffer.from([1]), Buffer.from([3]), Buffer.alloc(10, 0xff), Buffer.alloc(11, 0x80)]

/** Header fields, by place and size in bytes, that a liar changes; the CRC is mended afterwards, mostly. */
const fields = [[0, 8], [8, 4], [12, 4], [16, 1], [21, 2], [23, 4], [27, 8], [35, 8], [43, 8], [51, 2], [53, 4], [57, 4]] as const

/**
 * One batch as a hostile or broken producer sends it, made from a right one: what is wrong may be in the records, around the
 * compressed bytes, within them, or in the header. Some have nothing wrong, or something that readers bear.
 */
export function hostileBatch (random: SeededRandom): Buffer {
  const codec = random.below(20) === 0 ? random.below(8) : random.below(5)
  const records = Array.from({ length: 1 + random.below(random.below(8) === 0 ? 60 : 5) }, () => someRecord(random))
  const right = encodeBatch(records, { timestamp: nowMs })
  let plain: Buffer = right.subarray(batchHeaderSize)
  if (random.below(3) === 0) plain = withLies(plain, random)
  let body = packed(plain, codec, random)
  if (random.below(4) === 0) body = mutated(body, random)
  const batch = Buffer.concat([right.subarray(0, batchHeaderSize), body])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeUInt16BE(codec | (random.below(40) === 0 ? 1 << random.below(16) : 0), 21)
  if (random.below(5) === 0) lieInHeader(batch, random)
  if (random.below(50) > 0) mendCrc(batch)
  return random.below(60) === 0 ? batch.subarray(0, random.below(batch.length + 1)) : batch
}

function someRecord (random: SeededRandom): RecordInput {
  const bytes = (): Buffer | null => {
    const kind = random.below(6)
    if (kind === 0) return null
    if (kind === 1) return Buffer.from(random.bytes(random.below(40)))
    return Buffer.alloc(random.below(kind === 2 ? 2_000 : 60), `some text ${random.below(100)} `)
  }
  return {
    key: bytes(),
    value: bytes(),
    headers: Array.from({ length: random.below(3) }, () => ({ key: `h${random.below(10)}`, value: bytes() })),
    timestamp: nowMs + (random.below(10) === 0 ? random.below(2 ** 40) - 2 ** 39 : random.below(1_000))
  }
}

/** Records with something wrong at one or two places: a byte, a varint, a piece missing, twice, or too much. */
function withLies (plain: Buffer, random: SeededRandom): Buffer {
  let out = plain
  for (let count = 1 + random.below(2); count > 0; count--) {
    const at = random.below(out.length + 1)
    const to = Math.min(out.length, at + random.below(12))
    const kind = random.below(6)
    if (kind === 0) out = Buffer.concat([out.subarray(0, at), nastyVarints[random.below(nastyVarints.length)]!, out.subarray(Math.min(out.length, at + random.below(2)))])
    else if (kind === 1) out = Buffer.concat([out.subarray(0, at), out.subarray(to)])
    else if (kind === 2) out = Buffer.concat([out.subarray(0, to), out.subarray(at)])
    else if (kind === 3) out = Buffer.concat([out, random.bytes(1 + random.below(8))])
    else out = mutated(out, random)
  }
  return out
}

function mutated (bytes: Buffer, random: SeededRandom): Buffer {
  if (bytes.length === 0) return bytes
  const out = Buffer.from(bytes)
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(out.length)
    const kind = random.below(4)
    if (kind === 0) out[at] = random.below(256)
    else if (kind === 1) out[at] = out[at]! ^ 1 << random.below(8)
    else if (at + 4 > out.length) out[at] = 0xff
    else if (kind === 2) out.writeInt32LE(nasty32[random.below(nasty32.length)]!, at)
    else out.writeInt32BE(nasty32[random.below(nasty32.length)]!, at)
  }
  const kind = random.below(12)
  if (kind === 0) return out.subarray(0, random.below(out.length))
  if (kind === 1) return Buffer.concat([out, random.bytes(1 + random.below(12))])
  return out
}

/** Compressed in one of the ways that the codec's format allows, or nearly allows. */
function packed (plain: Buffer, codec: number, random: SeededRandom): Buffer {
  const cut = random.below(plain.length + 1)
  const kind = random.below(6)
  switch (codec) {
    case Compression.Gzip:
      if (kind === 0) return Buffer.concat([gzipSync(plain.subarray(0, cut)), gzipSync(plain.subarray(cut))])
      if (kind === 1) return Buffer.concat([gzipSync(plain), random.bytes(random.below(20))])
      if (kind === 2) return namedGzip(plain, random.below(32))
      return gzipSync(plain, { level: random.below(10) })
    case Compression.Snappy:
      if (kind < 3) return snappyCompress(plain)
      return Buffer.from(compress(codec, plain))
    case Compression.Lz4: {
      const frame = Buffer.from(lz4Compress(plain))
      return kind < 2 && frame.length > 7 ? flagged(frame, plain, random) : frame
    }
    case Compression.Zstd:
      if (kind === 0) return Buffer.concat([zstdCompressSync(plain.subarray(0, cut)), zstdCompressSync(plain.subarray(cut))])
      if (kind === 1) return Buffer.concat([Buffer.from('502a4d1802000000ffff', 'hex'), zstdCompressSync(plain)])
      return zstdCompressSync(plain, { params: { [constants.ZSTD_c_checksumFlag]: random.below(2), [constants.ZSTD_c_windowLog]: 10 + random.below(12) } })
    default: return Buffer.from(plain)
  }
}

/** A gzip member with fields of its header that nobody uses. */
function namedGzip (plain: Buffer, flags: number): Buffer {
  const plainMember = gzipSync(plain)
  const parts = [Buffer.from([0x1f, 0x8b, 8, flags & 0x1c, 0, 0, 0, 0, 0, 3])]
  if ((flags & 4) !== 0) parts.push(Buffer.from([3, 0, 1, 2, 3]))
  if ((flags & 8) !== 0) parts.push(Buffer.from('name\0'))
  if ((flags & 16) !== 0) parts.push(Buffer.from('comment\0'))
  return Buffer.concat([...parts, deflateRawSync(plain), plainMember.subarray(-8)])
}

/** The lz4 frame with other flags, and what they call for: sometimes right. */
function flagged (frame: Buffer, plain: Buffer, random: SeededRandom): Buffer {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(xxh32(plain, 0, plain.length))
  const hasChecksum = random.below(2) === 0
  const hasSize = random.below(2) === 0
  const size = Buffer.alloc(8)
  size.writeUInt32LE(random.below(4) === 0 ? plain.length + 1 : plain.length)
  frame[4] = frame[4]! & ~(random.below(6) === 0 ? 0x20 : 0) | (hasChecksum ? 0x04 : 0) | (hasSize ? 0x08 : 0)
  const header = Buffer.concat([frame.subarray(0, 6), hasSize ? size : Buffer.alloc(0), Buffer.alloc(1)])
  header[header.length - 1] = xxh32(header, 4, header.length - 1) >>> 8
  return Buffer.concat([header, frame.subarray(7), hasChecksum ? checksum : Buffer.alloc(0)])
}

function lieInHeader (batch: Buffer, random: SeededRandom): void {
  const [at, size] = fields[random.below(fields.length)]!
  if (size === 8) batch.writeBigInt64BE(nasty64[random.below(nasty64.length)]!, at)
  else if (size === 4) batch.writeInt32BE(random.below(2) === 0 ? nasty32[random.below(nasty32.length)]! : batch.readInt32BE(at) + random.below(3) - 1 | 0, at)
  else for (let i = 0; i < size; i++) batch[at + i] = random.below(256)
}

function mendCrc (batch: Buffer): void {
  const size = batch.readInt32BE(8) + 12
  if (size >= batchHeaderSize && size <= batch.length) batch.writeUInt32BE(computeCrc(batch), 17)
}
