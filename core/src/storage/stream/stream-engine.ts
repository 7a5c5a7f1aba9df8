import { StreambedError, type Environment, type ObjectStore, type Wal, type WalPosition, type WalRecord } from '@streambed/sdk'
import { LogCache } from '../cache/log-cache.ts'
import type { Catalog, StreamId } from '../catalog/catalog.ts'
import { LostEndError } from '../catalog/lost-end.ts'
import { GarbageCollector } from '../garbage/garbage-collector.ts'
import { ObjectMover } from '../garbage/object-mover.ts'
import { ObjectReader } from '../object/object-reader.ts'
import { ReadAhead } from '../cache/read-ahead.ts'
import type { StorageOptions } from '../options.ts'
import { Uploader } from '../upload/uploader.ts'
import { WalRecordDecoder, encodeWalMark, encodeWalRecord, walRecordHeaderBytes, type WalEntry } from '../wal/wal-record.ts'
import { StreamReader } from './stream-reader.ts'
import { costOf, endOffsetOf, type StreamBatch } from './stream-batch.ts'
import { Stream, type Appended } from './stream.ts'

export interface StreamEngineParts {
  readonly wal: Wal
  /** Every store that holds objects, by its name in the catalog; new objects go to `options.store`. */
  readonly stores: ReadonlyMap<string, ObjectStore>
  readonly catalog: Catalog
  readonly environment: Environment
  readonly options: StorageOptions
  /**
   * Recovers what can be recovered where opening would else be refused; the WAL keeps all that it holds. Told of each thing that is
   * given up.
   */
  readonly onGivenUp?: (lost: GivenUp) => void
}

/** What a salvage leaves behind: the rest of a WAL that cannot be read, or a record that has no place. */
export interface GivenUp {
  readonly problem: StreambedError
  /** What an opening would be refused for, while the record that shows it is good. */
  readonly isKept?: boolean
  /** Absent: all from here on, unless it is kept. */
  readonly record?: { readonly streamId: StreamId, readonly startOffset: number, readonly endOffset: number }
}

/** Room of the WAL, in bytes, left unused for its own headers and padding. */
const walHeadroomBytes = 1024 * 1024
/** From this share of the room on, what there is gets uploaded, however little it is … */
const uploadFromPressure = 0.5
/**
 * … and so is a segment that costs this share of the memory for what waits, as tiny batches do long before their bytes make an upload.
 * Recovery waits for it: what is read meanwhile would only wait too.
 */
const segmentShare = 0.25
const indexCacheBytesMax = 32 * 1024 * 1024
const readAheadStreamsMax = 1_000
const getBytesMax = 4 * 1024 * 1024

/**
 * Streams over a WAL, an object store and a catalog. Bytes are acknowledged once the WAL holds them; the WAL is trimmed
 * only past what a committed object holds; a reader sees only acknowledged bytes.
 */
export class StreamEngine implements AsyncDisposable {
  readonly #parts: StreamEngineParts
  readonly #cache: LogCache
  readonly #uploader: Uploader
  readonly #garbage: GarbageCollector
  readonly #mover: ObjectMover
  readonly #reader: StreamReader
  readonly #streams = new Map<StreamId, Stream>()
  readonly #failed = Promise.withResolvers<unknown>()
  #failure: StreambedError | undefined
  #isClosed = false
  /** Of the batches on their way into the WAL. */
  #inFlightCost = 0
  /** The last record that recovery found to be of no use any more. */
  #notNeeded: WalPosition | undefined

