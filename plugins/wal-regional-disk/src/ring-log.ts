import { StreambedError, type Environment, type FileLock, type WalRecord } from '@streambed/sdk'
import { blockBytes, fenced, readRecords, recordBytesCeiling, release, type BatchMedium, type LogState } from '@streambed/sdk/batch-log'
import type { EpochFile } from './epoch-file.ts'
import type { OldRings } from './old-rings.ts'
import type { Ring } from './ring.ts'
import { watermarkLagBytes } from './scan.ts'

/** What `openWal` found and made. */
export interface RingLogParts {
  readonly path: string
  readonly writerEpoch: number
  readonly epochFile: EpochFile
  readonly ring: Ring
  /** Undefined only when the log is damaged and its earlier writer lives. */
  readonly ringLock: FileLock | undefined
  readonly oldRings: OldRings
  /** Where the ring's last whole batch ended at opening. */
  readonly end: number
  readonly trimmed: number
  readonly damage: StreambedError | undefined
}

/**
 * Batches in a ring on a disk; the check for a higher epoch is a reading of the epoch record.
 *
 * Why a late write harms nothing: a fencer writes to a ring of its own, and reads the old one only up to the end that it
 * recorded. In the old ring a batch lands only on space that a header slot gave up, and only after a check that followed
 * that slot; so a fencer that could still meet the late batch reads a slot that has given the space up already.
 */
export class RingLog implements BatchMedium {
  readonly path: string
  readonly writerEpoch: number
  readonly capacityBytes: number
  readonly recordBytesMax: number
  readonly #parts: RingLogParts
  readonly #environment: Environment

  constructor (parts: RingLogParts, environment: Environment) {
    this.path = parts.path
    this.writerEpoch = parts.writerEpoch
    this.capacityBytes = parts.ring.size
    this.recordBytesMax = Math.min(recordBytesCeiling, Math.floor(parts.ring.size / 4) - blockBytes)
    this.#parts = parts
    this.#environment = environment
  }

  bytesElsewhere (trimmed: number): number { return this.#parts.oldRings.usedBytes(trimmed) }

  async * records (): AsyncGenerator<readonly WalRecord[], void, undefined> {
    const { ring, oldRings, trimmed, end, damage } = this.#parts
    yield * oldRings.records(trimmed)
    // Damage in an old ring ends the log there: what follows would look complete without it.
    if (!oldRings.isDamaged) yield * readRecords(ring, { start: ring.state.scanStart, end }, trimmed, this.#environment)
    if (damage !== undefined) throw damage
  }

  async prepare (bytes: number, state: LogState): Promise<Uint8Array> {
    const { ring } = this.#parts
    const needsRoom = state.end + bytes - ring.state.scanStart > ring.size
    if (needsRoom || !ring.mayHoldStamps || state.end - ring.state.confirmedEnd >= watermarkLagBytes(ring.size)) await this.#advanceRing(state)
    return ring.salt
  }

  async write (chunks: readonly Uint8Array[], position: number, bytes: number): Promise<void> {
    await this.#parts.ring.write(chunks, position, bytes)
    await this.#checkEpoch()
  }

  isTidy (state: LogState): boolean { return !this.#parts.oldRings.hasTrimmed(state.trimmed) }

  async tidy (state: LogState): Promise<void> {
    // The trim must be durable before the rings go: their records are then past for every later reader.
    await this.#advanceRing(state)
    await this.#parts.oldRings.drop(state.trimmed)
  }

  /** A device that a reservation has taken away fails writes like a broken one; the epoch record can be read still. */
  async explain (error: unknown): Promise<unknown> {
    if (StreambedError.is(error, 'FENCED')) return error
    try {
      await this.#checkEpoch()
    } catch (reason) {
      if (StreambedError.is(reason, 'FENCED')) return reason
    }
    return error
  }

  async close (state: LogState | undefined): Promise<void> {
    const { ring, oldRings, epochFile, ringLock, path } = this.#parts
    const { logger } = this.#environment
    if (state !== undefined && (ring.state.confirmedEnd !== state.end || ring.state.trimmed !== state.trimmed)) {
      try {
        await this.#advanceRing(state)
      } catch (error) {
        // Nothing confirmed is lost: the next open reads a little more, and trimmed records may come back.
        logger.warn('the last trim of the write-ahead log could not be stored', { path, cause: String(error) })
      }
    }
    await release(logger, 'old rings', () => oldRings.close())
    await release(logger, 'ring', () => ring.close())
    await release(logger, 'epoch file', () => epochFile.close())
    await release(logger, 'ring lock', () => ringLock?.release())
  }

  /** Gives up trimmed space and moves the watermark. Only after the check may the space be written to. */
  async #advanceRing ({ freeFrom, trimmed, end }: LogState): Promise<void> {
    await this.#parts.ring.advance({ scanStart: freeFrom, trimmed, confirmedEnd: end })
    await this.#checkEpoch()
  }

  async #checkEpoch (): Promise<void> {
    const state = await this.#parts.epochFile.read()
    if (state === undefined) throw new StreambedError('CORRUPT', `the log's epoch record was erased. path=${this.path}`)
    if (state.writerEpoch !== this.writerEpoch) throw fenced(this.path, this.writerEpoch, state.writerEpoch)
  }
}
