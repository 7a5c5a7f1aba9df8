import { StreambedError } from '../errors.ts'
import type { FileHandle } from '../file-system.ts'
import { alignmentBytes, giveAligned, stagingBytesMax, takeAligned } from './aligned-memory.ts'

/**
 * A file that was opened with O_DIRECT: bytes pass through aligned memory, a copy each way. A write takes its copy before it
 * returns, so a call that hangs in the system holds none of the caller's memory.
 */
export class DirectFileHandle implements FileHandle {
  readonly #handle: FileHandle
  readonly #path: string

  constructor (handle: FileHandle, path: string) {
    this.#handle = handle
    this.#path = path
  }

  async read (target: Uint8Array, position: number): Promise<number> {
    this.#check('read', position, target.length)
    for (let done = 0; done < target.length;) {
      const wanted = Math.min(target.length - done, stagingBytesMax)
      const memory = takeAligned(wanted)
      const count = await this.#handle.read(memory.subarray(0, wanted), position + done).finally(() => { giveAligned(memory) })
      target.set(memory.subarray(0, count), done)
      done += count
      if (count < wanted) return done
    }
    return target.length
  }

  async write (chunks: readonly Uint8Array[], position: number): Promise<void> {
    let total = 0
    for (const chunk of chunks) total += chunk.length
    this.#check('write', position, total)
    const pieces = staged(chunks, total)
    for (let at = position; pieces.length > 0;) {
      const { memory, used } = pieces[0]!
      try {
        await this.#handle.write([memory.subarray(0, used)], at)
      } catch (error) {
        for (const piece of pieces) giveAligned(piece.memory)
        throw error
      }
      at += used
      giveAligned(memory)
      pieces.shift()
    }
  }

  async datasync (): Promise<void> { await this.#handle.datasync() }
  async truncate (size: number): Promise<void> { await this.#handle.truncate(size) }
  async size (): Promise<number> { return await this.#handle.size() }
  async close (): Promise<void> { await this.#handle.close() }

  #check (call: string, position: number, count: number): void {
    if (position % alignmentBytes === 0 && count % alignmentBytes === 0) return
    throw new StreambedError('INVALID_ARGUMENT', `direct access takes multiples of ${alignmentBytes} bytes. call=${call} path=${this.#path} position=${position} count=${count}`)
  }
}

/** A copy of all chunks, in pieces of aligned memory. */
function staged (chunks: readonly Uint8Array[], total: number): { readonly memory: Uint8Array, readonly used: number }[] {
  const pieces: { readonly memory: Uint8Array, readonly used: number }[] = []
  let chunk = 0
  let from = 0
  for (let left = total; left > 0;) {
    const used = Math.min(left, stagingBytesMax)
    const memory = takeAligned(used)
    for (let at = 0; at < used;) {
      const take = Math.min(chunks[chunk]!.length - from, used - at)
      memory.set(take === chunks[chunk]!.length ? chunks[chunk]! : chunks[chunk]!.subarray(from, from + take), at)
      at += take
      from += take
      if (from === chunks[chunk]!.length) {
        chunk++
        from = 0
      }
    }
    pieces.push({ memory, used })
    left -= used
  }
  return pieces
}