  private constructor (parts: StreamEngineParts) {
    this.#parts = parts
    const { catalog, environment, options, stores, wal } = parts
    const store = stores.get(options.store)
    if (store === undefined) throw new StreambedError('MISCONFIGURED', `no object store has the default's name. store=${options.store} known=${[...stores.keys()].join(',')}`)
    const readAhead = new ReadAhead({ bytesMin: options.blockBytes, bytesMax: options.readAheadBytesMax, streamsMax: readAheadStreamsMax })
    const objects = new ObjectReader(stores, environment, { blockCacheBytesMax: options.blockCacheBytesMax, indexCacheBytesMax, getBytesMax, onWasted: () => readAhead.onWasted(), nameOf: streamId => catalog.nameOf(streamId) })
    this.#cache = new LogCache({ bytesMax: options.logCacheBytesMax })
    this.#reader = new StreamReader({ cache: this.#cache, catalog, objects, readAhead })
    this.#uploader = new Uploader({ cache: this.#cache, wal, catalog, store, environment, options, onFailed: error => this.#fail(error) })
    this.#mover = new ObjectMover({ catalog, objects, store, environment, options })
    this.#garbage = new GarbageCollector({ catalog, stores, environment, options, mover: this.#mover, onFailed: error => this.#fail(error) })
  }

  /**
   * Recovers what the WAL holds and resolves with an engine that reads, appends and uploads; the WAL keeps all that it holds, and nothing
   * is deleted, before `serve`. The caller still owns WAL, stores and catalog.
   */
  static async open (parts: StreamEngineParts): Promise<StreamEngine> {
    const engine = new StreamEngine(parts)
    engine.#uploader.start()
    try {
      await engine.#recover()
    } catch (error) {
      await engine.#uploader.close()
      throw error
    }
    return engine
  }

