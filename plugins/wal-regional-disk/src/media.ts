import { StreambedError, type Environment, type FileLock } from '@streambed/sdk'
import { blockBytes, isZero, owning } from '@streambed/sdk/batch-log'
import { EpochFile } from './epoch-file.ts'
import { openRingFile } from './ring-file.ts'
import { Ring, ringHeaderBytes } from './ring.ts'
import type { RingState } from './slots.ts'

const epochAreaBytes = 2 * blockBytes

/** Where the structures lie: files of a folder, or places on a device. */
export interface Medium {
  readonly kind: 'folder' | 'device'
  readonly path: string
  /** Held while the epoch record changes. */
  lockGate (): Promise<FileLock>
  /** Held as long as a ring is written to. Rejects with LOCKED. */
  lockRing (ringId: number): Promise<FileLock>
  /** Refuses a medium that holds something else. */
  openEpochFile (): Promise<EpochFile>
  createRing (state: RingState): Promise<Ring>
  /** Rejects with NOT_FOUND when the ring, or its header, was never made. */
  openRing (ringId: number): Promise<Ring>
  /** Ids of all rings that the medium holds. */
  ringIds (): Promise<readonly number[]>
  removeRing (ringId: number): Promise<void>
}

/** `lock`, `epoch`, and for each ring `ring-<id>.wal` with `ring-<id>.lock`. */
export class FolderMedium implements Medium {
  readonly kind = 'folder'
  readonly path: string
  readonly #environment: Environment

  constructor (path: string, environment: Environment) {
    this.path = path
    this.#environment = environment
  }

  async lockGate (): Promise<FileLock> { return await this.#files.lock(`${this.path}/lock`) }

  async lockRing (ringId: number): Promise<FileLock> { return await this.#files.lock(`${this.#ringPath(ringId, 'lock')}`) }

  async openEpochFile (): Promise<EpochFile> {
    const path = `${this.path}/epoch`
    const handle = await this.#files.open(path, 'create', { synchronous: true })
    return await owning(handle, this.#environment, async () => {
      // The slots lie within the file's size from the start: an update never changes it.
      if (await handle.size() < epochAreaBytes) {
        await handle.truncate(epochAreaBytes)
        await handle.datasync()
        await this.#files.syncDirectory(this.path)
      }
      return new EpochFile(handle, path, this.#environment)
    })
  }

  async createRing (state: RingState): Promise<Ring> {
    const path = this.#ringPath(state.ringId)
    const handle = await openRingFile(path, 'create', this.#environment)
    return await owning(handle, this.#environment, async () => {
      await handle.truncate(0)
      await handle.truncate(ringHeaderBytes + state.size)
      await handle.datasync()
      const ring = await Ring.create(handle, path, 0, this.#environment, state)
      await this.#files.syncDirectory(this.path)
      return ring
    })
  }

  async openRing (ringId: number): Promise<Ring> {
    const path = this.#ringPath(ringId)
    const handle = await openRingFile(path, 'update', this.#environment)
    return await owning(handle, this.#environment, async () => await Ring.open(handle, path, 0, this.#environment))
  }

  async ringIds (): Promise<readonly number[]> {
    const ids: number[] = []
    for (const { name } of await this.#files.list(this.path)) {
      const match = /^ring-(\d+)\.wal$/.exec(name)
      if (match !== null) ids.push(Number(match[1]))
    }
    return ids
  }

  async removeRing (ringId: number): Promise<void> {
    await this.#files.remove(this.#ringPath(ringId))
    try {
      // Nobody locks this ring again: an id is used once.
      await this.#files.remove(this.#ringPath(ringId, 'lock'))
    } catch (error) {
      if (!StreambedError.is(error, 'NOT_FOUND')) throw error
    }
    await this.#files.syncDirectory(this.path)
  }

  get #files (): Environment['fileSystem'] { return this.#environment.fileSystem }

  #ringPath (ringId: number, extension = 'wal'): string { return `${this.path}/ring-${ringId}.${extension}` }
}

/** The epoch record, the ring's header and the ring, one after the other from the device's first byte. */
export class DeviceMedium implements Medium {
  readonly kind = 'device'
  readonly path: string
  readonly #lockFile: string
  readonly #environment: Environment

  constructor (path: string, lockFile: string, environment: Environment) {
    this.path = path
    this.#lockFile = lockFile
    this.#environment = environment
  }

  /** The one lock of a device is its ring's, and is taken first. */
  async lockGate (): Promise<FileLock> { return { release: async () => {} } }

  async lockRing (): Promise<FileLock> { return await this.#environment.fileSystem.lock(this.#lockFile) }

  async openEpochFile (): Promise<EpochFile> {
    const handle = await this.#environment.fileSystem.open(this.path, 'update', { synchronous: true })
    return await owning(handle, this.#environment, async () => {
      const start = new Uint8Array(deviceHeaderBytes)
      await handle.read(start, 0)
      const isOurs = startsWith(start, 'SBWEPOCH') || startsWith(start.subarray(blockBytes), 'SBWEPOCH')
      // Formatting writes the ring's header first: a crash in between leaves just that.
      const isHalfFormatted = isZero(start.subarray(0, epochAreaBytes)) && startsWith(start.subarray(epochAreaBytes), 'SBWRING1')
      if (!isOurs && !isHalfFormatted && !isZero(start)) {
        throw new StreambedError('MISCONFIGURED', `the device holds something that is not a write-ahead log; name another device, or erase its first ${deviceHeaderBytes} bytes if nobody needs them. path=${this.path}`)
      }
      return new EpochFile(handle, this.path, this.#environment)
    })
  }

  async createRing (state: RingState): Promise<Ring> {
    const handle = await openRingFile(this.path, 'update', this.#environment)
    return await owning(handle, this.#environment, async () => {
      return await Ring.create(handle, this.path, epochAreaBytes, this.#environment, state)
    })
  }

  async openRing (): Promise<Ring> {
    const handle = await openRingFile(this.path, 'update', this.#environment)
    return await owning(handle, this.#environment, async () => await Ring.open(handle, this.path, epochAreaBytes, this.#environment))
  }

  async ringIds (): Promise<readonly number[]> { return [] }

  async removeRing (): Promise<void> {
    throw new StreambedError('INTERNAL', `a device has one ring. path=${this.path}`)
  }
}

/** What stands before the ring on a device. */
export const deviceHeaderBytes = epochAreaBytes + ringHeaderBytes

function startsWith (bytes: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}
