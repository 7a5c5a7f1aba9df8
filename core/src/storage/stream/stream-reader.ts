import { StreambedError } from '@streambed/sdk'
import type { LogCache } from '../cache/log-cache.ts'
import type { ReadAhead } from '../cache/read-ahead.ts'
import type { Catalog, ObjectFacts, StreamId, StreamRange } from '../catalog/catalog.ts'
import { blockCost, type BlockEntry } from '../object/object-format.ts'
import type { ObjectReader } from '../object/object-reader.ts'
import { costOf, endOffsetOf, type StreamBatch } from './stream-batch.ts'

export interface FetchOptions {
  /** Payload bytes to return at most … */
  readonly bytesMax: number
  /** … and what the batches may cost in memory; left out: anything … */
  readonly costMax?: number
  /** … but the first batch in any case. */
  readonly atLeastOneBatch: boolean
  /** No batch that begins at or after this offset. */
  readonly endOffset?: number
}

export interface FetchResult {
  readonly batches: readonly StreamBatch[]
  /** Of payload. */
  readonly bytes: number
  /** See `costOf`; less than `costMax`, unless that is why there are no more. */
  readonly cost: number
}

/** What the reader needs to know of a stream. */
interface ReadableStream {
  readonly streamId: StreamId
  readonly startOffset: number
  readonly confirmedOffset: number
}

interface StreamReaderParts {
  readonly cache: LogCache
  readonly catalog: Catalog
  readonly objects: ObjectReader
  readonly readAhead: ReadAhead
}

const nothing: FetchResult = Object.freeze({ batches: Object.freeze([]), bytes: 0, cost: 0 })

/** Collects batches up to its limits. */
class Collector {
  readonly batches: StreamBatch[] = []
  bytes = 0
  cost = 0
  readonly #options: FetchOptions
  readonly #costMax: number
  readonly #endOffset: number

  constructor (options: FetchOptions, confirmedOffset: number) {
    this.#options = options
    this.#costMax = options.costMax ?? Infinity
    this.#endOffset = Math.min(options.endOffset ?? Infinity, confirmedOffset)
  }

