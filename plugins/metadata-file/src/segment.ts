import type { Environment, FileHandle } from '@streambed/sdk'
import { corrupt } from './errors.ts'
import { decodeFrame } from './frame.ts'
import { encodeSegmentHeader, readSegment, segmentHeaderBytes } from './segment-content.ts'

const nothing = new Uint8Array(0)
const pageBytes = 2 ** 20

/** One file of the log: entries from position `start` on. */
export class Segment {
  readonly file: string
  readonly start: number
  readonly #environment: Environment
  readonly #handle: FileHandle
  /** Of each frame the position of its first entry and its place in the file; both ascending. */
  readonly #frameFirsts: number[] = []
  readonly #framePlaces: number[] = []
  /** Of the last file of the log, between its opening and `settleTail`. */
  #lastFrame: Uint8Array = nothing
  #end: number
  #byteEnd = segmentHeaderBytes

  /** Makes the file, which must not exist; durable, name included, when it resolves. When it rejects, it may be there. */
  static async create (environment: Environment, file: string, folder: string, start: number): Promise<Segment> {
    const { fileSystem, crc32c } = environment
    const handle = await fileSystem.open(file, 'createNew')
    try {
      await handle.write([encodeSegmentHeader(start, crc32c)], 0)
      await handle.datasync()
      await fileSystem.syncDirectory(folder)
      return new Segment(environment, file, handle, start)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /**
   * Opens and verifies the file. What follows the last sound group may be there in the last one of the log, when a write that
   * never ended can have left it, for it was never confirmed: `settleTail` cuts it. All else is CORRUPT. Nothing is changed.
   */
  static async open (environment: Environment, file: string, start: number, isLast: boolean): Promise<Segment> {
    const bytes = await environment.fileSystem.readFile(file)
    const content = readSegment(bytes, { file, start, isLast }, environment)
    if (content.problem !== undefined) throw content.problem
    const handle = await environment.fileSystem.open(file, 'update')
    try {
      const segment = new Segment(environment, file, handle, start)
      for (const { first, count, size } of content.frames) segment.#add(first, count, size)
      const place = segment.#framePlaces.at(-1)
      // As it was verified, not as a second reading may show it.
      if (isLast && place !== undefined) segment.#lastFrame = bytes.slice(place, segment.#byteEnd)
      return segment
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  private constructor (environment: Environment, file: string, handle: FileHandle, start: number) {
    this.#environment = environment
    this.file = file
    this.#handle = handle
    this.start = start
    this.#end = start
  }

  /** The position after the last entry. */
  get end (): number { return this.#end }

  get size (): number { return this.#byteEnd }

  /** Writes a frame of `count` entries behind the last and makes it durable. After a failure the tail is in doubt. */
  async append (frame: Uint8Array, count: number): Promise<void> {
    await this.#handle.write([frame], this.#byteEnd)
    await this.#handle.datasync()
    this.#add(this.#end, count, frame.length)
  }

  /** Makes a file ready to be appended to that was the last of the log when it was opened. */
  async settleTail (): Promise<void> {
    const size = await this.#handle.size()
    if (this.#byteEnd < size) this.#environment.logger.warn('cut a write that never ended', { path: this.file, at: this.#byteEnd, bytes: size - this.#byteEnd })
    // After a sync that failed, the last frame may be in the page cache alone, and clean: written again, it becomes durable.
    const place = this.#framePlaces.at(-1)
    if (place !== undefined) await this.#handle.write([this.#lastFrame], place)
    this.#lastFrame = nothing
    await this.cutTail()
  }

  /** Removes what a failed write, which was never synced, may have left behind the last frame. */
  async cutTail (): Promise<void> {
    await this.#handle.truncate(this.#byteEnd)
    await this.#handle.datasync()
  }

  /** Entries from `from`, which this segment holds; about a mebibyte, verified again. */
  async read (from: number): Promise<Uint8Array[]> {
    const index = this.#frameAt(from)
    const place = this.#framePlaces[index]!
    const frameEnd = this.#framePlaces[index + 1] ?? this.#byteEnd
    const bytes = new Uint8Array(Math.max(frameEnd - place, Math.min(pageBytes, this.#byteEnd - place)))
    const count = await this.#handle.read(bytes, place)
    const entries: Uint8Array[] = []
    let at = 0
    for (let next = index; next < this.#framePlaces.length; next++) {
      if ((this.#framePlaces[next + 1] ?? this.#byteEnd) - place > bytes.length) break
      const frame = decodeFrame(bytes.subarray(0, count), at, this.#environment.crc32c)
      if (frame === undefined || frame.first !== this.#frameFirsts[next]) throw corrupt('a group of entries fails its checksum', this.file, place + at)
      const skipped = Math.max(0, from - frame.first)
      for (let entry = skipped; entry < frame.entries.length; entry++) entries.push(frame.entries[entry]!)
      at += frame.size
    }
    return entries
  }

  async close (): Promise<void> { await this.#handle.close() }

  #add (first: number, count: number, size: number): void {
    this.#frameFirsts.push(first)
    this.#framePlaces.push(this.#byteEnd)
    this.#end = first + count
    this.#byteEnd += size
  }

  /** The last frame that starts at or before `from`: marks of a clean close, without entries, stand before the one meant. */
  #frameAt (from: number): number {
    let low = 0
    let high = this.#frameFirsts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#frameFirsts[middle]! <= from) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
