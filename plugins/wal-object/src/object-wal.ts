import { StreambedError, checkOpening, isPutOpen, type Environment, type ObjectStore, type Timer, type Wal, type WalIdentity, type WalOpening, type WalPosition, type WalRecord, type WalUsage, type WalWriter } from '@streambed/sdk'
import { takeBatch } from '@streambed/sdk/batch-log'
import { Batching, batchRecordsMax } from './batching.ts'
import { closed, fenced, storeFailure } from './errors.ts'
import { clusterIdBytesMax, encodeSlot, entryBytes, headerBytes, tokenBytes } from './format.ts'
import { Hedging } from './hedging.ts'
import { findLog, identityOf } from './identity.ts'
import { Janitor } from './janitor.ts'
import { Keys, slotsMax, type SlotId } from './keys.ts'
import { LogStore } from './log-store.ts'
import type { ObjectWalOptions } from './options.ts'
import { recover } from './recover.ts'
import { SettledPuts } from './settled-puts.ts'
import { IndexedSlot, SlotIndex } from './slot-index.ts'
import { takeOver, type TakenOver } from './take-over.ts'

/** A record larger than this costs too much memory to recover. */
const recordBytesCeiling = 64 * 2 ** 20
/** Slots that wait for an earlier one, for each that may be under way. */
const unconfirmedPerUpload = 4
/** A trim that no append has carried for this long gets a slot of its own. */
const carryDelayMs = 1_000

class PendingRecord {
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

/** Where a log is, who opens it and how. `opening` absent: `create`. */
export interface ObjectWalOpening { readonly objectStore: ObjectStore, readonly writer: WalWriter, readonly opening?: WalOpening | undefined }

/** A slot on its way. */
interface UnconfirmedSlot {
  readonly id: SlotId
  readonly bytes: Uint8Array
  readonly records: readonly PendingRecord[]
  readonly firstPosition: number
  readonly trimmed: number
  readonly firstNeeded: SlotId
  readonly indexed: IndexedSlot
  readonly stop: AbortController
  isStored: boolean
}

/**
 * The log of one broker in an object store: objects that are put if absent, in one row for each writer epoch.
 *
 * A batch of records is one object, a slot. Several are under way at a time; they are confirmed in the order of their numbers,
 * each once it and all before it are known to be there and ours.
 *
 * Why no lower epoch confirms anything after a takeover: the later epoch has put its fence at the first free slot of the
 * row, for ever. The earlier writer can confirm nothing from that slot on, whatever it has under way behind it: its put there
 * finds the fence. What it had stored before the fence is recovered. What lands behind it is in no row's way, for the later
 * epoch has a row of its own. Why the fence lands at a slot that never held anything: see takeOver.
 *
 * An answer that was on its way while the takeover happened may still confirm a record then; that record stands before
 * the fence, and was recovered.
 */
export class ObjectWal implements Wal {
  readonly identity: WalIdentity
  readonly #environment: Environment
  readonly #options: ObjectWalOptions
  readonly #log: LogStore
  readonly #puts: SettledPuts
  readonly #batching: Batching
  readonly #janitor: Janitor
  readonly #index = new SlotIndex()
  readonly #recovered: readonly IndexedSlot[]
  readonly #takenOver: TakenOver
  readonly #recordBytesMax: number
  readonly #queue: PendingRecord[] = []
  /** In the order of their numbers. */
  #slots: UnconfirmedSlot[] = []
  #uploadCount = 0
  #nextSlot = 0
  #nextPosition: number
  /** Of the last record that is confirmed or was found; trimmed or not. */
  #lastPosition: number
  #trimmed: number
  /** What a confirmed slot says of `#trimmed`. */
  #carried: number
  /** Whether our last slot holds records: nothing behind it says that it was there. */
  #endsInRecords = false
  #failure: StreambedError | undefined
  #isRecoverable = true
  #isClosing = false
  #isPumpDue = false
  #due: Timer | undefined
  #carry: Timer | undefined
  #idle: PromiseWithResolvers<void> | undefined
  #closed: Promise<void> | undefined

