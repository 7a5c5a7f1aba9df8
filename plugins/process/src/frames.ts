import { StreambedError } from '@streambed/sdk'

/**
 * What the two sides say to each other (docs/formats/plugin-process.md): frames of two sizes, big-endian uint32, then a header in
 * JSON and a body of bytes.
 */
export interface Frame { readonly header: Readonly<Record<string, unknown>>, readonly body: Uint8Array }

const sizesBytes = 8
/** A listing of 1,000 keys is some hundred KiB. */
const headerBytesMax = 16 * 1024 * 1024
const noBytes = new Uint8Array(0)

/** One frame, with copies of `pieces`: whoever gave them may change them as soon as this returns. */
export function encodeFrame (header: object, pieces: readonly Uint8Array[] = []): Uint8Array {
  const text = Buffer.from(JSON.stringify(header))
  const sizes = Buffer.alloc(sizesBytes)
  sizes.writeUInt32BE(text.length, 0)
  sizes.writeUInt32BE(pieces.reduce((sum, { length }) => sum + length, 0), 4)
  return Buffer.concat([sizes, text, ...pieces])
}

/** Cuts a stream of bytes into frames. */
export class FrameDecoder {
  readonly #bodyBytesMax: number
  readonly #onFrame: (frame: Frame) => void
  #pieces: Uint8Array[] = []
  #held = 0
  /** Of the frame at hand; undefined until both sizes are there. */
  #sizes: { readonly header: number, readonly body: number } | undefined

  constructor (options: { readonly bodyBytesMax: number, readonly onFrame: (frame: Frame) => void }) {
    this.#bodyBytesMax = options.bodyBytesMax
    this.#onFrame = options.onFrame
  }

  /** Throws CORRUPT for what is no frame; nothing that follows can be read then. */
  push (bytes: Uint8Array): void {
    this.#pieces.push(bytes)
    this.#held += bytes.length
    for (;;) {
      if (this.#sizes === undefined) {
        if (this.#held < sizesBytes) return
        const sizes = this.#take(sizesBytes)
        const [header, body] = [sizes.readUInt32BE(0), sizes.readUInt32BE(4)]
        if (header > headerBytesMax || body > this.#bodyBytesMax) {
          throw new StreambedError('CORRUPT', `a frame of the plugin process is too large, or is none; does something else print to its output? header=${header} body=${body} bodyMax=${this.#bodyBytesMax}`)
        }
        this.#sizes = { header, body }
      }
      const { body, header } = this.#sizes
      if (this.#held < header + body) return
      const text = this.#take(header)
      this.#sizes = undefined
      this.#onFrame({ header: parsed(text), body: body === 0 ? noBytes : this.#take(body) })
    }
  }

  /** The next `count` bytes, which are there. */
  #take (count: number): Buffer {
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
    this.#held -= count
    this.#pieces = this.#held === 0 ? [] : [all.subarray(count)]
    return Buffer.from(all.buffer, all.byteOffset, count)
  }
}

function parsed (text: Buffer): Frame['header'] {
  try {
    const header: unknown = JSON.parse(text.toString())
    if (typeof header === 'object' && header !== null) return header as Frame['header']
  } catch { /* Told below. */ }
  throw new StreambedError('CORRUPT', `a frame of the plugin process has no JSON object for a header. header=${text.subarray(0, 100).toString()}`)
}

/** `bytes` cut into pieces of `sizes`. Throws CORRUPT when they do not add up. */
export function cut (bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  let at = 0
  const pieces = sizes.map(size => bytes.subarray(at, at += size))
  if (at !== bytes.length || sizes.some(size => !Number.isInteger(size) || size < 0)) throw new StreambedError('CORRUPT', `the sizes do not add up to the body. sizes=${at} body=${bytes.length}`)
  return pieces
}
