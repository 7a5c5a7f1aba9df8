import { StreambedError, type Environment, type FileHandle, type FileMode } from '@streambed/sdk'
import { blockBytes, owning } from '@streambed/sdk/batch-log'

/**
 * A file or device opened twice, both synchronously: batches, which are whole blocks, go past the page cache. Copying them into it
 * costs more than writing them, and nobody reads them from there. The header's slots are smaller than a block and go through
 * it, as do reads; Linux keeps both ways coherent.
 */
class RingFile implements FileHandle {
  readonly #cached: FileHandle
  readonly #direct: FileHandle

  constructor (cached: FileHandle, direct: FileHandle) {
    this.#cached = cached
    this.#direct = direct
  }

  write (chunks: readonly Uint8Array[], position: number): Promise<void> {
    let bytes = 0
    for (const chunk of chunks) bytes += chunk.length
    const isWholeBlocks = bytes % blockBytes === 0 && position % blockBytes === 0
    return (isWholeBlocks ? this.#direct : this.#cached).write(chunks, position)
  }

  read (target: Uint8Array, position: number): Promise<number> { return this.#cached.read(target, position) }
  datasync (): Promise<void> { return this.#cached.datasync() }
  truncate (size: number): Promise<void> { return this.#cached.truncate(size) }
  size (): Promise<number> { return this.#cached.size() }

  async close (): Promise<void> {
    try {
      await this.#direct.close()
    } finally {
      await this.#cached.close()
    }
  }
}

/** Opens the file of a ring. Where the file system has no direct access all goes through the page cache, no less durably. */
export async function openRingFile (path: string, mode: FileMode, environment: Environment): Promise<FileHandle> {
  const { fileSystem } = environment
  const cached = await fileSystem.open(path, mode, { synchronous: true })
  return await owning(cached, environment, async () => {
    try {
      return new RingFile(cached, await fileSystem.open(path, 'update', { synchronous: true, direct: true }))
    } catch (error) {
      if (StreambedError.is(error, 'UNSUPPORTED')) return cached
      throw error
    }
  })
}
