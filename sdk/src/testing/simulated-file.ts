import type { Random } from '../environment.ts'

export const sectorBytes = 512
export const pageBytes = 4096
const sectorsPerPage = pageBytes / sectorBytes
const zeroPage = new Uint8Array(pageBytes)

/** What a sync has set out to make durable: page contents and size as they were when it began. */
export interface SyncCapture { readonly pages: ReadonlyMap<number, Uint8Array>, readonly size: number }

/**
 * The bytes of one file, in pages: what programs see (`#seen`) and what the medium holds (`#durable`). A page is shared
 * by both until it is written, so a write costs the pages it touches, whatever the file's size.
 */
export class SimulatedFile {
  readonly kind: 'file' | 'blockDevice'
  modifiedMs: number
  #size: number
  #durableSize: number
  readonly #seen = new Map<number, Uint8Array>()
  readonly #durable = new Map<number, Uint8Array>()
  /** Pages whose seen bytes the medium may not hold. */
  readonly #dirty = new Set<number>()
  /** Dirty pages that a running sync has captured: the next write to one takes a fresh copy. */
  readonly #captured = new Set<number>()

  constructor (kind: 'file' | 'blockDevice', size: number, modifiedMs: number) {
    this.kind = kind
    this.modifiedMs = modifiedMs
    this.#size = size
    this.#durableSize = size
  }

  get size (): number { return this.#size }
  get pageCount (): number { return this.#seen.size }

  /** Pages that a write of [position, position + count) would add: what it costs of a disk's capacity. */
  newPages (position: number, count: number): number {
    let pages = 0
    for (let page = Math.floor(position / pageBytes); page * pageBytes < position + count; page++) if (!this.#seen.has(page)) pages++
    return pages
  }

  /** The file as programs see it now, all of it durable: a copy that later writes to either leave alone. */
  copy (): SimulatedFile {
    const copy = new SimulatedFile(this.kind, this.#size, this.modifiedMs)
    for (const [page, bytes] of this.#seen) {
      // Only a dirty page is ever written in place.
      const kept = this.#dirty.has(page) ? bytes.slice() : bytes
      copy.#seen.set(page, kept)
      copy.#durable.set(page, kept)
    }
    return copy
  }

  read (target: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(target.length, this.#size - position))
    for (let done = 0; done < count;) {
      const at = (position + done) % pageBytes
      const take = Math.min(pageBytes - at, count - done)
      const page = this.#seen.get(Math.floor((position + done) / pageBytes)) ?? zeroPage
      target.set(page.subarray(at, at + take), done)
      done += take
    }
    return count
  }

  write (bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      const at = (position + done) % pageBytes
      const take = Math.min(pageBytes - at, bytes.length - done)
      this.#writablePage(Math.floor((position + done) / pageBytes)).set(bytes.subarray(done, done + take), at)
      done += take
    }
    this.#size = Math.max(this.#size, position + bytes.length)
  }

  truncate (size: number): void {
    const keptPages = Math.ceil(size / pageBytes)
    for (const page of this.#seen.keys()) {
      if (page < keptPages) continue
      this.#seen.delete(page)
      this.#dirty.add(page)
      this.#captured.delete(page)
    }
    if (size < this.#size && size % pageBytes !== 0 && this.#seen.has(keptPages - 1)) this.#writablePage(keptPages - 1).fill(0, size % pageBytes)
    this.#size = size
  }

  beginSync (): SyncCapture {
    const pages = new Map<number, Uint8Array>()
    for (const page of this.#dirty) this.#capture(page, pages)
    return { pages, size: this.#size }
  }

  /** For a synchronous write: only its own range becomes durable, in whole pages. */
  beginRangeSync (position: number, count: number): SyncCapture {
    const pages = new Map<number, Uint8Array>()
    for (let page = Math.floor(position / pageBytes); page * pageBytes < position + count; page++) if (this.#dirty.has(page)) this.#capture(page, pages)
    return { pages, size: this.#size }
  }

  endSync (capture: SyncCapture): void {
    for (const [page, bytes] of capture.pages) {
      this.#durable.set(page, bytes)
      if ((this.#seen.get(page) ?? zeroPage) === bytes) this.#dirty.delete(page)
    }
    this.#durableSize = capture.size
  }

  /** FS-3: the sync failed. Some sectors reached the medium; the others count as clean although they never will. */
  failSync (random: Random): void {
    for (const page of this.#dirty) {
      this.#durable.set(page, this.#tornPage(page, random))
      this.#captured.add(page)
    }
    this.#dirty.clear()
    this.#durableSize = this.#size
  }

  /** The power failed: any subset of the unsynced sectors is kept. */
  crash (random: Random): void {
    for (const page of this.#dirty) this.#durable.set(page, this.#tornPage(page, random))
    this.#dirty.clear()
    this.#captured.clear()
    if (this.#size !== this.#durableSize) this.#size = random.fraction() < 0.5 ? this.#size : this.#durableSize
    this.#durableSize = this.#size
    this.#seen.clear()
    for (const [page, bytes] of this.#durable) {
      if (page * pageBytes >= this.#size) this.#durable.delete(page)
      else this.#seen.set(page, bytes)
    }
    const rest = this.#size % pageBytes
    if (rest !== 0) this.#seen.get(Math.floor(this.#size / pageBytes))?.fill(0, rest)
  }

  #capture (page: number, pages: Map<number, Uint8Array>): void {
    pages.set(page, this.#seen.get(page) ?? zeroPage)
    this.#captured.add(page)
  }

  #tornPage (page: number, random: Random): Uint8Array {
    const old = this.#durable.get(page) ?? zeroPage
    const seen = this.#seen.get(page) ?? zeroPage
    // A write is as often lost whole or kept whole as it is torn.
    const keptChance = [0, 1, 0.5][Math.floor(random.fraction() * 3)]!
    const torn = old.slice()
    for (let sector = 0; sector < sectorsPerPage; sector++) {
      if (random.fraction() >= keptChance) continue
      torn.set(seen.subarray(sector * sectorBytes, (sector + 1) * sectorBytes), sector * sectorBytes)
    }
    return torn
  }

  /** A page that neither the durable image nor a running sync shares. */
  #writablePage (page: number): Uint8Array {
    const seen = this.#seen.get(page)
    if (seen !== undefined && this.#dirty.has(page) && !this.#captured.has(page)) return seen
    const fresh = seen === undefined ? new Uint8Array(pageBytes) : seen.slice()
    this.#seen.set(page, fresh)
    this.#dirty.add(page)
    this.#captured.delete(page)
    return fresh
  }
}
