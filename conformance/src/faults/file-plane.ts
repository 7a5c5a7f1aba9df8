import { StreambedError, sleep, type ErrorCode, type FileHandle, type FileSystem } from '@streambed/sdk'
import { FaultPlane } from './fault-plane.ts'
import type { Befalling, Passage, Refusal } from './fault.ts'
import { flipOne } from './store-plane.ts'

const errors: Readonly<Record<Refusal, readonly [ErrorCode, string]>> = {
  unavailable: ['UNAVAILABLE', 'EIO'], throttled: ['UNAVAILABLE', 'EAGAIN'], denied: ['PERMISSION_DENIED', 'EACCES'], full: ['OUT_OF_SPACE', 'ENOSPC'],
  reset: ['UNAVAILABLE', 'EIO'], tooManyRequests: ['UNAVAILABLE', 'EAGAIN'], conflict: ['UNAVAILABLE', 'EAGAIN'], expired: ['UNAVAILABLE', 'EIO'], skewed: ['UNAVAILABLE', 'EIO']
}

interface OpenedAs { readonly isWritable: boolean, readonly isDirect: boolean, readonly isSynchronous: boolean }

/** What a file held before it was written to, so that an unsynced write can be lost. */
interface Overwritten { readonly position: number, readonly before: Uint8Array }

/** Faults between a plugin and the file system that its environment gives it. */
export class FilePlane extends FaultPlane {
  readonly kind = 'files'

  /** `inner` with the faults of this plane. Locks and closes pass untouched: they hold no data. */
  wrap (inner: FileSystem): FileSystem {
    const call = <T>(action: Passage['action'], name: string, path: string, effect: () => Promise<T>): Promise<T> =>
      this.#apply(this.choose({ action, call: name, name: path }), `${name} ${path}`, effect)
    return {
      open: async (path, mode, options) => {
        const fault = this.choose({ action: mode === 'read' || mode === 'update' ? 'other' : 'write', call: 'open', name: path })
        return await this.#apply(fault, `open ${path}`, async () => {
          const handle = await inner.open(path, mode, options)
          if (fault?.kind === 'loseAnswer') await handle.close()
          return this.#handle(handle, path, { isWritable: mode !== 'read', isDirect: options?.direct === true, isSynchronous: options?.synchronous === true })
        })
      },
      readFile: async path => {
        const fault = this.choose({ action: 'read', call: 'readFile', name: path })
        const bytes = await this.#apply(fault, `readFile ${path}`, () => inner.readFile(path))
        if (fault?.kind === 'corrupt' && fault.way === 'down') flipOne(bytes)
        return fault?.kind === 'cut' ? bytes.subarray(0, bytes.length >> 1) : bytes
      },
      makeDirectory: path => call('write', 'makeDirectory', path, () => inner.makeDirectory(path)),
      list: path => call('list', 'list', path, () => inner.list(path)),
      stat: path => call('read', 'stat', path, () => inner.stat(path)),
      rename: (from, to) => call('write', 'rename', to, () => inner.rename(from, to)),
      link: (from, to) => call('write', 'link', to, () => inner.link(from, to)),
      remove: path => call('delete', 'remove', path, () => inner.remove(path)),
      removeDirectory: path => call('delete', 'removeDirectory', path, () => inner.removeDirectory(path)),
      syncDirectory: path => call('write', 'syncDirectory', path, () => inner.syncDirectory(path)),
      lock: path => inner.lock(path)
    }
  }

  #handle (inner: FileHandle, path: string, { isDirect, isSynchronous, isWritable }: OpenedAs): FileHandle {
    const unsynced: Overwritten[] = []
    const call = <T>(action: Passage['action'], name: string, effect: () => Promise<T>): Promise<T> => this.#apply(this.choose({ action, call: name, name: path }), `${name} ${path}`, effect)
    const lose = async (): Promise<void> => {
      for (const { before, position } of unsynced.splice(0).reverse()) await inner.write([before], position)
      // What the loss itself wrote must not come and go any more.
      await inner.datasync()
    }
    return {
      read: async (target, position) => {
        const fault = this.choose({ action: 'read', call: 'read', name: path })
        const count = await this.#apply(fault, `read ${path}`, () => inner.read(target, position))
        if (fault?.kind === 'corrupt' && fault.way === 'down') flipOne(target.subarray(0, count))
        return fault?.kind === 'cut' ? count >> 1 : count
      },
      write: async (chunks, position) => {
        const fault = this.choose({ action: 'write', call: 'write', name: path })
        const bytes = Buffer.concat(chunks)
        // A synchronous write that fails is lost alone: those before it were durable.
        if (fault?.kind === 'loseUnsynced' && isSynchronous) throw failure('unavailable', `write ${path}`)
        if (isWritable && !isSynchronous && unsynced.length < unsyncedMax) unsynced.push(await beforeOf(inner, position, bytes.length))
        if (fault?.kind === 'loseUnsynced') { await lose(); throw failure('unavailable', `write ${path}`) }
        if (fault?.kind === 'corrupt' && fault.way === 'up') flipOne(bytes)
        if (fault?.kind === 'cut') {
          await inner.write([bytes.subarray(0, isDirect ? bytes.length >> 13 << 12 : bytes.length >> 1)], position)
          throw failure('unavailable', `write ${path}`)
        }
        await this.#apply(fault, `write ${path}`, () => inner.write([bytes], position))
      },
      datasync: async () => {
        const fault = this.choose({ action: 'write', call: 'datasync', name: path })
        if (fault?.kind === 'loseUnsynced') { await lose(); throw failure('unavailable', `datasync ${path}`) }
        const count = unsynced.length
        await this.#apply(fault, `datasync ${path}`, () => inner.datasync())
        unsynced.splice(0, count)
      },
      truncate: size => call('write', 'truncate', () => inner.truncate(size)),
      size: () => call('read', 'size', () => inner.size()),
      close: () => inner.close()
    }
  }

  async #apply<T> (fault: Befalling | undefined, what: string, effect: () => Promise<T>): Promise<T> {
    if (fault === undefined) return await effect()
    switch (fault.kind) {
      case 'corrupt': case 'cut': return await effect()
      case 'refuse': throw failure(fault.as, what)
      // One of the calls that a batch makes fails: this one.
      case 'failOneKey': throw failure('unavailable', what)
      case 'loseAnswer':
        await effect()
        throw failure(fault.as, what)
      case 'delay': await sleep(this.clock, fault.ms); return await effect()
      case 'hold': await fault.wait(); return await effect()
      case 'duplicate': {
        const answer = await effect()
        if (/^(write|datasync|syncDirectory)/.test(what)) await effect()
        return answer
      }
      // Only a file has what could be lost.
      case 'loseUnsynced': throw failure('unavailable', what)
      default: throw new StreambedError('UNSUPPORTED', `files cannot be made to do it: ${fault.kind}`)
    }
  }
}

/** Writes whose loss can be played; a plugin that writes more without a sync loses the first of them. */
const unsyncedMax = 1024

async function beforeOf (file: FileHandle, position: number, count: number): Promise<Overwritten> {
  const before = new Uint8Array(count)
  try {
    await file.read(before, position)
  } catch { /* Opened for writing alone: zeros stand for what was there. */ }
  return { position, before }
}

function failure (as: Refusal, what: string): StreambedError {
  const [code, system] = errors[as]
  return new StreambedError(code, `${what} failed. code=${system} (fault)`)
}
