import { StreambedError } from '@streambed/sdk'
import type { Catalog, StreamFacts, StreamId } from '../catalog/catalog.ts'
import { endOffsetOf, type StreamBatch } from './stream-batch.ts'
import type { FetchOptions, FetchResult, StreamReader } from './stream-reader.ts'

interface StreamParts {
  readonly facts: StreamFacts
  readonly append: (stream: Stream, batch: StreamBatch) => Appended
  readonly batchBytesMax: () => number
  readonly reader: StreamReader
  readonly catalog: Catalog
}

/** A batch that has its place in the stream. */
export interface Appended {
  /**
   * Resolves once the batch is durable and visible to `fetch`, in the order of the appends. Rejects with OUTCOME_UNKNOWN when the
   * write path failed meanwhile: opening it again decides; with another code only where it is certain that nothing was written.
   */
  readonly durable: Promise<void>
}

/** One ordered, append-only sequence of batches, addressed by offset. One writer: the owner named in the catalog. */
export class Stream {
  readonly streamId: StreamId
  /** In which the catalog made this node its owner. */
  readonly epoch: number
  readonly #parts: StreamParts
  #nextOffset: number
  #confirmedOffset: number
  #onAdvanced: (() => void) | undefined

  constructor (parts: StreamParts) {
    this.streamId = parts.facts.streamId
    this.epoch = parts.facts.epoch
    this.#parts = parts
    this.#nextOffset = parts.facts.endOffset
    this.#confirmedOffset = parts.facts.endOffset
  }

  /** Offsets below are trimmed. */
  get startOffset (): number { return this.#parts.catalog.stream(this.streamId)?.startOffset ?? this.#confirmedOffset }
  /** All below is durable and may be read. */
  get confirmedOffset (): number { return this.#confirmedOffset }
  /** The base offset that the next append must have. */
  get nextOffset (): number { return this.#nextOffset }

  /** The largest batch, in bytes, that `append` takes. */
  get batchBytesMax (): number { return this.#parts.batchBytesMax() }

  /** Calls `listener` whenever `confirmedOffset` has grown; one listener a stream. */
  set onAdvanced (listener: () => void) { this.#onAdvanced = listener }

  /**
   * Appends a batch whose `baseOffset` is `nextOffset`, which advances at once. The engine keeps `batch.bytes`: they are never
   * modified again. Throws, and then nothing has happened and the offset is free: INVALID_ARGUMENT (it does not continue the
   * stream, or is larger than `batchBytesMax`), OVER_CAPACITY, FENCED, UNAVAILABLE (the write path must be opened again), CLOSED.
   */
  append (batch: StreamBatch): Appended {
    if (batch.baseOffset !== this.#nextOffset || batch.count < 1) {
      throw new StreambedError('INVALID_ARGUMENT', `append does not continue the stream. stream=${this.streamId} expected=${this.#nextOffset} got=${batch.baseOffset} count=${batch.count}`)
    }
    if (batch.bytes.length > this.batchBytesMax) {
      throw new StreambedError('INVALID_ARGUMENT', `batch is larger than the WAL takes. stream=${this.streamId} bytes=${batch.bytes.length} max=${this.batchBytesMax}`)
    }
    return this.#parts.append(this, batch)
  }

  /** What memory holds from `offset` on; undefined when it takes I/O. See `fetch`. */
  fetchCached (offset: number, options: FetchOptions): FetchResult | undefined {
    return this.#parts.reader.fetchCached(this, offset, options)
  }

  /**
   * Whole batches from the one that holds `offset` on, as far as `options` allow and not past `confirmedOffset`; empty at
   * the end. Rejects with OUT_OF_RANGE outside [startOffset, confirmedOffset], CORRUPT, or what the store rejects with.
   * The bytes are shared: readers do not modify them.
   */
  fetch (offset: number, options: FetchOptions): Promise<FetchResult> {
    return this.#parts.reader.fetch(this, offset, options)
  }

  /** The first batch at or after `fromOffset` whose largest timestamp is at least `timestamp`; undefined when none. */
  findTimestamp (timestamp: number, fromOffset: number): Promise<StreamBatch | undefined> {
    return this.#parts.reader.findTimestamp(this, timestamp, fromOffset)
  }

  /** The largest timestamp of all batches at or after the start; -1 when there is none. */
  largestTimestamp (): number { return this.#parts.reader.largestTimestamp(this) }

  /** Raises the start: offsets below are gone for ever. At most `confirmedOffset`, else OUT_OF_RANGE. */
  async trim (startOffset: number): Promise<void> {
    if (startOffset > this.#confirmedOffset) throw new StreambedError('OUT_OF_RANGE', `cannot trim past the end. stream=${this.streamId} offset=${startOffset} end=${this.#confirmedOffset}`)
    await this.#parts.catalog.trimStream(this.streamId, startOffset)
  }

  /** The engine's: takes the offsets of an append in flight. */
  advance (batch: StreamBatch): void { this.#nextOffset = endOffsetOf(batch) }

  /** The engine's: all below `offset` is durable. */
  confirm (offset: number): void {
    this.#confirmedOffset = offset
    this.#onAdvanced?.()
  }
}
