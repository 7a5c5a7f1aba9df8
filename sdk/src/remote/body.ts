import type { Readable } from 'node:stream'
import type { Environment } from '../environment.ts'
import type { ObjectBody } from '../object-store.ts'
import { Unbelieved } from './believed.ts'

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

/**
 * The bytes of an answer, of `size` as it says, or of any where it says none; frees its connection where they are not those. Rejects with
 * `Unbelieved` where there are more than `bytesMax`, or not as many as it says. `onBytes`: told how many have come.
 */
export async function readBody (body: Readable, size: number | undefined, bytesMax: number, onBytes: (count: number) => void = () => undefined): Promise<Uint8Array> {
  try {
    if (size === undefined) return await readUnsized(body, bytesMax, onBytes)
    if (!(size <= bytesMax)) throw tooLong(bytesMax, size)
    const bytes = new Uint8Array(size)
    let at = 0
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (at + chunk.length > size) throw new Unbelieved('it is longer than it says', { size })
      bytes.set(chunk, at)
      onBytes(chunk.length)
      at += chunk.length
    }
    if (at < size) throw new Unbelieved('it broke off', { size, got: at })
    return bytes
  } catch (error) {
    body.destroy()
    throw error
  }
}

async function readUnsized (body: Readable, bytesMax: number, onBytes: (count: number) => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > bytesMax) throw tooLong(bytesMax, size)
    chunks.push(chunk)
    onBytes(chunk.length)
  }
  return Buffer.concat(chunks)
}

function tooLong (bytesMax: number, size: number): Unbelieved { return new Unbelieved('it is longer than what was asked for', { size, bytesMax }) }
