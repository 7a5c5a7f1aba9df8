import type { Environment } from '../environment.ts'
import type { ObjectBody } from '../object-store.ts'

export interface DescribedBody { readonly pieces: readonly Uint8Array[], readonly size: number, readonly crc32c: number }

/** Size and CRC-32C of a body, as pieces. */
export function describeBody (body: ObjectBody, environment: Environment): DescribedBody {
  const pieces = body instanceof Uint8Array ? [body] : body
  let size = 0
  let crc32c = 0
  for (const piece of pieces) {
    size += piece.length
    crc32c = environment.crc32c(piece, crc32c)
  }
  return { pieces, size, crc32c }
}

/** One run of bytes, for clients that take nothing else: the only piece itself, or a copy of all. */
export function contiguous (pieces: readonly Uint8Array[]): Buffer {
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? Buffer.from(only.buffer, only.byteOffset, only.length) : Buffer.concat(pieces)
}
