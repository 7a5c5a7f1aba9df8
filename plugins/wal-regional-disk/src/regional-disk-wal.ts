import { StreambedError, type Environment, type FileLock, type Wal, type WalPosition, type WalRecord, type WalUsage } from '@streambed/sdk'
import { batchBytes, batchHeaderBytes, batchPayloadBytesMax, batchRecordsMax, encodeBatchHeader, recordBytesCeiling } from './batch-format.ts'
import type { BatchIndex } from './batch-index.ts'
import { blockBytes, viewOf } from './bytes.ts'
import type { EpochFile } from './epoch-file.ts'
import { fenced, outcomeUnknown, outOfSpace } from './errors.ts'
import type { OldRings } from './old-rings.ts'
import { readRecords } from './records.ts'
import { release } from './release.ts'
import type { Ring } from './ring.ts'
import { firstRecordOf, watermarkLagBytes } from './scan.ts'

const zeros = new Uint8Array(blockBytes)

/** What `openWal` found and made. */
export interface OpenedLog {
  readonly path: string
  readonly writerEpoch: number
  readonly epochFile: EpochFile
  readonly ring: Ring
  /** Undefined only when the log is damaged and its earlier writer lives. */
  readonly ringLock: FileLock | undefined
  readonly oldRings: OldRings
  /** Batches of `ring` that are not wholly trimmed. */
  readonly index: BatchIndex
  /** Where the next batch goes. */
  readonly end: number
  readonly trimmed: number
  readonly lastRecord: number
  /** Of old rings or this one; the log can then be read up to it, and no more. */
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
 * The log of one broker on a disk.
 *
 * One batch is in flight at a time; what is appended meanwhile makes the next. A batch is confirmed after it is durable
 * and the epoch file, read after that, names no higher epoch.
 *
 * Why no confirmed record escapes a takeover: a fencer makes its epoch durable before it reads the ring. Was our batch
 * written before that reading, it is recovered. If not, it was written after the bump, so our check comes after the bump
 * too, sees it, and the batch is never confirmed.
 *
 * Why a late write harms nothing: a fencer writes to a ring of its own, and reads the old one only up to the end that it
 * recorded. In the old ring a batch lands only on space that a header slot gave up, and only after a check that followed
 * that slot; so a fencer that could still meet the late batch reads a slot that has given the space up already.
 */
export class RegionalDiskWal implements Wal {
  readonly #log: OpenedLog
  readonly #environment: Environment
  readonly #recordBytesMax: number
  readonly #header = new Uint8Array(batchHeaderBytes + 4 * batchRecordsMax)
  readonly #headerView = viewOf(this.#header)
  readonly #chunks: Uint8Array[] = []
  readonly #batch: PendingAppend[] = []
  #queue: PendingAppend[] = []
  #queueHead = 0
  #queuedBytes = 0
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

  constructor (log: OpenedLog, environment: Environment) {
    this.#log = log
    this.#environment = environment
    this.#recordBytesMax = Math.min(recordBytesCeiling, Math.floor(log.ring.size / 4) - blockBytes)
    this.#end = log.end
    this.#trimmed = log.trimmed
    this.#lastRecord = log.lastRecord
    this.#failure = log.damage
  }

