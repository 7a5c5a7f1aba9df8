import { StreambedError, type Environment, type FileHandle } from '@streambed/sdk'
import { blockBytes, owning, type BatchSource } from '@streambed/sdk/batch-log'
import { decodeSegmentHeader, encodeSegmentHeader, type SegmentHeader } from './format.ts'
import { segmentPath, segmentsPath, type SegmentId } from './layout.ts'

const headerBytes = blockBytes

/** One file of batches, written by one epoch. A byte of it is written with one content only, however late or often. */
export class Segment implements BatchSource {
  readonly lapBytes = Infinity
  readonly beginsBlank = true
  readonly header: SegmentHeader
  readonly path: string
  readonly #handle: FileHandle

  private constructor (handle: FileHandle, path: string, header: SegmentHeader) {
    this.#handle = handle
    this.path = path
    this.header = header
  }

  /** Durable, and of its full size, when it resolves; its disk space is taken as it is written. Leaves nothing behind when it fails. */
  static async create (folder: string, header: SegmentHeader, environment: Environment): Promise<Segment> {
    const { crc32c, fileSystem, logger } = environment
    const path = segmentPath(folder, header)
    const handle = await fileSystem.open(path, 'createNew', { synchronous: true, direct: true })
    try {
      return await owning(handle, environment, async () => {
        await handle.truncate(headerBytes + header.size)
        await handle.write([encodeSegmentHeader(header, crc32c)], 0)
        await handle.datasync()
        await fileSystem.syncDirectory(segmentsPath(folder))
        return new Segment(handle, path, header)
      })
    } catch (error) {
      try { await fileSystem.remove(path) } catch (cause) { logger.debug('a segment that could not be made is left for the next opener to remove', { path, cause: String(cause) }) }
      throw error
    }
  }

  /** Rejects with NOT_FOUND when it, or its header, was never made. */
  static async open (folder: string, id: SegmentId, environment: Environment, mode: 'read' | 'update' = 'read'): Promise<Segment> {
    const path = segmentPath(folder, id)
    const handle = await environment.fileSystem.open(path, mode, { direct: true, synchronous: true })
    return await owning(handle, environment, async () => {
      const bytes = new Uint8Array(headerBytes)
      bytes.fill(0, await handle.read(bytes, 0))
      const header = decodeSegmentHeader(bytes, environment.crc32c, path)
      if (header === undefined) throw new StreambedError('NOT_FOUND', `the segment has no header, or a damaged one. path=${path}`)
      return new Segment(handle, path, header)
    })
  }

  get salt (): Uint8Array { return this.header.salt }
  /** First position past its place for batches. */
  get limit (): number { return this.header.start + this.header.size }

  /** Whether it has the size that it was given before its first batch: what is shorter has lost batches, or may have. */
  async isWhole (): Promise<boolean> { return await this.#handle.size() >= headerBytes + this.header.size }

  async read (target: Uint8Array, position: number): Promise<void> {
    target.fill(0, await this.#handle.read(target, headerBytes + position - this.header.start))
  }

  /** Durable when it resolves. */
  async write (chunks: readonly Uint8Array[], position: number): Promise<void> {
    await this.#handle.write(chunks, headerBytes + position - this.header.start)
  }

  async close (): Promise<void> { await this.#handle.close() }
}