  /** Takes `batch` if it fits; false when the collection is complete. */
  take (batch: StreamBatch): boolean {
    if (batch.baseOffset >= this.#endOffset) return false
    const mustTake = this.batches.length === 0 && this.#options.atLeastOneBatch
    if (!mustTake && (this.bytes + batch.bytes.length > this.#options.bytesMax || this.cost >= this.#costMax)) return false
    this.batches.push(batch)
    this.bytes += batch.bytes.length
    this.cost += costOf(batch)
    return this.bytes < this.#options.bytesMax && this.cost < this.#costMax
  }
}

/** The read path: log cache, then block cache, then object store. Holds no state of its own. */
export class StreamReader {
  readonly #parts: StreamReaderParts
  constructor (parts: StreamReaderParts) { this.#parts = parts }

  fetchCached (stream: ReadableStream, offset: number, options: FetchOptions): FetchResult | undefined {
    checkRange(stream, offset)
    if (offset === stream.confirmedOffset) return nothing
    const run = this.#parts.cache.run(stream.streamId)
    if (run === undefined || run.startOffset > offset) return undefined
    const collector = new Collector(options, stream.confirmedOffset)
    for (let index = run.indexOf(offset), batch = run.at(index); batch !== undefined; batch = run.at(++index)) {
      if (!collector.take(batch)) break
    }
    return collector
  }

  async fetch (stream: ReadableStream, offset: number, options: FetchOptions): Promise<FetchResult> {
    const cached = this.fetchCached(stream, offset, options)
    if (cached !== undefined) return cached
    const collector = new Collector(options, stream.confirmedOffset)
    let at = offset
    for (;;) {
      const range = this.#parts.catalog.rangeAt(stream.streamId, at)
      if (range === undefined) break
      try {
        if (await this.#collectRange(stream.streamId, range, at, collector, options.bytesMax)) return collector
      } catch (error) {
        // What comes before damage is served; who reads on from there meets it.
        if (collector.batches.length === 0) throw error
        return collector
      }
      at = range.endOffset
    }
    // The rest, past the last object, is in the log cache.
    const run = this.#parts.cache.run(stream.streamId)
    if (run !== undefined) {
      for (let index = run.indexOf(at), batch = run.at(index); batch !== undefined; batch = run.at(++index)) {
        if (!collector.take(batch)) break
      }
    }
    return collector
  }

  async findTimestamp (stream: ReadableStream, timestamp: number, fromOffset: number): Promise<StreamBatch | undefined> {
    const { cache, catalog, objects } = this.#parts
    const isHit = (found: StreamBatch): boolean => found.largestTimestamp >= timestamp && endOffsetOf(found) > fromOffset
    let at = fromOffset
    for (const range of catalog.ranges(stream.streamId)) {
      at = Math.max(at, range.endOffset)
      if (range.endOffset <= fromOffset || range.largestTimestamp < timestamp) continue
      const object = catalog.object(range.objectId)
      if (object === undefined) continue
      for (const entry of await objects.blocksOf(object, stream.streamId)) {
        // The object may hold later pieces of the stream, too.
        if (entry.startOffset >= range.endOffset) break
        if (entry.endOffset <= Math.max(fromOffset, range.startOffset) || entry.largestTimestamp < timestamp) continue
        const hit = (await objects.read(object, entry)).find(isHit)
        if (hit !== undefined) return hit
      }
    }
    const run = cache.run(stream.streamId)
    if (run === undefined) return undefined
    for (let index = run.indexOf(at), batch = run.at(index); batch !== undefined && endOffsetOf(batch) <= stream.confirmedOffset; batch = run.at(++index)) {
      if (isHit(batch)) return batch
    }
    return undefined
  }

  largestTimestamp (stream: ReadableStream): number {
    let largest = -1
    for (const range of this.#parts.catalog.ranges(stream.streamId)) largest = Math.max(largest, range.largestTimestamp)
    const run = this.#parts.cache.run(stream.streamId)
    if (run === undefined) return largest
    for (let index = run.indexOf(stream.startOffset), batch = run.at(index); batch !== undefined; batch = run.at(++index)) largest = Math.max(largest, batch.largestTimestamp)
    return largest
  }

  /** Takes what `range` holds from `offset` on; true when the collection is complete. */
  async #collectRange (streamId: StreamId, range: StreamRange, offset: number, collector: Collector, bytesMax: number): Promise<boolean> {
    const { catalog, objects, readAhead } = this.#parts
    const object = catalog.object(range.objectId)
    if (object === undefined) throw new StreambedError('CORRUPT', `the catalog names an object that it does not have. stream=${streamId} object=${range.objectId}`)
    const entries = (await objects.blocksOf(object, streamId)).filter(entry => entry.endOffset > offset && entry.startOffset < range.endOffset)
    if (entries.length === 0) throw new StreambedError('CORRUPT', `object lacks what the catalog says it holds. stream=${streamId} object=${range.objectId} offset=${offset}`)
    const ahead = Math.max(0, bytesMax - collector.bytes) + readAhead.windowAt(streamId, offset)
    const leftOver = this.#prefetch(object, entries, ahead)
    if (leftOver > 0) this.#prefetchNext(streamId, range.endOffset, leftOver)
    for (const entry of entries) {
      for (const batch of await objects.read(object, entry)) {
        if (endOffsetOf(batch) <= offset) continue
        const isComplete = !collector.take(batch)
        if (collector.batches.at(-1) === batch) readAhead.onRead(streamId, endOffsetOf(batch))
        if (isComplete) return true
      }
    }
    return false
  }

  /** Prefetches the first of `entries` that cost `bytes` in memory, at least one; gives the bytes left over when all do not. */
  #prefetch (object: ObjectFacts, entries: readonly BlockEntry[], bytes: number): number {
    let count = 0
    let left = bytes
    for (; count < entries.length && (count === 0 || left > 0); count++) left -= blockCost(entries[count]!)
    this.#parts.objects.prefetch(object, entries.slice(0, count))
    return count < entries.length ? 0 : left
  }

  /** Reads ahead into the object that follows. Nobody waits for it: what fails here fails again when it is read. */
  #prefetchNext (streamId: StreamId, offset: number, bytes: number): void {
    const range = this.#parts.catalog.rangeAt(streamId, offset)
    const object = range === undefined ? undefined : this.#parts.catalog.object(range.objectId)
    if (object === undefined) return
    const isOfRange = (entry: BlockEntry): boolean => entry.endOffset > offset && entry.startOffset < range!.endOffset
    this.#parts.objects.blocksOf(object, streamId).then(entries => { this.#prefetch(object, entries.filter(isOfRange), bytes) }, () => undefined)
  }
}

function checkRange (stream: ReadableStream, offset: number): void {
  if (offset >= stream.startOffset && offset <= stream.confirmedOffset) return
  throw new StreambedError('OUT_OF_RANGE', `offset is outside the stream. stream=${stream.streamId} offset=${offset} start=${stream.startOffset} end=${stream.confirmedOffset}`)
}
