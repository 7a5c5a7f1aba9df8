import { StreambedError, type DirectoryEntry, type Environment, type FileHandle, type FileLock, type FileMode } from '@streambed/sdk'
import { blockBytes, makeFolder, owning, release } from '@streambed/sdk/batch-log'
import { epochAreaBytes, EpochFile } from './epoch-file.ts'
import { Ring, ringHeaderBytes } from './ring.ts'
import type { EpochState, RingReference, RingState } from './slots.ts'

/** Which ring, and where it lies. */
export type RingPlace = Pick<RingReference, 'ringId' | 'size' | 'area'>

/** Where the structures lie: files of a folder, or places on a device. */
export interface Medium {
  readonly kind: 'folder' | 'device'
  readonly path: string
  /** Of a new log; see `EpochState`. */
  readonly areaCount: number
  /** Bytes of a new ring, in a log with so many areas. */
  ringSize (areaCount: number): number
  /** What the epoch record says, undefined where none is; makes and changes nothing. Refuses a medium that holds something else. */
  look (): Promise<EpochState | undefined>
  /** Makes the place of a new log. */
  make (): Promise<void>
  /** Held while the epoch record changes. */
  lockGate (): Promise<FileLock>
  /** Held as long as a ring is written to. Rejects with LOCKED. */
  lockRing (place: RingPlace): Promise<FileLock>
  /** `update`: rejects with NOT_FOUND where `look` has found a record that is gone meanwhile. */
  openEpochFile (mode: 'create' | 'update'): Promise<EpochFile>
  /** Replaces what lay in that area of a device. */
  createRing (state: RingState, area: number): Promise<Ring>
  /** Rejects with NOT_FOUND when the ring, or its header, was never made. */
  openRing (place: RingPlace): Promise<Ring>
  /** Ids of all rings that are files. */
  ringIds (): Promise<readonly number[]>
  removeRing (ringId: number): Promise<void>
}

/** `lock`, `epoch`, and for each ring `ring-<id>.wal` with `ring-<id>.lock`. */
export class FolderMedium implements Medium {
  readonly kind = 'folder'
  readonly areaCount = 1
  readonly path: string
  readonly #capacity: number
  readonly #environment: Environment

  constructor (path: string, capacity: number, environment: Environment) {
    this.path = path
    this.#capacity = capacity
    this.#environment = environment
  }

  ringSize (): number { return wholeBlocks(this.#capacity - ringHeaderBytes) }

  async look (): Promise<EpochState | undefined> {
    const path = `${this.path}/epoch`
    let handle
    try {
      handle = await this.#files.open(path, 'read')
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND')) return undefined
      throw error
    }
    return await lookInto(new EpochFile(handle, path, this.#environment), this.#environment)
  }

  async make (): Promise<void> { await makeFolder(this.path, this.#files) }

  async lockGate (): Promise<FileLock> { return await this.#files.lock(`${this.path}/lock`) }

  async lockRing ({ ringId }: RingPlace): Promise<FileLock> { return await this.#files.lock(this.#ringPath(ringId, 'lock')) }

  async openEpochFile (mode: 'create' | 'update'): Promise<EpochFile> {
    const path = `${this.path}/epoch`
    const handle = await this.#files.open(path, mode, { synchronous: true })
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
    const handle = await this.#openRingFile(path, 'create')
    return await owning(handle, this.#environment, async () => {
      await handle.truncate(0)
      await handle.truncate(ringHeaderBytes + state.size)
      await handle.datasync()
      const ring = await Ring.create(handle, path, 0, this.#environment, state)
      await this.#files.syncDirectory(this.path)
      return ring
    })
  }

  async openRing ({ ringId }: RingPlace): Promise<Ring> {
    const path = this.#ringPath(ringId)
    const handle = await this.#openRingFile(path, 'update')
    return await owning(handle, this.#environment, async () => {
      const ring = await Ring.open(handle, path, 0, this.#environment)
      // It had its whole size, durably, before its header was written.
      if (await handle.size() >= ringHeaderBytes + ring.size) return ring
      throw new StreambedError('CORRUPT', `a ring is shorter than it was made, so confirmed records may be lost; restore it. path=${path} wanted=${ringHeaderBytes + ring.size} position=${ring.state.scanStart}`)
    })
  }

  async ringIds (): Promise<readonly number[]> {
    const ids: number[] = []
    for (const { name } of await this.#names()) {
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

  /**
   * Past the page cache where the file system can: copying batches into it costs more than writing them, and nobody reads them
   * from there. Elsewhere through it, no less durably.
   */
  async #openRingFile (path: string, mode: FileMode): Promise<FileHandle> {
    try {
      return await this.#files.open(path, mode, { synchronous: true, direct: true })
    } catch (error) {
      if (!StreambedError.is(error, 'UNSUPPORTED')) throw error
      return await this.#files.open(path, mode, { synchronous: true })
    }
  }

  /** None of a folder that is not there yet. */
  async #names (): Promise<readonly DirectoryEntry[]> {
    try {
      return await this.#files.list(this.path)
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND')) return []
      throw error
    }
  }

  get #files (): Environment['fileSystem'] { return this.#environment.fileSystem }

  #ringPath (ringId: number, extension = 'wal'): string { return `${this.path}/ring-${ringId}.${extension}` }
}

export async function lookInto (epochFile: EpochFile, { logger }: Environment): Promise<EpochState | undefined> {
  try {
    return await epochFile.read()
  } finally {
    await release(logger, 'epoch file', () => epochFile.close())
  }
}

export function wholeBlocks (bytes: number): number { return Math.floor(bytes / blockBytes) * blockBytes }
