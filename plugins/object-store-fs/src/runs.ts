import type { ObjectBody } from '@streambed/sdk'

/** The unit of direct access. */
const alignmentBytes = 4096
/**
 * How much is written at once: a log on the same disk waits behind no more than this. One write of a whole upload held produce
 * requests up for as long as the disk took for all of it.
 */
const writeBytes = 1024 * 1024

/** Gathers and cuts a body: its first bytes, kept, and after them runs of `writeBytes`. */
export class Runs {
  /** The first bytes of the body, once they have come; fewer when it is shorter. */
  readonly first: Uint8Array[] = []
  #firstRoom: number
  #run: Uint8Array[] = []
  #room = writeBytes

  constructor (firstBytes: number) { this.#firstRoom = firstBytes }

  /** The runs that `pieces` complete. */
  * add (pieces: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
    for (const piece of pieces) {
      const kept = piece.subarray(0, this.#firstRoom)
      if (kept.length > 0) this.first.push(kept)
      this.#firstRoom -= kept.length
      for (let at = kept.length; at < piece.length;) {
        const taken = piece.subarray(at, at + this.#room)
        this.#run.push(taken)
        at += taken.length
        this.#room -= taken.length
        if (this.#room === 0) yield this.takeRest()
      }
    }
  }

  takeRest (): readonly Uint8Array[] {
    const run = this.#run
    this.#run = []
    this.#room = writeBytes
    return run
  }
}

export function alignUp (bytes: number): number { return Math.ceil(bytes / alignmentBytes) * alignmentBytes }

/** `run`, with zeros behind it up to a multiple of the alignment. */
export function padded (run: readonly Uint8Array[]): readonly Uint8Array[] {
  const bytes = bodySize(run)
  const padding = alignUp(bytes) - bytes
  return padding === 0 ? run : [...run, new Uint8Array(padding)]
}

export function bodySize (body: ObjectBody): number {
  if (body instanceof Uint8Array) return body.length
  let size = 0
  for (const piece of body) size += piece.length
  return size
}