  append (chunks: readonly Uint8Array[]): Promise<WalPosition> {
    if (this.#isClosing) return Promise.reject(new StreambedError('CLOSED', `the log is closed. path=${this.#log.path}`))
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    let size = 0
    for (let i = 0; i < chunks.length; i++) size += chunks[i]!.length
    if (size === 0 || size > this.#recordBytesMax) {
      return Promise.reject(new StreambedError('INVALID_ARGUMENT', `a record has 1 to ${this.#recordBytesMax} bytes. size=${size}`))
    }
    const queued = queuedBatchesBytesMax(this.#queue.length - this.#queueHead + 1, this.#queuedBytes + size)
    if (this.#end + this.#inFlightBytes + queued - this.#freeFrom > this.#log.ring.size) {
      return Promise.reject(new StreambedError('OVER_CAPACITY', `the log is full until older records are trimmed. size=${size} usedBytes=${this.usage().usedBytes} capacityBytes=${this.#log.ring.size}`))
    }
    this.#queuedBytes += size
    this.#isRecoverable = false
    return new Promise((resolve, reject) => {
      this.#queue.push(new PendingAppend(chunks, size, resolve, reject))
      this.#start()
    })
  }

  recover (): AsyncIterable<WalRecord> {
    if (this.#isClosing) throw new StreambedError('CLOSED', `the log is closed. path=${this.#log.path}`)
    if (!this.#isRecoverable) throw new StreambedError('INVALID_ARGUMENT', `recover is called once, before the first append. path=${this.#log.path}`)
    this.#isRecoverable = false
    return this.#recover()
  }

  async trim (position: WalPosition): Promise<void> {
    if (this.#isClosing) throw new StreambedError('CLOSED', `the log is closed. path=${this.#log.path}`)
    if (!Number.isSafeInteger(position) || position > this.#lastRecord) {
      throw new StreambedError('INVALID_ARGUMENT', `trim past the last record. position=${position} last=${this.#lastRecord}`)
    }
    if (position <= this.#trimmed) return
    this.#trimmed = position
    this.#log.index.trim(position)
    if (this.#log.oldRings.hasTrimmed(position)) this.#start()
  }

  usage (): WalUsage {
    const queuedCount = this.#queue.length - this.#queueHead
    const queued = queuedCount === 0 ? 0 : queuedBatchesBytesMax(queuedCount, this.#queuedBytes)
    return {
      usedBytes: this.#end - this.#freeFrom + this.#inFlightBytes + queued + this.#log.oldRings.usedBytes(this.#trimmed),
      capacityBytes: this.#log.ring.size,
      recordBytesMax: this.#recordBytesMax
    }
  }

  close (): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  async * #recover (): AsyncGenerator<WalRecord, void, undefined> {
    const { ring, oldRings, trimmed, end, damage } = this.#log
    yield * oldRings.records(trimmed)
    // Damage in an old ring ends the log there: what follows would look complete without it.
    if (!oldRings.isDamaged) yield * readRecords(ring, { start: ring.state.scanStart, end }, trimmed, this.#environment)
    if (damage !== undefined) throw damage
  }

  /** Everything before it may be overwritten, once a header slot says so. */
  get #freeFrom (): number { return this.#log.index.isEmpty ? this.#end : this.#log.index.firstStart }

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
      while (this.#queueHead < this.#queue.length) {
        this.#takeBatch()
        await this.#writeBatch()
      }
      await this.#dropOldRings()
    } catch (error) {
      this.#fail(StreambedError.is(error, 'FENCED', 'CORRUPT') ? error : outcomeUnknown(this.#log.path, error))
    } finally {
      this.#isRunning = false
    }
    // Appended or trimmed while old rings were dropped.
    if (this.#queueHead < this.#queue.length) this.#start()
  }

  #takeBatch (): void {
    const batch = this.#batch
    let payloadBytes = 0
    while (this.#queueHead < this.#queue.length && batch.length < batchRecordsMax) {
      const next = this.#queue[this.#queueHead]!
      if (batch.length > 0 && payloadBytes + next.size > batchPayloadBytesMax) break
      payloadBytes += next.size
      batch.push(next)
      this.#queueHead++
    }
    this.#queuedBytes -= payloadBytes
    this.#inFlightBytes = batchBytes(batch.length, payloadBytes)
    if (this.#queueHead === this.#queue.length) {
      this.#queue = []
      this.#queueHead = 0
    }
  }

  async #writeBatch (): Promise<void> {
    const { ring, writerEpoch } = this.#log
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
    const total = batchBytes(batch.length, payloadBytes)
    const padding = total - headerBytes - payloadBytes
    if (padding > 0) chunks.push(zeros.subarray(0, padding))

    const needsRoom = this.#end + total - ring.state.scanStart > ring.size
    if (needsRoom || this.#end - ring.state.confirmedEnd >= watermarkLagBytes(ring.size)) await this.#advanceRing()

    encodeBatchHeader({ position: this.#end, writerEpoch, trimmed: this.#trimmed, recordCount: batch.length, payloadBytes, bodyCrc }, ring.state.salt, this.#header, this.#headerView, crc32c)
    try {
      await ring.write(chunks, this.#end, total)
    } catch (error) {
      if (!StreambedError.is(error, 'OUT_OF_SPACE')) throw error
      // Nothing of it was confirmed, and the next batch takes the same place.
      this.#rejectAll(outOfSpace(this.#log.path, total, error))
      return
    }
    await this.#checkEpoch()
    this.#confirm(total)
  }

  #confirm (total: number): void {
    const batch = this.#batch
    let position = firstRecordOf(this.#end, batch.length)
    for (let i = 0; i < batch.length - 1; i++) position += batch[i]!.size
    this.#log.index.push(this.#end, position)
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

  /** Gives up trimmed space and moves the watermark. Only after the check may the space be written to. */
  async #advanceRing (): Promise<void> {
    await this.#log.ring.advance({ scanStart: this.#freeFrom, trimmed: this.#trimmed, confirmedEnd: this.#end })
    await this.#checkEpoch()
  }

  async #checkEpoch (): Promise<void> {
    const { epochFile, path, writerEpoch } = this.#log
    const state = await epochFile.read()
    if (state === undefined) throw new StreambedError('CORRUPT', `the log's epoch record was erased. path=${path}`)
    if (state.writerEpoch !== writerEpoch) throw fenced(path, writerEpoch, state.writerEpoch)
  }

  async #dropOldRings (): Promise<void> {
    if (!this.#log.oldRings.hasTrimmed(this.#trimmed)) return
    // The trim must be durable before the rings go: their records are then past for every later reader.
    await this.#advanceRing()
    await this.#log.oldRings.drop(this.#trimmed)
  }

  #fail (error: StreambedError): void {
    this.#failure = error
    this.#environment.logger.error('the write-ahead log takes no more records', { path: this.#log.path, code: error.code, cause: error.message })
    this.#rejectAll(error)
  }

  #rejectAll (error: StreambedError): void {
    const rejected = [...this.#batch, ...this.#queue.slice(this.#queueHead)]
    this.#batch.length = 0
    this.#chunks.length = 0
    this.#queue = []
    this.#queueHead = 0
    this.#queuedBytes = 0
    this.#inFlightBytes = 0
    for (const record of rejected) record.reject(error)
  }

  async #close (): Promise<void> {
    this.#isClosing = true
    await this.#running
    while (this.#isRunning) await this.#running
    const { ring, oldRings, epochFile, ringLock, path } = this.#log
    if (this.#failure === undefined && (ring.state.confirmedEnd !== this.#end || ring.state.trimmed !== this.#trimmed)) {
      try {
        await this.#advanceRing()
      } catch (error) {
        // Nothing confirmed is lost: the next open reads a little more, and trimmed records may come back.
        this.#environment.logger.warn('the last trim of the write-ahead log could not be stored', { path, cause: String(error) })
      }
    }
    const { logger } = this.#environment
    await release(logger, 'old rings', () => oldRings.close())
    await release(logger, 'ring', () => ring.close())
    await release(logger, 'epoch file', () => epochFile.close())
    await release(logger, 'ring lock', () => ringLock?.release())
  }
}

/**
 * What queued records take on the medium at most. Any two batches that follow each other hold more payload together than
 * one may, or the first is full of records; so the batches can be counted before they are formed.
 */
function queuedBatchesBytesMax (count: number, bytes: number): number {
  const batches = 1 + 2 * Math.floor(bytes / batchPayloadBytesMax) + Math.floor(count / batchRecordsMax)
  return 4 * count + bytes + batches * (batchHeaderBytes + blockBytes - 1)
}
