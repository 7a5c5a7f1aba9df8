import { abortedError } from '../environment.ts'
import { StreambedError } from '../errors.ts'
import type { MetadataLog, MetadataLogCapabilities, MetadataPage, MetadataSnapshot } from '../metadata-log.ts'
import type { MetadataRepair } from '../plugin.ts'

export const memoryMetadataLogCapabilities: MetadataLogCapabilities = Object.freeze({
  scope: 'process',
  isShared: true,
  entryBytesMax: 2 ** 20
})

/** As many entries as one page holds: few enough that tests see more than one page. */
const pageEntriesMax = 100

/** What the logs that share it keep. It outlives them. */
export class MemoryMetadataMedium {
  /** The entries from `start`. */
  readonly entries: Uint8Array[] = []
  start = 0
  snapshot: MetadataSnapshot | undefined
  /** Entries from this position on cannot be read; undefined: all can. */
  damagedFrom: number | undefined
  readonly waiters = new Set<() => void>()

  get end (): number { return this.start + this.entries.length }

  /** See `MetadataLogPlugin.repair`. */
  repair (): MetadataRepair {
    const { damagedFrom, end } = this
    if (damagedFrom === undefined) return { end, setAside: [], lostFrom: undefined }
    this.damagedFrom = undefined
    this.entries.splice(damagedFrom - this.start)
    return { end: damagedFrom, setAside: ['damaged'], lostFrom: damagedFrom }
  }
}

/** A metadata log in memory; several on one medium are the logs of several brokers. */
export class MemoryMetadataLog implements MetadataLog {
  readonly #medium: MemoryMetadataMedium
  readonly #closing = new AbortController()

  constructor (medium: MemoryMetadataMedium = new MemoryMetadataMedium()) { this.#medium = medium }

  async append (expectedEnd: number, entries: readonly Uint8Array[]): Promise<void> {
    this.#begin(expectedEnd)
    if (entries.length === 0) throw invalid('there is no entry to append')
    const tooLarge = entries.find(entry => entry.length > memoryMetadataLogCapabilities.entryBytesMax)
    if (tooLarge !== undefined) throw invalid(`an entry is too large. size=${tooLarge.length}`)
    const medium = this.#medium
    if (medium.end !== expectedEnd) throw new StreambedError('CONFLICT', `the log has another end. expected=${expectedEnd} end=${medium.end}`)
    for (const entry of entries) medium.entries.push(entry.slice())
    for (const wake of [...medium.waiters]) wake()
  }

  async read (from: number): Promise<MetadataPage> {
    this.#begin(from)
    const { damagedFrom, start, end, entries } = this.#medium
    if (from < start || from > end) throw new StreambedError('OUT_OF_RANGE', `the log does not hold that position. from=${from} start=${start} end=${end}`)
    if (damagedFrom !== undefined && end > damagedFrom) throw new StreambedError('CORRUPT', `the log is damaged. position=${damagedFrom}`)
    return { entries: entries.slice(from - start, from - start + pageEntriesMax).map(entry => entry.slice()), end }
  }

  async waitForGrowth (from: number, options: { readonly signal: AbortSignal }): Promise<void> {
    this.#begin(from)
    const { signal } = options
    if (signal.aborted) throw abortedError(signal)
    const medium = this.#medium
    if (medium.end > from) return
    await new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        medium.waiters.delete(onGrowth)
        signal.removeEventListener('abort', onAbort)
        this.#closing.signal.removeEventListener('abort', onClose)
        finish()
      }
      const onGrowth = (): void => { if (medium.end > from) settle(resolve) }
      const onAbort = (): void => { settle(() => { reject(abortedError(signal)) }) }
      const onClose = (): void => { settle(() => { reject(closed()) }) }
      medium.waiters.add(onGrowth)
      signal.addEventListener('abort', onAbort)
      this.#closing.signal.addEventListener('abort', onClose)
    })
  }

  async writeSnapshot (at: number, state: Uint8Array): Promise<void> {
    this.#begin(at)
    const medium = this.#medium
    if (at > medium.end) throw invalid(`the snapshot is past the end. at=${at} end=${medium.end}`)
    if (medium.snapshot === undefined || medium.snapshot.at <= at) medium.snapshot = { at, state: state.slice() }
  }

  async latestSnapshot (): Promise<MetadataSnapshot | undefined> {
    this.#begin(0)
    const { snapshot } = this.#medium
    return snapshot === undefined ? undefined : { at: snapshot.at, state: snapshot.state.slice() }
  }

  async truncateBefore (position: number): Promise<void> {
    this.#begin(position)
    const medium = this.#medium
    if (position <= medium.start) return
    if (medium.snapshot === undefined || medium.snapshot.at < position) throw invalid(`no snapshot at or after the position. position=${position}`)
    medium.entries.splice(0, position - medium.start)
    medium.start = position
  }

  async close (): Promise<void> { this.#closing.abort() }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  #begin (position: number): void {
    if (this.#closing.signal.aborted) throw closed()
    if (!Number.isSafeInteger(position) || position < 0) throw invalid(`not a position. position=${position}`)
  }
}

function closed (): StreambedError { return new StreambedError('CLOSED', 'the metadata log is closed') }
function invalid (message: string): StreambedError { return new StreambedError('INVALID_ARGUMENT', message) }
