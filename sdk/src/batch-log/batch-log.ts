import type { Environment } from '../environment.ts'
import { StreambedError } from '../errors.ts'
import type { Wal, WalIdentity, WalPosition, WalRecord, WalUsage } from '../wal.ts'
import { batchBytes, batchHeaderBytes, batchPayloadBytesMax, batchRecordsMax, encodeBatchHeader, firstRecordOf } from './batch-format.ts'
import type { BatchIndex } from './batch-index.ts'
import { blockBytes, viewOf } from './bytes.ts'
import { outOfSpace, writeFailed } from './log-errors.ts'
import { RecordIterator } from './record-iterator.ts'
import { layOut, sectorBytes, stampedBytes } from './sectors.ts'
import { takeBatch } from './take-batch.ts'

/** Of every batch that is written. */
const version = 2
/** Memory for batches up to this size is kept. */
const keptBytesMax = batchBytes({ version, recordCount: batchRecordsMax, payloadBytes: batchPayloadBytesMax })

/** Where the log stands. All three are positions. */
export interface LogState {
  /** Everything before it may be overwritten or removed, once the medium has noted so durably. */
  readonly freeFrom: number
  /** The highest trimmed one, -1 for none. */
  readonly trimmed: number
  /** Where the next batch goes; all before it is confirmed. */
  readonly end: number
}

/** What a plugin gives: where batches lie, how they become durable, and who may write. Its calls come one at a time. */
export interface BatchMedium {
  readonly path: string
  readonly writerEpoch: number
  /** Between `freeFrom` and `end` there are never more bytes. */
  readonly capacityBytes: number
  readonly recordBytesMax: number
  /** Of untrimmed records that lie outside of [freeFrom, end): in rings of earlier writers. */
  bytesElsewhere (trimmed: number): number
  /** All records after those that were trimmed when the log was opened, oldest first, in lists. Rejects with CORRUPT where damage begins. */
  records (): AsyncIterable<readonly WalRecord[], void, undefined>
  /** Makes a place for a batch of `bytes` at `state.end`. Resolves with the salt that its header must carry. */
  prepare (bytes: number, state: LogState): Promise<Uint8Array>
  /**
   * Resolves when the batch is durable and, asked for after that, no higher epoch was there. Rejects with OUT_OF_SPACE when
   * there is no room and another batch may be tried at the same position; after any other failure the log writes no more.
   */
  write (chunks: readonly Uint8Array[], position: number, bytes: number): Promise<void>
  /** Whether `tidy` would do something. */
  isTidy (state: LogState): boolean
  /** Gives back what is trimmed; called when nothing waits to be written. Rejects only where the log must write no more. */
  tidy (state: LogState): Promise<void>
  /** What the failure means, where the medium knows better than its error says: FENCED rather than a lost file, or than damage. */
  explain (error: unknown): Promise<unknown>
  /** Frees all. `state` is absent after a failure; else it is noted, so that the next open need not search. Never rejects. */
  close (state: LogState | undefined): Promise<void>
}

/** What opening found. */
export interface OpenedBatchLog extends LogState {
  readonly medium: BatchMedium
  readonly identity: Pick<WalIdentity, 'id' | 'writerEpoch'>
  /** Batches in [freeFrom, end) that are not wholly trimmed. */
  readonly index: BatchIndex
  readonly lastRecord: number
  /** The log can be read up to it, and takes no more. */
  readonly damage: StreambedError | undefined
}

class PendingAppend {
  readonly chunks: readonly Uint8Array[]
  readonly size: number
  readonly resolve: (position: WalPosition) => void
  readonly reject: (error: unknown) => void

  constructor (chunks: readonly Uint8Array[], size: number, resolve: (position: WalPosition) => void, reject: (error: unknown) => void) {
    this.chunks = chunks
    this.size = size
    this.resolve = resolve
    this.reject = reject
  }
}

/**
 * A write-ahead log in batches: group commit over a medium.
 *
 * One batch is in flight at a time; what is appended meanwhile makes the next. A batch is confirmed after it is durable
 * and the medium, asked after that, knows no higher epoch.
 *
 * Why no confirmed record escapes a takeover: a fencer makes its epoch durable before it reads the log. Was our batch
 * written before that reading, it is recovered. If not, it was written after the fence, so our check comes after the fence
 * too, sees it, and the batch is never confirmed.
 */
