import { StreambedError } from '@streambed/sdk'
import type { FileSystem } from '@streambed/sdk'
import path from 'node:path'

const knownMax = 10_000

/** Makes folders that survive a crash, and remembers which ones do. */
export class DurableFolders {
  readonly #fileSystem: FileSystem
  readonly #known = new Set<string>()

  constructor (fileSystem: FileSystem) { this.#fileSystem = fileSystem }

  /** Makes `folder` and the folders above it, each synced into its parent. */
  async ensure (folder: string): Promise<void> {
    if (this.#known.has(folder)) return
    try {
      await this.#make(folder)
    } catch (error) {
      const parent = path.dirname(folder)
      if (!StreambedError.is(error, 'NOT_FOUND') || parent === folder) throw error
      this.#known.delete(parent)
      await this.ensure(parent)
      await this.#make(folder)
    }
    // Bounded: forgetting costs a few calls on the next use.
    if (this.#known.size >= knownMax) this.#known.clear()
    this.#known.add(folder)
  }

  forget (folder: string): void { this.#known.delete(folder) }

  async #make (folder: string): Promise<void> {
    try {
      await this.#fileSystem.makeDirectory(folder)
    } catch (error) {
      // Somebody else made it: its entry may not be durable yet, so it is synced here too.
      if (!await this.#isDirectory(folder, error)) throw error
    }
    await this.#fileSystem.syncDirectory(path.dirname(folder))
  }

  async #isDirectory (folder: string, error: unknown): Promise<boolean> {
    return StreambedError.is(error, 'ALREADY_EXISTS') && (await this.#fileSystem.stat(folder)).kind === 'directory'
  }
}
