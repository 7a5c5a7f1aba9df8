import { StreambedError } from '../errors.ts'
import { checkOpening } from '../wal-opening.ts'
import type { Wal, WalCapabilities, WalIdentity, WalOpening, WalPosition, WalRecord, WalUsage, WalWriter } from '../wal.ts'

export const memoryWalCapabilities: WalCapabilities = Object.freeze({
  scope: 'process',
  latencyClass: 'A',
  fencing: 'epochFile',
  remoteTakeover: false,
  identity: true
})

/** What each record takes besides its data, as real logs have it. */
const headerBytes = 32

export interface MemoryWalLimits {
  /** Bytes of records and their headers. Default 64 MiB. */
  readonly capacityBytes?: number
  /** Default: a quarter of the capacity. */
  readonly recordBytesMax?: number
}

/** The "disk" under the logs that share it: what was written is durable at once. It outlives them. */
export class MemoryWalMedium {
  readonly capacityBytes: number
  readonly recordBytesMax: number
  readonly records: WalRecord[] = []
  usedBytes = 0
  nextPosition: WalPosition = 0
  /** Of the last append; trimmed or not. */
  lastPosition: WalPosition = -1
  owner: { readonly clusterId: string, readonly nodeId: number } | undefined
  highestEpoch = -1
  trimmed: WalPosition = -1
  /** Minted when the first log is opened on it. */
  id: string | undefined

  constructor (limits: MemoryWalLimits = {}) {
    this.capacityBytes = limits.capacityBytes ?? 64 * 2 ** 20
    this.recordBytesMax = limits.recordBytesMax ?? Math.floor(this.capacityBytes / 4)
  }
}

/** A write-ahead log in memory. Another one opened on its medium, with a higher epoch, fences it and sees its records. */
export class MemoryWal implements Wal {
  readonly identity: WalIdentity
  readonly #medium: MemoryWalMedium
  readonly #epoch: number
  #isClosed = false
  #isRecoverable = true

  static async open (medium: MemoryWalMedium, writer: WalWriter, opening: WalOpening = { mode: 'create' }): Promise<MemoryWal> {
    const { clusterId, nodeId, writerEpoch } = writer
    checkOpening(medium.owner === undefined ? undefined : { ...medium.owner, id: medium.id }, { opening, writer, place: 'path=memory' })
    if (writerEpoch <= medium.highestEpoch) throw fenced(writerEpoch, medium.highestEpoch)
    const id = medium.id ??= `memory-${++mintedCount}`
    const identity = { id, writerEpoch: medium.highestEpoch, last: medium.lastPosition, trimmed: medium.trimmed }
    medium.owner ??= { clusterId, nodeId }
    medium.highestEpoch = writerEpoch
    return new MemoryWal(medium, writerEpoch, identity)
  }

  private constructor (medium: MemoryWalMedium, epoch: number, identity: WalIdentity) {
    this.#medium = medium
    this.#epoch = epoch
    this.identity = identity
  }

  async append (chunks: readonly Uint8Array[]): Promise<WalPosition> {
    this.#begin()
    this.#isRecoverable = false
    const medium = this.#medium
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    if (size === 0) throw new StreambedError('INVALID_ARGUMENT', 'the record is empty')
    if (size > medium.recordBytesMax) throw new StreambedError('INVALID_ARGUMENT', `the record is too large. size=${size} recordBytesMax=${medium.recordBytesMax}`)
    if (medium.usedBytes + size + headerBytes > medium.capacityBytes) {
      throw new StreambedError('OVER_CAPACITY', `the log is full. size=${size} usedBytes=${medium.usedBytes} capacityBytes=${medium.capacityBytes}`)
    }
    const data = new Uint8Array(size)
    let at = 0
    for (const chunk of chunks) {
      data.set(chunk, at)
      at += chunk.length
    }
    const position = medium.nextPosition
    medium.records.push({ position, data })
    medium.usedBytes += size + headerBytes
    medium.nextPosition += size + headerBytes
    medium.lastPosition = position
    return position
  }

  async * recover (): AsyncGenerator<WalRecord> {
    this.#begin()
    if (!this.#isRecoverable) throw new StreambedError('INVALID_ARGUMENT', 'recover is called once, before the first append')
    this.#isRecoverable = false
    for (const { position, data } of [...this.#medium.records]) yield { position, data: data.slice() }
  }

  async trim (position: WalPosition): Promise<void> {
    this.#begin()
    const medium = this.#medium
    if (position > medium.lastPosition) throw new StreambedError('INVALID_ARGUMENT', `the position is past the last append. position=${position}`)
    medium.trimmed = Math.max(medium.trimmed, position)
    const kept = medium.records.findIndex(record => record.position > position)
    const trimmed = medium.records.splice(0, kept < 0 ? medium.records.length : kept)
    for (const { data } of trimmed) medium.usedBytes -= data.length + headerBytes
  }

  usage (): WalUsage {
    const { usedBytes, capacityBytes, recordBytesMax } = this.#medium
    return { usedBytes, capacityBytes, recordBytesMax }
  }

  async close (): Promise<void> { this.#isClosed = true }

  async [Symbol.asyncDispose] (): Promise<void> { await this.close() }

  #begin (): void {
    if (this.#isClosed) throw new StreambedError('CLOSED', 'the log is closed')
    if (this.#medium.highestEpoch > this.#epoch) throw fenced(this.#epoch, this.#medium.highestEpoch)
  }
}

/** Media of one process are told apart by their number. */
let mintedCount = 0

function fenced (epoch: number, highest: number): StreambedError {
  return new StreambedError('FENCED', `a newer writer took over. writerEpoch=${epoch} highest=${highest}`)
}
