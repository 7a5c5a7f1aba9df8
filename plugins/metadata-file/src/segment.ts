import { StreambedError } from '@streambed/sdk'
import type { Environment, FileHandle } from '@streambed/sdk'
import { corrupt, newerFormat } from './errors.ts'
import { decodeFrame, findFrame } from './frame.ts'

const headerBytes = 32
const magic = 0x5342_4d4c // SBML
const formatVersion = 1
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
  #end: number
  #byteEnd = headerBytes

  /** Makes the file, which must not exist; durable, name included, when it resolves. When it rejects, it may be there. */
  static async create (environment: Environment, file: string, folder: string, start: number): Promise<Segment> {
    const { fileSystem, crc32c } = environment
    const handle = await fileSystem.open(file, 'createNew')
    try {
      const header = new Uint8Array(headerBytes)
      const view = new DataView(header.buffer)
      view.setUint32(0, magic)
      view.setUint16(4, formatVersion)
      view.setBigUint64(8, BigInt(start))
      view.setUint32(headerBytes - 4, crc32c(header.subarray(0, headerBytes - 4)))
      await handle.write([header], 0)
      await handle.datasync()
      await fileSystem.syncDirectory(folder)
      return new Segment(environment, file, handle, start)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /**
   * Opens and verifies the file. Of the last one of the log, what follows the last sound group is cut when nothing sound
   * follows that: it is a write that never ended, so was never confirmed. All other damage is CORRUPT.
   */
  static async open (environment: Environment, file: string, start: number, isLast: boolean): Promise<Segment> {
    const bytes = await environment.fileSystem.readFile(file)
    checkHeader(bytes, file, start, environment)
    const handle = await environment.fileSystem.open(file, 'update')
    try {
      const segment = new Segment(environment, file, handle, start)
      segment.#scan(bytes)
      if (segment.#byteEnd < bytes.length && !isLast) throw corrupt('a group of entries is not whole', file, segment.#byteEnd)
      if (isLast) await segment.#settleTail(bytes)
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

  #scan (bytes: Uint8Array): void {
    for (;;) {
      const frame = decodeFrame(bytes, this.#byteEnd, this.#environment.crc32c)
      if (frame === undefined) return
      if (frame.first !== this.#end) throw corrupt(`entry ${this.#end} is missing, ${frame.first} is in its place`, this.file, this.#byteEnd)
      this.#add(frame.first, frame.entries.length, frame.size)
    }
  }

  async #settleTail (bytes: Uint8Array): Promise<void> {
    if (this.#byteEnd < bytes.length) {
      const sound = findFrame(bytes, this.#byteEnd + 1, this.#environment.crc32c)
      if (sound !== undefined) throw corrupt(`a group of entries fails its checksum, and a sound one follows at ${sound}`, this.file, this.#byteEnd)
      this.#environment.logger.warn('cut a write that never ended', { path: this.file, at: this.#byteEnd, bytes: bytes.length - this.#byteEnd })
    }
    // After a sync that failed, the last frame may be in the page cache alone, and clean: written again, it becomes durable.
    const place = this.#framePlaces.at(-1)
    if (place !== undefined) await this.#handle.write([bytes.subarray(place, this.#byteEnd)], place)
    await this.cutTail()
  }

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

/** Whether the file at `file` can be the start of a segment that never came into use. */
export async function isUnusedSegment (environment: Environment, file: string, start: number): Promise<boolean> {
  const bytes = await environment.fileSystem.readFile(file)
  if (bytes.length > headerBytes) return false
  try {
    checkHeader(bytes, file, start, environment)
    return false
  } catch (error) {
    if (StreambedError.is(error, 'CORRUPT')) return true
    throw error
  }
}

function checkHeader (bytes: Uint8Array, file: string, start: number, { crc32c }: Environment): void {
  if (bytes.length < headerBytes) throw corrupt('the file is shorter than its header', file)
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes)
  if (view.getUint32(0) !== magic) throw corrupt('not a file of a metadata log', file, 0)
  if (view.getUint32(headerBytes - 4) !== crc32c(bytes.subarray(0, headerBytes - 4))) throw corrupt('the header fails its checksum', file, 0)
  const version = view.getUint16(4)
  if (version !== formatVersion) throw newerFormat(version, formatVersion, file)
  const found = Number(view.getBigUint64(8))
  if (found !== start) throw corrupt(`the file holds entries from ${found}, its name says ${start}`, file, 0)
}
