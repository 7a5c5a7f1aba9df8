import { corrupt, tooLarge } from '../protocol-error.ts'

const chunkSizeMax = 256 * 1024

interface ZlibOptions { readonly maxOutputLength: number, readonly chunkSize: number, readonly info: true }
/** With `info`, Node answers so, though its types do not say it. */
interface ZlibResult { readonly buffer: Buffer, readonly engine: { readonly bytesWritten: number } }

/** What a stream of zlib's or zstd's made, and how many bytes of the input it took for it. */
export interface Inflated { readonly bytes: Buffer, readonly taken: number }

/** Runs one of Node's synchronous decoders. Throws CORRUPT for what it cannot read, or would become larger than `sizeMax`. */
export function inflate (decode: (bytes: Uint8Array, options: object) => Buffer, input: Uint8Array, sizeMax: number): Inflated {
  // Memory is taken in steps of what is likely to come, so that a small batch costs little and a large one few copies.
  const chunkSize = Math.min(chunkSizeMax, Math.max(1024, input.length * 8))
  const options: ZlibOptions = { maxOutputLength: Math.max(1, sizeMax), chunkSize, info: true }
  let result: ZlibResult
  try {
    result = decode(input, options) as unknown as ZlibResult
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(sizeMax, error)
    throw corrupt('records do not decompress.', error)
  }
  if (result.buffer.length > sizeMax) throw tooLarge(sizeMax)
  return { bytes: result.buffer, taken: result.engine.bytesWritten }
}
