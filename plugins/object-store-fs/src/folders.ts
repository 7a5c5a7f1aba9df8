import { StreambedError } from '@streambed/sdk'
import type { FileSystem } from '@streambed/sdk'
import path from 'node:path'

const knownMax = 10_000

/** Makes folders below `root` that survive a crash, and remembers which ones do. */
export class DurableFolders {
  readonly #fileSystem: FileSystem
  readonly #root: string
  readonly #known = new Set<string>()

  constructor (fileSystem: FileSystem, root: string) {
    this.#fileSystem = fileSystem
    this.#root = root
  }

  /** Makes `root` and those above it, all durable: also those that a process made that was killed before it synced them. */
  async ensureRoot (): Promise<void> {
    await makeWithParents(this.#fileSystem, this.#root)
    for (let at = path.dirname(this.#root); ; at = path.dirname(at)) {
      try {
        await this.#fileSystem.syncDirectory(at)
      } catch (error) {
        // A folder that we may pass through but not read is the operator's work, as is what lies in it.
        if (!StreambedError.is(error, 'PERMISSION_DENIED')) throw error
      }
      if (at === path.dirname(at)) return
    }
  }

  /**
   * Makes `folder`. From the top down, since one that is there may have been made this moment by another process and
   * be durable only later, or never. Rejects with NOT_FOUND when one above was removed meanwhile: try again.
   */
  async ensure (folder: string): Promise<void> {
    if (folder === this.#root || this.#known.has(folder)) return
    const parent = path.dirname(folder)
    await this.ensure(parent)
    try {
      await make(this.#fileSystem, folder)
    } catch (error) {
      if (StreambedError.is(error, 'NOT_FOUND')) this.forget(parent)
      throw error
    }
    await this.#fileSystem.syncDirectory(parent)
    // Bounded: forgetting costs a few calls on the next use.
    if (this.#known.size >= knownMax) this.#known.clear()
    this.#known.add(folder)
  }

  /** To be called when `folder` turns out to be missing: those above it may be so, too. */
  forget (folder: string): void {
    for (let at = folder; at.length > this.#root.length; at = path.dirname(at)) this.#known.delete(at)
  }
}

async function make (fileSystem: FileSystem, folder: string): Promise<void> {
  try {
    await fileSystem.makeDirectory(folder)
  } catch (error) {
    if (!StreambedError.is(error, 'ALREADY_EXISTS') || (await fileSystem.stat(folder)).kind !== 'directory') throw error
  }
}

async function makeWithParents (fileSystem: FileSystem, folder: string): Promise<void> {
  try {
    await make(fileSystem, folder)
  } catch (error) {
    const parent = path.dirname(folder)
    if (!StreambedError.is(error, 'NOT_FOUND') || parent === folder) throw error
    await makeWithParents(fileSystem, parent)
    await make(fileSystem, folder)
  }
}