  /**
   * Once the catalog knows that this node serves: the WAL gives up what objects hold, and garbage is looked for. An opening that fails before
   * has trimmed and deleted nothing.
   */
  async serve (): Promise<void> {
    const { catalog, wal } = this.#parts
    if (this.#notNeeded !== undefined && this.#cache.pendingCost === 0) {
      if (this.#notNeeded > catalog.walReach) await catalog.commitObjects([], this.#notNeeded)
      await wal.trim(this.#notNeeded)
    }
    await this.#uploader.allowTrims()
    // What earlier writers left holds up room that a WAL may have little of: places for the logs of those that it took over from.
    this.#uploader.relieve()
    this.#garbage.start()
  }

  /** Resolves with the error after which this engine confirms nothing more; it must be opened anew, or left if FENCED. */
  get failed (): Promise<unknown> { return this.#failed.promise }

  /** The share of the room for data not yet uploaded that is taken, 0 to 1: what back-pressure goes by. */
  get pressure (): number { return this.#pressureWith(0, 0) }

  /** The stream, which the catalog must know. Throws NOT_FOUND. Repeated calls give the same object. */
  stream (streamId: StreamId): Stream {
    const open = this.#streams.get(streamId)
    if (open !== undefined) return open
    const facts = this.#parts.catalog.stream(streamId)
    if (facts === undefined) throw new StreambedError('NOT_FOUND', `no such stream. stream=${streamId}`)
    const stream = new Stream({
      facts,
      append: (appended, batch) => this.#append(appended, batch),
      batchBytesMax: () => this.#parts.wal.usage().recordBytesMax - walRecordHeaderBytes,
      reader: this.#reader,
      catalog: this.#parts.catalog
    })
    this.#streams.set(streamId, stream)
    return stream
  }

  /** Forgets a stream that the catalog has deleted. What the cache holds of it leaves with its segments. */
  forget (streamId: StreamId): void { this.#streams.delete(streamId) }

  /** Resolves once every batch confirmed before the call is in a committed object and trimmed from the WAL. */
  flush (): Promise<void> { return this.#uploader.flush() }

  /** Deletes what no stream needs, now. Resolves with the count of objects. */
  collectGarbage (): Promise<number> { return this.#garbage.collect() }

  /** The next step of the slow search for objects that nothing needs. Resolves with the count of those deleted. */
  sweepObjects (): Promise<number> { return this.#garbage.sweep() }

  /** Moves what is live of objects that are mostly dead, once; see ObjectMover. Resolves with the count of objects that are needed no more. */
  moveObjects (): Promise<number> { return this.#mover.move(new AbortController().signal) }

  /**
   * Writes into the WAL how far the catalog reached when the node came back, or, once it serves, by now: the first word of a node, and
   * its last before a clean end, so that an older copy of the catalog is recognised. Resolves with its position. Rejects as an append does.
   */
  async mark (): Promise<WalPosition> {
    if (this.#failure !== undefined) throw this.#failure
    const { catalog, wal } = this.#parts
    return await wal.append(encodeWalMark(Math.min(catalog.position, catalog.foundPosition)))
  }

  async close (): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#uploader.close(), this.#garbage.close()])
  }

  [Symbol.asyncDispose] (): Promise<void> { return this.close() }

  /** Decides at once: what it refuses has taken no offset. */
  #append (stream: Stream, batch: StreamBatch): Appended {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isClosed) throw new StreambedError('CLOSED', 'the stream engine is closed')
    const pressure = this.#pressureWith(batch.bytes.length, costOf(batch))
    // Small records fill a WAL with their padding long before there is enough of them for an upload.
    if (pressure > uploadFromPressure) this.#uploader.relieve()
    if (pressure > 1) throw new StreambedError('OVER_CAPACITY', `too much waits for upload. stream=${stream.streamId} bytes=${batch.bytes.length}`)
    stream.advance(batch)
    return { durable: this.#write(stream, batch) }
  }

  async #write (stream: Stream, batch: StreamBatch): Promise<void> {
    const { catalog, wal } = this.#parts
    const cost = costOf(batch)
    this.#inFlightCost += cost
    let position: WalPosition
    try {
      position = await wal.append(encodeWalRecord({ streamId: stream.streamId, streamEpoch: stream.epoch, catalogPosition: catalog.position }, batch))
    } catch (error) {
      // Offsets after this one are handed out already: no later append may be confirmed before recovery (W-3).
      const failure = this.#fail(error)
      throw StreambedError.is(error, 'OVER_CAPACITY', 'INVALID_ARGUMENT') ? failure : inDoubt(error)
    } finally {
      this.#inFlightCost -= cost
    }
    if (this.#failure !== undefined) throw inDoubt(this.#failure)
    this.#confirm(stream, batch, position)
  }

  /** `bytes` of payload, which cost as much in memory, on top of what waits already. */
  #pressureWith (bytes: number, cost: number): number {
    const { options, wal } = this.#parts
    const { usedBytes, capacityBytes } = wal.usage()
    const ofWal = (usedBytes + bytes) / Math.max(1, capacityBytes - walHeadroomBytes)
    const ofMemory = (this.#cache.pendingCost + this.#inFlightCost + cost) / options.pendingBytesMax
    return Math.max(ofWal, ofMemory)
  }

  #confirm (stream: Stream, batch: StreamBatch, position: WalPosition): void {
    this.#cache.add(stream, batch, position, this.#parts.environment.clock)
    stream.confirm(endOffsetOf(batch))
    this.#uploader.onGrowth()
    if (this.#cache.activeCost >= this.#parts.options.pendingBytesMax * segmentShare) this.#uploader.relieve()
  }

  async #recover (): Promise<void> {
    const { environment, onGivenUp, options, wal } = this.#parts
    const records = wal.recover()[Symbol.asyncIterator]()
    const decoder = new WalRecordDecoder()
    let bytes = 0
    try {
      for (;;) {
        let next: IteratorResult<WalRecord>
        try {
          next = await records.next()
        } catch (error) {
          // In a salvage it is read up to where it can be.
          if (onGivenUp === undefined || !StreambedError.is(error, 'CORRUPT')) throw error
          onGivenUp({ problem: error })
          break
        }
        if (next.done === true) break
        bytes += this.#recoverRecord(next.value, decoder)
        // A WAL larger than memory is uploaded while it is read.
        if (this.#cache.pendingCost > options.pendingBytesMax * segmentShare) await this.#uploader.flush()
      }
    } finally {
      await records.return?.()
    }
    if (bytes > 0) environment.logger.info('recovered from the WAL', { bytes })
  }

  /** Takes what a record holds into the cache, if nobody has it yet; gives its bytes of payload, 0 for one that is of no use any more. */
  #recoverRecord ({ data, position }: WalRecord, decoder: WalRecordDecoder): number {
    const { catalog, onGivenUp } = this.#parts
    const entry = decoder.decode(data)
    const lost = lostCatalog(catalog, entry, position)
    if (lost !== undefined) {
      // In a salvage a record of a known stream is good for what it continues, whatever else is missing.
      if (onGivenUp === undefined || isUnknown(catalog, entry)) this.#giveUp(lost, entry)
      else onGivenUp({ problem: lost, isKept: true })
    }
    const stream = this.#streamOf(entry)
    if (entry.kind === 'mark' || stream === undefined || endOffsetOf(entry.batch) <= stream.confirmedOffset) {
      this.#notNeeded = position
      return 0
    }
    const { batch } = entry
    if (batch.baseOffset !== stream.confirmedOffset) {
      this.#giveUp(gap(stream, batch, position), entry)
      return 0
    }
    stream.advance(batch)
    this.#confirm(stream, batch, position)
    return batch.bytes.length
  }

  /** Throws `problem`, which refuses the opening; in a salvage it is only told. */
  #giveUp (problem: StreambedError, entry: WalEntry): void {
    const { onGivenUp } = this.#parts
    if (onGivenUp === undefined) throw problem
    if (entry.kind === 'batch') onGivenUp({ problem, record: { streamId: entry.streamId, startOffset: entry.batch.baseOffset, endOffset: endOffsetOf(entry.batch) } })
  }

  /** The stream that a record belongs to; undefined when it was deleted, or has moved since. */
  #streamOf (entry: WalEntry): Stream | undefined {
    if (entry.kind === 'mark') return undefined
    const { catalog } = this.#parts
    const facts = catalog.stream(entry.streamId)
    return facts !== undefined && catalog.owns(facts, entry.streamEpoch) ? this.stream(entry.streamId) : undefined
  }

  #fail (error: unknown): StreambedError {
    this.#failure ??= StreambedError.is(error, 'FENCED', 'CLOSED')
      ? error
      : new StreambedError('UNAVAILABLE', 'the write path failed and must be opened again', { cause: error })
    this.#failed.resolve(error)
    return this.#failure
  }
}

/** A record that the catalog cannot know of proves that the catalog lost its end, or is an older copy: going on would mix histories. */
function lostCatalog (catalog: Catalog, entry: WalEntry, position: WalPosition): StreambedError | undefined {
  const { foundPosition, nextStreamId } = catalog
  if (entry.kind === 'batch' && isUnknown(catalog, entry)) {
    return new LostEndError('catalog', `the WAL holds records of a stream that it never gave out. stream=${entry.streamId} next=${nextStreamId} position=${position}`)
  }
  if (entry.catalogPosition > foundPosition) {
    return new LostEndError('catalog', `the WAL was written when it reached further. reached=${entry.catalogPosition} reaches=${foundPosition} position=${position}`)
  }
  return undefined
}

function isUnknown ({ nextStreamId }: Catalog, entry: WalEntry): boolean { return entry.kind === 'batch' && entry.streamId >= nextStreamId }

function gap ({ confirmedOffset, streamId }: Stream, { baseOffset }: StreamBatch, position: WalPosition): StreambedError {
  return new LostEndError(undefined, `the WAL has a gap. stream=${streamId} expected=${confirmedOffset} found=${baseOffset} position=${position}`)
}

function inDoubt (cause: unknown): StreambedError {
  return new StreambedError('OUTCOME_UNKNOWN', 'the append was under way when the write path failed; whether it is stored is known when that is open again', { cause })
}
