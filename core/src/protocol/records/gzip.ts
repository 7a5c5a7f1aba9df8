import { crc32, inflateRawSync } from 'node:zlib'
import { asBuffer } from '../primitives/buffer-view.ts'
import { corrupt } from '../protocol-error.ts'
import type { Decompressed } from './decompressed.ts'
import { inflate } from './inflate.ts'

const headerSize = 10
const trailerSize = 8
const deflateMethod = 8
const headerCrcFlag = 0x02
const extraFlag = 0x04
const nameFlag = 0x08
const commentFlag = 0x10
const reservedFlags = 0xe0

/**
 * Decompresses gzip members, one after another (RFC 1952). Plain is one alone: librdkafka reads no second, and Java passes over what is
 * behind, as is done here with what does not begin like a member.
 */
export function decompressGzip (bytes: Uint8Array, sizeMax: number): Decompressed {
  const input = asBuffer(bytes)
  const parts: Buffer[] = []
  let left = sizeMax
  let at = 0
  do {
    const bodyAt = memberBody(input, at)
    const { bytes: part, taken } = inflate(inflateRawSync, input.subarray(bodyAt), left)
    const trailerAt = bodyAt + taken
    if (input.length - trailerAt < trailerSize) throw corrupt(`gzip member is cut off. size=${input.length}`)
    if (input.readUInt32LE(trailerAt) !== crc32(part)) throw corrupt(`gzip member fails its checksum. at=${at}`)
    if (input.readUInt32LE(trailerAt + 4) !== part.length) throw corrupt(`gzip member has another size than it says. at=${at} size=${part.length}`)
    parts.push(part)
    left -= part.length
    at = trailerAt + trailerSize
  } while (isMember(input, at))
  return { bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts), isPlain: parts.length === 1 && at === input.length }
}

function isMember (input: Buffer, at: number): boolean { return input[at] === 0x1f && input[at + 1] === 0x8b }

/** Where the deflated bytes of the member at `at` begin. */
function memberBody (input: Buffer, at: number): number {
  if (!isMember(input, at) || input.length - at < headerSize) throw corrupt(`no gzip member. at=${at} size=${input.length}`)
  const flags = input[at + 3]!
  if (input[at + 2] !== deflateMethod || (flags & reservedFlags) !== 0) throw corrupt(`gzip member of an unknown kind. at=${at} method=${input[at + 2]} flags=${flags}`)
  let position = at + headerSize
  if ((flags & extraFlag) !== 0) position += 2 + (position + 2 > input.length ? 0 : input.readUInt16LE(position))
  if ((flags & nameFlag) !== 0) position = behindText(input, position)
  if ((flags & commentFlag) !== 0) position = behindText(input, position)
  if ((flags & headerCrcFlag) !== 0) {
    if (position + 2 > input.length || input.readUInt16LE(position) !== (crc32(input.subarray(at, position)) & 0xffff)) throw corrupt(`gzip header fails its checksum. at=${at}`)
    position += 2
  }
  if (position > input.length) throw corrupt(`gzip header is cut off. size=${input.length}`)
  return position
}

/** Where the text that begins at `at` and ends with a zero byte is over. */
function behindText (input: Buffer, at: number): number {
  const end = input.indexOf(0, at)
  if (end < 0) throw corrupt(`gzip header is cut off. size=${input.length}`)
  return end + 1
}