  static async open (options: ObjectWalOptions, environment: Environment, { objectStore, opening, writer }: ObjectWalOpening): Promise<ObjectWal> {
    checkWriter(writer)
    const keys = new Keys(options.prefix, writer, environment.crc32c)
    const log = new LogStore(objectStore, environment, keys, { ...writer, token: environment.random.bytes(tokenBytes) })
    const puts = new SettledPuts(log, new Hedging(options), options)
    const { signal } = new AbortController()
    try {
      // Before anything is claimed or fenced.
      const found = await findLog(log)
      checkOpening(found, { opening, writer, place: `prefix=${keys.prefix}` })
      const takenOver = await takeOver(log, puts, signal)
      const id = found?.id ?? await identityOf(log, puts, signal)
      return new ObjectWal(options, log, puts, takenOver, { id, writerEpoch: found === undefined ? -1 : takenOver.previousEpoch })
    } catch (error) {
      await puts.close()
      if (!isPutOpen(error)) throw error
      throw new StreambedError('UNAVAILABLE', `the object store does not let the write-ahead log be opened. ${error.message}`, { cause: error })
    }
  }

  private constructor (options: ObjectWalOptions, log: LogStore, puts: SettledPuts, takenOver: TakenOver, identity: Pick<WalIdentity, 'id' | 'writerEpoch'>) {
    const { chain, last, toSweep } = takenOver
    this.#environment = log.environment
    this.#options = options
    this.#log = log
    this.#puts = puts
    this.#takenOver = takenOver
    this.#batching = new Batching(options)
    this.#recordBytesMax = Math.min(recordBytesCeiling, Math.floor(options.capacity / 4))
    this.#nextPosition = last === undefined ? 0 : last.firstPosition + last.recordCount
    this.#lastPosition = this.#nextPosition - 1
    this.#trimmed = last?.trimmed ?? -1
    this.#carried = this.#trimmed
    this.identity = Object.freeze({ ...identity, last: this.#lastPosition, trimmed: this.#trimmed })
    this.#recovered = chain.map(({ id, size }) => new IndexedSlot(id, size, this.#lastPosition))
    for (const slot of this.#recovered) this.#index.push(slot)
    this.#index.trim(this.#trimmed)
    this.#janitor = new Janitor(log, toSweep, last?.firstNeeded)
    this.#janitor.start()
  }

  append (chunks: readonly Uint8Array[]): Promise<WalPosition> {
    if (this.#isClosing) return Promise.reject(closed())
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    let size = 0
    for (let i = 0; i < chunks.length; i++) size += chunks[i]!.length
    if (size === 0 || size > this.#recordBytesMax) {
      return Promise.reject(new StreambedError('INVALID_ARGUMENT', `a record has 1 to ${this.#recordBytesMax} bytes. size=${size}`))
    }
    if (this.#usedBytes + size + overheadBytes > this.#options.capacity) {
      return Promise.reject(new StreambedError('OVER_CAPACITY', `the log is full until older records are trimmed. size=${size} usedBytes=${this.#usedBytes} capacityBytes=${this.#options.capacity}`))
    }
    this.#isRecoverable = false
    this.#batching.add(size, this.#environment.clock.monotonicMs())
    return new Promise((resolve, reject) => {
      this.#queue.push(new PendingRecord(chunks, size, resolve, reject))
      this.#pumpSoon()
    })
  }

  recover (): AsyncIterable<WalRecord> {
    if (this.#isClosing) throw closed()
    if (!this.#isRecoverable) throw new StreambedError('INVALID_ARGUMENT', 'recover is called once, before the first append')
    this.#isRecoverable = false
    return recover(this.#log, {
      chain: this.#takenOver.chain,
      trimmed: this.#trimmed,
      onSlot: (index, lastPosition) => { this.#recovered[index]!.lastPosition = lastPosition }
    })
  }

  async trim (position: WalPosition): Promise<void> {
    if (this.#isClosing) throw closed()
    if (!Number.isSafeInteger(position) || position > this.#lastPosition) {
      throw new StreambedError('INVALID_ARGUMENT', `trim past the last record. position=${position} last=${this.#lastPosition}`)
    }
    if (position <= this.#trimmed) return
    this.#trimmed = position
    this.#index.trim(position)
    this.#carry ??= this.#environment.clock.schedule(carryDelayMs, () => this.#carryTrim())
  }

  usage (): WalUsage {
    return { usedBytes: this.#usedBytes, capacityBytes: this.#options.capacity, recordBytesMax: this.#recordBytesMax }
  }

  close (): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  /** As if each record that still gathers got a slot of its own. */
  get #usedBytes (): number { return this.#index.bytes + this.#batching.bytes + overheadBytes * this.#batching.count }

  /** What the same turn appends goes together. */
  #pumpSoon (): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    void Promise.resolve().then(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  #pump (): void {
    this.#due?.cancel()
    this.#due = undefined
    const { clock } = this.#environment
    while (this.#failure === undefined && this.#slots.length < unconfirmedPerUpload * this.#options.uploadsMax) {
      const dueMs = this.#batching.dueMs(this.#uploadCount)
      if (dueMs === Infinity) break
      const delayMs = this.#isClosing ? 0 : dueMs - clock.monotonicMs()
      if (delayMs > 0) {
        this.#due = clock.schedule(delayMs, () => this.#pump())
        break
      }
      this.#send(this.#takeBatch())
    }
    if (this.#slots.length === 0 && this.#batching.count === 0) this.#idle?.resolve()
  }

  #takeBatch (): PendingRecord[] {
    const { batch, bytes } = takeBatch(this.#queue, batchRecordsMax, this.#options.batchBytesMax)
    this.#batching.take(bytes, batch.length, this.#environment.clock.monotonicMs())
    return batch
  }

  #send (records: readonly PendingRecord[]): void {
    const { owner } = this.#log
    const id = { epoch: owner.writerEpoch, slot: this.#nextSlot++ }
    if (id.slot >= slotsMax) {
      this.#failure = new StreambedError('UNAVAILABLE', 'the log has no slot numbers left in this epoch; open it again')
      for (const { reject } of records) reject(this.#failure)
      return
    }
    const trimmed = this.#trimmed
    const firstNeeded = this.#index.first?.id ?? id
    const firstPosition = this.#nextPosition
    const bodyBytes = records.reduce((sum, { size }) => sum + size, 0)
    const bytes = encodeSlot({
      ...owner, kind: 'records', id, knownBefore: this.#slots[0]?.id.slot ?? id.slot, trimmed, firstNeeded, firstPosition, recordCount: records.length, bodyBytes
    }, records.map(({ chunks }) => chunks), this.#environment.crc32c)
    this.#nextPosition += records.length
    this.#endsInRecords = records.length > 0
    // Not trimmed before it is confirmed: what a slot calls needed is then never behind what it calls known.
    const indexed = new IndexedSlot(id, bytes.length, Infinity)
    this.#index.push(indexed)
    const slot: UnconfirmedSlot = { id, bytes, records, firstPosition, trimmed, firstNeeded, indexed, stop: new AbortController(), isStored: false }
    this.#slots.push(slot)
    this.#uploadCount++
    void this.#upload(slot)
  }

  /** Never rejects; `close` waits for it by waiting for the slots. */
  async #upload (slot: UnconfirmedSlot): Promise<void> {
    const key = this.#log.keys.slotOf(slot.id)
    try {
      const settled = await this.#puts.put(key, slot.bytes, slot.stop.signal)
      if (settled !== 'ours') throw fenced(slot.id.epoch, settled.writerEpoch)
      slot.isStored = true
    } catch (error) {
      this.#failFrom(slot, storeFailure(error, key))
    }
    this.#uploadCount--
    this.#confirm()
    this.#pump()
  }

  #confirm (): void {
    let confirmed: UnconfirmedSlot | undefined
    for (let slot = this.#slots[0]; slot?.isStored === true; slot = this.#slots[0]) {
      this.#slots.shift()
      confirmed = slot
      const { firstPosition, records } = slot
      this.#lastPosition = firstPosition + records.length - 1
      slot.indexed.lastPosition = this.#lastPosition
      this.#carried = slot.trimmed
      for (let i = 0; i < records.length; i++) records[i]!.resolve(firstPosition + i)
      this.#environment.metrics.count('wal_confirmed_bytes', slot.bytes.length)
      this.#environment.metrics.observe('wal_batch_records', records.length)
    }
    if (confirmed === undefined) return
    this.#index.trim(this.#trimmed)
    this.#janitor.start(confirmed.firstNeeded)
  }

  /** Nothing from `slot` on is ever confirmed; the slots before it may be. */
  #failFrom (slot: UnconfirmedSlot, error: StreambedError): void {
    const at = this.#slots.indexOf(slot)
    // It fell with an earlier one.
    if (at < 0) return
    const fallen = this.#slots.splice(at)
    if (this.#failure === undefined) {
      this.#failure = error
      this.#environment.logger.error('the write-ahead log takes no more records', { code: error.code, cause: error.message })
    }
    const queued = this.#queue.splice(0)
    this.#batching.take(this.#batching.bytes, this.#batching.count, 0)
    for (const { records, stop } of fallen) {
      stop.abort()
      for (const { reject } of records) reject(this.#failure)
    }
    for (const { reject } of queued) reject(this.#failure)
  }

  #carryTrim (): void {
    this.#carry = undefined
    if (this.#isClosing || this.#failure !== undefined || this.#carried >= this.#trimmed) return
    if (this.#slots.length === 0 && this.#batching.count === 0) this.#send([])
    else this.#carry = this.#environment.clock.schedule(carryDelayMs, () => this.#carryTrim())
  }

  async #close (): Promise<void> {
    this.#isClosing = true
    this.#carry?.cancel()
    await this.#drained()
    // Behind the last records it also proves, at the next open, that they were there.
    if (this.#failure === undefined && (this.#carried < this.#trimmed || this.#endsInRecords)) {
      this.#send([])
      await this.#drained()
      if (this.#carried < this.#trimmed) this.#environment.logger.warn('the last trim of the write-ahead log could not be stored', { cause: String(this.#failure) })
    }
    await this.#puts.close()
    await this.#janitor.close()
  }

  /** Resolves once nothing gathers and nothing is under way. */
  #drained (): Promise<void> {
    this.#idle = Promise.withResolvers<void>()
    this.#pump()
    return this.#idle.promise
  }
}

/** What a record takes besides its bytes, at most. */
const overheadBytes = headerBytes + entryBytes

function checkWriter ({ clusterId, nodeId, writerEpoch }: WalWriter): void {
  if (!Number.isSafeInteger(writerEpoch) || writerEpoch < 0 || !Number.isSafeInteger(nodeId) || nodeId < 0 || nodeId > 0x7fff_ffff) {
    throw new StreambedError('INVALID_ARGUMENT', `node and epoch must be whole numbers from 0. nodeId=${nodeId} writerEpoch=${writerEpoch}`)
  }
  const bytes = new TextEncoder().encode(clusterId).length
  if (bytes === 0 || bytes > clusterIdBytesMax || !clusterId.isWellFormed()) {
    throw new StreambedError('INVALID_ARGUMENT', `a cluster id has 1 to ${clusterIdBytesMax} bytes of UTF-8. bytes=${bytes}`)
  }
}
