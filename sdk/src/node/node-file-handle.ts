import * as fs from 'node:fs'
import { StreambedError } from '../errors.ts'
import type { FileHandle } from '../file-system.ts'
import { blockDeviceBytes } from './block-device.ts'
import { fileError } from './file-errors.ts'

/** Node refuses more than 2 GiB in one call. */
const callBytesMax = 2 ** 30

type Settle = (error: NodeJS.ErrnoException | null) => void

/** One open file. Plain descriptors and callbacks: a promise per call, and none in between. */
export class NodeFileHandle implements FileHandle {
  readonly #path: string
  readonly #fd: number
  #callsInFlight = 0
  #isClosed = false
  #closing: Promise<void> | undefined
  #onIdle: (() => void) | undefined

  /** Takes over the descriptor `fd`. */
  constructor (fd: number, path: string) {
    this.#fd = fd
    this.#path = path
  }

  read (target: Uint8Array, position: number): Promise<number> {
    let count = 0
    return this.#call('read', settle => {
      const readOn = (): void => {
        fs.read(this.#fd, target, count, Math.min(target.length - count, callBytesMax), position + count, (error, bytesRead) => {
          if (error !== null) { settle(error); return }
          count += bytesRead
          if (bytesRead === 0 || count === target.length) settle(null)
          else readOn()
        })
      }
      if (target.length === 0) settle(null)
      else readOn()
    }, () => count)
  }

  write (chunks: readonly Uint8Array[], position: number): Promise<void> {
    return this.#call('write', settle => {
      if (chunks.length === 1) this.#writeOne(chunks[0]!, position, settle)
      else this.#writeAll(chunks, position, settle)
    }, nothing)
  }

  datasync (): Promise<void> {
    return this.#call('fdatasync', settle => { fs.fdatasync(this.#fd, settle) }, nothing)
  }

  truncate (size: number): Promise<void> {
    return this.#call('ftruncate', settle => { fs.ftruncate(this.#fd, size, settle) }, nothing)
  }

  async size (): Promise<number> {
    let stats: fs.Stats | undefined
    await this.#call('fstat', settle => { fs.fstat(this.#fd, (error, found) => { stats = found; settle(error) }) }, nothing)
    return stats!.isBlockDevice() ? await blockDeviceBytes(stats!.rdev, this.#path) : stats!.size
  }

  /** Idempotent. Waits for the calls in flight, lest the descriptor be given to another file under them. */
  close (): Promise<void> {
    this.#isClosed = true
    this.#closing ??= new Promise((resolve, reject) => {
      const close = (): void => {
        fs.close(this.#fd, error => {
          if (error) reject(fileError(error, 'close', this.#path))
          else resolve()
        })
      }
      if (this.#callsInFlight === 0) close()
      else this.#onIdle = close
    })
    return this.#closing
  }

  #writeOne (chunk: Uint8Array, position: number, settle: Settle): void {
    if (chunk.length === 0) { settle(null); return }
    fs.write(this.#fd, chunk, 0, Math.min(chunk.length, callBytesMax), position, (error, written) => {
      if (error !== null) settle(error)
      else if (written === chunk.length) settle(null)
      else if (written === 0) settle(noProgress())
      else this.#writeOne(chunk.subarray(written), position + written, settle)
    })
  }

  #writeAll (chunks: readonly Uint8Array[], position: number, settle: Settle): void {
    let byteCount = 0
    for (const chunk of chunks) byteCount += chunk.length
    if (byteCount === 0) { settle(null); return }
    fs.writev(this.#fd, chunks as Uint8Array[], position, (error, written) => {
      if (error !== null) settle(error)
      else if (written === byteCount) settle(null)
      else if (written === 0) settle(noProgress())
      else this.#writeAll(dropBytes(chunks, written), position + written, settle)
    })
  }

  #call<T> (call: string, start: (settle: Settle) => void, result: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new StreambedError('CLOSED', `${call} on a closed file. path=${this.#path}`))
        return
      }
      this.#callsInFlight++
      start(error => {
        this.#callsInFlight--
        if (error === null) resolve(result())
        else reject(fileError(error, call, this.#path))
        if (this.#callsInFlight === 0) this.#onIdle?.()
      })
    })
  }
}

function nothing (): void {}

/** A write that accepts no byte and names no reason: full devices do that. */
function noProgress (): NodeJS.ErrnoException {
  return Object.assign(new Error('the system wrote no byte'), { code: 'ENOSPC' })
}

/** What is left of `chunks` after their first `count` bytes. */
export function dropBytes (chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  const rest: Uint8Array[] = []
  let left = count
  for (const chunk of chunks) {
    if (left >= chunk.length) { left -= chunk.length; continue }
    rest.push(left === 0 ? chunk : chunk.subarray(left))
    left = 0
  }
  return rest
}
