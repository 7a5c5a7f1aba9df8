import { corrupt } from '../protocol-error.ts'
import { Reader } from '../primitives/reader.ts'
import { Writer } from '../primitives/writer.ts'
import type { Decoded, Encodable, Fields } from '../schema/fields.ts'
import type { Message } from '../schema/message.ts'
import { hasVersion } from '../schema/versions.ts'

const shared = new Writer(1024)

/** Encodes a message behind its version, an int16: the form of values in internal topics and of consumer protocols. */
export function encodeVersioned<F extends Fields> (message: Message<F>, version: number, value: Encodable<F>): Buffer {
  return encodePrefixed(version, message, version, value)
}

/** As `encodeVersioned` with another prefix: keys of internal topics begin with the type of the record. */
export function encodePrefixed<F extends Fields> (prefix: number, message: Message<F>, version: number, value: Encodable<F>): Buffer {
  shared.reset()
  shared.int16(prefix)
  message.encode(shared, version, value)
  return shared.finish()
}

/**
 * Decodes what `encodeVersioned` made, or a client. Versions above ours are read as our newest when `isForwardReadable`:
 * the consumer protocols promise that, internal records do not. Throws UNSUPPORTED or CORRUPT. Byte fields are views.
 */
export function decodeVersioned<F extends Fields> (message: Message<F>, bytes: Uint8Array, isForwardReadable = false): Decoded<F> {
  const reader = new Reader(bytes)
  const version = reader.int16()
  if (version < 0) throw corrupt(`negative version. message=${message.name} version=${version}`)
  const known = hasVersion(message.versions, version) || !isForwardReadable ? version : message.versions.max
  return message.decode(reader, known)
}
