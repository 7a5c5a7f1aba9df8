import { StreambedError } from '@streambed/sdk'
import type { Environment, FileLock, FileSystem } from '@streambed/sdk'
import path from 'node:path'
import type { DurableFolders } from './folders.ts'

const lockSuffix = '.lock'
const attemptsMax = 10

/**
 * The folder in which one open store keeps what is not an object yet. Its lock, which the system drops when the process
 * dies, tells the work of the living from what the dead left behind.
 */
export class Workspace {
  readonly folder: string
  readonly #environment: Environment
  readonly #lock: FileLock
  #nameCount = 0

  /** Makes a workspace under `parent` and removes those of the dead. */
  static async open (environment: Environment, folders: DurableFolders, parent: string): Promise<Workspace> {
    const { fileSystem, random } = environment
    await folders.ensure(parent)
    await sweepDead(environment, parent)
    for (let attempt = 1; ; attempt++) {
      const folder = path.join(parent, Buffer.from(random.bytes(8)).toString('hex'))
      const lock = await lockNew(fileSystem, folder + lockSuffix, attempt)
      if (lock === undefined) continue
      try {
        await fileSystem.makeDirectory(folder)
        return new Workspace(environment, folder, lock)
      } catch (error) {
        await lock.release()
        throw error
      }
    }
  }

  private constructor (environment: Environment, folder: string, lock: FileLock) {
    this.#environment = environment
    this.folder = folder
    this.#lock = lock
  }

  /** A path in the workspace that was not given before. */
  newPath (kind: string): string { return path.join(this.folder, `${kind}-${++this.#nameCount}`) }

  /** Removes the workspace with all that is in it. */
  async close (): Promise<void> {
    const { fileSystem, logger } = this.#environment
    try {
      await removeTree(fileSystem, this.folder)
      await fileSystem.remove(this.folder + lockSuffix)
    } catch (error) {
      // Harmless: the next store to open here removes it.
      logger.warn('temporary files could not be removed', { path: this.folder, error: String(error) })
    } finally {
      await this.#lock.release()
    }
  }
}

/** Takes a lock that nobody has removed meanwhile; undefined when one that sweeps was faster. */
async function lockNew (fileSystem: FileSystem, file: string, attempt: number): Promise<FileLock | undefined> {
  let lock: FileLock
  try {
    lock = await fileSystem.lock(file)
  } catch (error) {
    if (StreambedError.is(error, 'LOCKED') && attempt < attemptsMax) return undefined
    throw error
  }
  try {
    await fileSystem.stat(file)
    return lock
  } catch (error) {
    await lock.release()
    if (StreambedError.is(error, 'NOT_FOUND') && attempt < attemptsMax) return undefined
    throw error
  }
}

async function sweepDead (environment: Environment, parent: string): Promise<void> {
  const { fileSystem, logger } = environment
  const names = new Set((await fileSystem.list(parent)).map(({ name }) => name.endsWith(lockSuffix) ? name.slice(0, -lockSuffix.length) : name))
  for (const name of names) {
    const folder = path.join(parent, name)
    try {
      const lock = await fileSystem.lock(folder + lockSuffix)
      try {
        await removeTree(fileSystem, folder)
        await fileSystem.remove(folder + lockSuffix)
      } finally {
        await lock.release()
      }
    } catch (error) {
      if (!StreambedError.is(error, 'LOCKED')) logger.warn('temporary files of an earlier process could not be removed', { path: folder, error: String(error) })
    }
  }
}

/** Removes `folder` and what it holds; nothing when it does not exist. */
export async function removeTree (fileSystem: FileSystem, folder: string): Promise<void> {
  try {
    for (const { name, kind } of await fileSystem.list(folder)) {
      const entry = path.join(folder, name)
      if (kind === 'directory') await removeTree(fileSystem, entry)
      else await fileSystem.remove(entry)
    }
    await fileSystem.removeDirectory(folder)
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
  }
}