export class BatchLog implements Wal {
  readonly identity: WalIdentity
  readonly #medium: BatchMedium
  readonly #index: BatchIndex
  readonly #environment: Environment
  readonly #header = new Uint8Array(batchHeaderBytes + 4 * batchRecordsMax)
  readonly #headerView = viewOf(this.#header)
  readonly #chunks: Uint8Array[] = []
  #batch: PendingAppend[] = []
  #queue: PendingAppend[] = []
  #queuedBytes = 0
  /** What batches are written from; one is in flight at a time. */
  #memory = new Uint8Array(0)
  /** Of the batch in flight, header and padding included. */
  #inFlightBytes = 0
  /** Where the next batch goes; all before it is confirmed. */
  #end: number
  #trimmed: number
  #lastRecord: number
  #failure: StreambedError | undefined
  #isRecoverable = true
  #isClosing = false
  #isRunning = false
  #running: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor (log: OpenedBatchLog, environment: Environment) {
    this.identity = Object.freeze({ ...log.identity, last: log.lastRecord, trimmed: log.trimmed })
    this.#medium = log.medium
    this.#index = log.index
    this.#environment = environment
    this.#end = log.end
    this.#trimmed = log.trimmed
    this.#lastRecord = log.lastRecord
    this.#failure = log.damage
  }

  append (chunks: readonly Uint8Array[]): Promise<WalPosition> {
    if (this.#isClosing) return Promise.reject(new StreambedError('CLOSED', `the log is closed. path=${this.#medium.path}`))
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    let size = 0
    for (let i = 0; i < chunks.length; i++) size += chunks[i]!.length
    if (size === 0 || size > this.#medium.recordBytesMax) {
      return Promise.reject(new StreambedError('INVALID_ARGUMENT', `a record has 1 to ${this.#medium.recordBytesMax} bytes. size=${size}`))
    }
    const queued = queuedBatchesBytesMax(this.#queue.length + 1, this.#queuedBytes + size)
    if (this.#end + this.#inFlightBytes + queued - this.#freeFrom > this.#medium.capacityBytes) {
      return Promise.reject(new StreambedError('OVER_CAPACITY', `the log is full until older records are trimmed. size=${size} usedBytes=${this.usage().usedBytes} capacityBytes=${this.#medium.capacityBytes}`))
    }
    this.#queuedBytes += size
    this.#isRecoverable = false
    return new Promise((resolve, reject) => {
      this.#queue.push(new PendingAppend(chunks, size, resolve, reject))
      this.#start()
    })
  }

  recover (): AsyncIterable<WalRecord> {
    if (this.#isClosing) throw new StreambedError('CLOSED', `the log is closed. path=${this.#medium.path}`)
    if (!this.#isRecoverable) throw new StreambedError('INVALID_ARGUMENT', `recover is called once, before the first append. path=${this.#medium.path}`)
    this.#isRecoverable = false
    // A later epoch gives back what we still read: that is no damage.
    return new RecordIterator(this.#medium.records(), error => this.#medium.explain(error))
  }

  async trim (position: WalPosition): Promise<void> {
    if (this.#isClosing) throw new StreambedError('CLOSED', `the log is closed. path=${this.#medium.path}`)
    if (!Number.isSafeInteger(position) || position > this.#lastRecord) {
      throw new StreambedError('INVALID_ARGUMENT', `trim past the last record. position=${position} last=${this.#lastRecord}`)
    }
    if (position <= this.#trimmed) return
    this.#trimmed = position
    this.#index.trim(position)
    if (!this.#medium.isTidy(this.#state)) this.#start()
  }

  usage (): WalUsage {
    const queued = this.#queue.length === 0 ? 0 : queuedBatchesBytesMax(this.#queue.length, this.#queuedBytes)
    return {
      usedBytes: this.#end - this.#freeFrom + this.#inFlightBytes + queued + this.#medium.bytesElsewhere(this.#trimmed),
      capacityBytes: this.#medium.capacityBytes,
      recordBytesMax: this.#medium.recordBytesMax
    }
  }

  close (): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  get #state (): LogState { return { freeFrom: this.#freeFrom, trimmed: this.#trimmed, end: this.#end } }

  get #freeFrom (): number { return this.#index.isEmpty ? this.#end : this.#index.firstStart }

  #start (): void {
    if (this.#isRunning || this.#failure !== undefined) return
    this.#isRunning = true
    this.#running = this.#run()
  }

  /** Owned by `close`. Never rejects. */
  async #run (): Promise<void> {
    // What the same turn appends joins the first batch.
    await Promise.resolve()
    try {
      while (this.#queue.length > 0) {
        this.#takeBatch()
        await this.#writeBatch()
      }
      // What the trims of meanwhile have freed; their records are past for every later reader once it is noted.
      if (!this.#medium.isTidy(this.#state)) await this.#medium.tidy(this.#state)
    } catch (error) {
      this.#fail(await this.#whyFailed(error))
    } finally {
      this.#isRunning = false
    }
    // Appended or trimmed while the medium was tidied.
    if (this.#queue.length > 0) this.#start()
  }

  #takeBatch (): void {
    const { batch, bytes } = takeBatch(this.#queue, batchRecordsMax, batchPayloadBytesMax)
    this.#batch = batch
    this.#queuedBytes -= bytes
    this.#inFlightBytes = batchBytes({ version, recordCount: batch.length, payloadBytes: bytes })
  }

  async #writeBatch (): Promise<void> {
    const medium = this.#medium
    const { crc32c } = this.#environment
    const batch = this.#batch
    const chunks = this.#chunks
    const headerBytes = batchHeaderBytes + 4 * batch.length
    const header = this.#header.subarray(0, headerBytes)
    chunks.push(header)
    let payloadBytes = 0
    for (let i = 0; i < batch.length; i++) {
      const record = batch[i]!
      this.#headerView.setUint32(batchHeaderBytes + 4 * i, record.size, true)
      payloadBytes += record.size
      for (let c = 0; c < record.chunks.length; c++) if (record.chunks[c]!.length > 0) chunks.push(record.chunks[c]!)
    }
    let bodyCrc = crc32c(header.subarray(batchHeaderBytes))
    for (let i = 1; i < chunks.length; i++) bodyCrc = crc32c(chunks[i]!, bodyCrc)
    const total = batchBytes({ version, recordCount: batch.length, payloadBytes })
    const bytes = this.#memoryOf(total)

    try {
      const salt = await medium.prepare(total, this.#state)
      const stamp = encodeBatchHeader({ position: this.#end, writerEpoch: medium.writerEpoch, trimmed: this.#trimmed, recordCount: batch.length, payloadBytes, bodyCrc }, salt, this.#header, this.#headerView, crc32c)
      layOut(chunks, stamp, bytes)
      await medium.write([bytes], this.#end, total)
    } catch (error) {
      if (!StreambedError.is(error, 'OUT_OF_SPACE')) throw error
      // Nothing of it was confirmed, and the next batch takes the same place.
      this.#rejectAll(outOfSpace(medium.path, total, error))
      return
    }
    this.#confirm(total)
  }

  #memoryOf (bytes: number): Uint8Array {
    if (bytes > keptBytesMax) return new Uint8Array(bytes)
    if (this.#memory.length < bytes) this.#memory = new Uint8Array(Math.min(keptBytesMax, Math.max(bytes, 2 * this.#memory.length)))
    return this.#memory.subarray(0, bytes)
  }

  #confirm (total: number): void {
    const batch = this.#batch
    let position = firstRecordOf(this.#end, batch.length)
    for (let i = 0; i < batch.length - 1; i++) position += batch[i]!.size
    this.#index.push(this.#end, position)
    this.#lastRecord = position
    position = firstRecordOf(this.#end, batch.length)
    this.#end += total
    this.#inFlightBytes = 0
    for (let i = 0; i < batch.length; i++) {
      const record = batch[i]!
      record.resolve(position)
      position += record.size
    }
    this.#environment.metrics.count('wal_confirmed_bytes', total)
    this.#environment.metrics.observe('wal_batch_records', batch.length)
    batch.length = 0
    this.#chunks.length = 0
  }

  async #whyFailed (error: unknown): Promise<StreambedError> {
    const reason = await this.#medium.explain(error)
    return StreambedError.is(reason, 'FENCED', 'CORRUPT') ? reason : writeFailed(this.#medium.path, reason)
  }

  #fail (error: StreambedError): void {
    this.#failure = error
    this.#environment.logger.error('the write-ahead log takes no more records', { path: this.#medium.path, code: error.code, cause: error.message })
    this.#rejectAll(error)
  }

  #rejectAll (error: StreambedError): void {
    const rejected = [...this.#batch, ...this.#queue]
    this.#batch.length = 0
    this.#chunks.length = 0
    this.#queue = []
    this.#queuedBytes = 0
    this.#inFlightBytes = 0
    for (const record of rejected) record.reject(error)
  }

  async #close (): Promise<void> {
    this.#isClosing = true
    await this.#running
    while (this.#isRunning) await this.#running
    await this.#medium.close(this.#failure === undefined ? this.#state : undefined)
  }
}

/**
 * What queued records take on the medium at most. Any two batches that follow each other hold more payload together than
 * one may, or the first is full of records; so the batches can be counted before they are formed. Each is rounded up to
 * whole sectors and blocks.
 */
function queuedBatchesBytesMax (count: number, bytes: number): number {
  const batches = 1 + 2 * Math.floor(bytes / batchPayloadBytesMax) + Math.floor(count / batchRecordsMax)
  return stampedBytes(4 * count + bytes + batches * batchHeaderBytes) + batches * (blockBytes + sectorBytes)
}
