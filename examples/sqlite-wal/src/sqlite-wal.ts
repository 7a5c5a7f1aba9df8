import { StreambedError, type Environment, type Wal, type WalContext, type WalIdentity, type WalPosition, type WalRecord, type WalUsage } from '@streambed/sdk'
import { LogDatabase, recordOverheadBytes, type StoredRecord } from './log-database.ts'
import type { SqliteWalOptions } from './options.ts'

interface Waiting { readonly record: StoredRecord, readonly resolve: (position: WalPosition) => void, readonly reject: (error: unknown) => void }

const recordBytesLimit = 64 * 2 ** 20
/** Of data in one transaction; one record may be larger. */
const batchBytesMax = 8 * 2 ** 20

/**
 * A write-ahead log in a SQLite database, by group commit: what was appended within one turn of the event loop is one
 * transaction, so that many appends share one flush. SQLite runs on the caller's thread: the broker stands still for the time of
 * each flush.
 */
export class SqliteWal implements Wal {
  readonly identity: WalIdentity
  readonly #database: LogDatabase
  readonly #environment: Environment
  readonly #capacityBytes: number
  #lastPosition: WalPosition
  #usedBytes: number
  #waiting: Waiting[] = []
  /** The one that commits what waits; it runs while something does. */
  #committing: Promise<void> | undefined
  /** Why no append can be confirmed any more. */
  #failure: StreambedError | undefined
  #isRecoverable = true
  #closing: Promise<void> | undefined

  static open ({ capacity, lockTimeout, path }: SqliteWalOptions, environment: Environment, { opening, writer }: WalContext): SqliteWal {
    return new SqliteWal(LogDatabase.open(path, lockTimeout, { opening, writer, place: `path=${path}` }, environment.random), environment, capacity)
  }

  private constructor (database: LogDatabase, environment: Environment, capacityBytes: number) {
    this.identity = database.identity
    this.#database = database
    this.#environment = environment
    this.#capacityBytes = capacityBytes
    this.#lastPosition = database.ends().lastPosition
    this.#usedBytes = database.usedBytes()
  }

  async append (chunks: readonly Uint8Array[]): Promise<WalPosition> {
    this.#checkOpen()
    if (this.#failure !== undefined) throw this.#failure
    this.#isRecoverable = false
    const { recordBytesMax } = this.usage()
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    if (size === 0 || size > recordBytesMax) throw new StreambedError('INVALID_ARGUMENT', `the record must have 1 to ${recordBytesMax} bytes. size=${size}`)
    if (this.#usedBytes + size + recordOverheadBytes > this.#capacityBytes) {
      throw new StreambedError('OVER_CAPACITY', `the log is full until older records are trimmed. size=${size} usedBytes=${this.#usedBytes} capacityBytes=${this.#capacityBytes}`)
    }
    const data = Buffer.concat(chunks, size)
    const record = { position: ++this.#lastPosition, data, crc32c: this.#environment.crc32c(data) }
    this.#usedBytes += size + recordOverheadBytes
    const { promise, reject, resolve } = Promise.withResolvers<WalPosition>()
    this.#waiting.push({ record, resolve, reject })
    this.#committing ??= this.#commitAll()
    return await promise
  }

  async * recover (): AsyncGenerator<WalRecord> {
    this.#checkOpen()
    if (!this.#isRecoverable) throw new StreambedError('INVALID_ARGUMENT', 'recover is called once, before the first append')
    this.#isRecoverable = false
    const { lastPosition, trimmedTo } = this.#database.ends()
    for (let before = trimmedTo; before < lastPosition; before++) {
      const found = this.#database.next(before)
      if (found?.position !== before + 1) throw new StreambedError('CORRUPT', `a record is missing. position=${before + 1} next=${found?.position} lastPosition=${lastPosition}`)
      const { crc32c, data, position } = found
      if (this.#environment.crc32c(data) !== crc32c) throw new StreambedError('CORRUPT', `a record fails its CRC-32C. position=${position} size=${data.length}`)
      yield { position, data }
      await this.#environment.yieldTurn()
      this.#checkOpen()
    }
  }

  async trim (position: WalPosition): Promise<void> {
    this.#checkOpen()
    const { lastPosition, trimmedTo } = this.#database.ends()
    // What waits to be committed was appended too; it is not durable yet, so it cannot be in an object.
    if (!(position <= lastPosition)) throw new StreambedError('INVALID_ARGUMENT', `the position is past the last confirmed append. position=${position} lastPosition=${lastPosition}`)
    if (position > trimmedTo) this.#usedBytes -= this.#database.trim(position)
  }

  usage (): WalUsage {
    return { usedBytes: this.#usedBytes, capacityBytes: this.#capacityBytes, recordBytesMax: Math.min(recordBytesLimit, Math.floor(this.#capacityBytes / 4)) }
  }

  async close (): Promise<void> {
    this.#closing ??= (async () => {
      await this.#committing
      this.#database.close()
    })()
    await this.#closing
  }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  async #commitAll (): Promise<void> {
    while (this.#waiting.length > 0) {
      // Whatever else this turn has to append comes along.
      await this.#environment.yieldTurn()
      const batch = this.#nextBatch()
      try {
        this.#database.append(batch.map(({ record }) => record))
        for (const { record, resolve } of batch) resolve(record.position)
      } catch (error) {
        this.#fail(batch, error as StreambedError)
      }
    }
    this.#committing = undefined
  }

  #nextBatch (): readonly Waiting[] {
    let count = 0
    for (let size = 0; count < this.#waiting.length; count++) {
      size += this.#waiting[count]!.record.data.length
      if (count > 0 && size > batchBytesMax) break
    }
    return this.#waiting.splice(0, count)
  }

  /** No holes (W-3): all that waits fails too. A full disk undid the batch, and the log goes on once there is room; nothing else lets it. */
  #fail (batch: readonly Waiting[], error: StreambedError): void {
    const failed = [...batch, ...this.#waiting.splice(0)]
    for (const { record } of failed) this.#usedBytes -= record.data.length + recordOverheadBytes
    this.#lastPosition -= failed.length
    if (error.code !== 'OUT_OF_SPACE') this.#failure = error
    for (const { reject } of failed) reject(error)
  }

  #checkOpen (): void {
    if (this.#closing !== undefined) throw new StreambedError('CLOSED', 'the log is closed')
  }
}
