import { StreambedError, type Environment, type WalRecord } from '@streambed/sdk'
import { fenced, readRecords, release, type BatchIndex } from '@streambed/sdk/batch-log'
import type { EpochFile } from './epoch-file.ts'
import type { Medium } from './medium.ts'
import type { Ring } from './ring.ts'
import type { ScanResult } from './scan.ts'
import type { RingReference } from './slots.ts'

export interface ScannedRing {
  readonly reference: RingReference
  readonly ring: Ring
  readonly index: BatchIndex
  readonly scan: ScanResult
}

/** Rings of earlier writers that a takeover, or a change of capacity, froze. Each goes once its records are trimmed. */
export class OldRings {
  readonly #medium: Medium
  readonly #epochFile: EpochFile
  readonly #writerEpoch: number
  readonly #environment: Environment
  /** Oldest first. */
  #rings: readonly ScannedRing[]

  constructor (rings: readonly ScannedRing[], medium: Medium, epochFile: EpochFile, writerEpoch: number, environment: Environment) {
    this.#rings = rings
    this.#medium = medium
    this.#epochFile = epochFile
    this.#writerEpoch = writerEpoch
    this.#environment = environment
  }

  get isDamaged (): boolean { return this.#rings.some(({ scan }) => scan.damage !== undefined) }

  /** Whether some ring is needed no longer when all up to `position` is trimmed. */
  hasTrimmed (position: number): boolean { return this.#rings.length > 0 && this.#rings[0]!.scan.lastRecord <= position }

  usedBytes (trimmed: number): number {
    let used = 0
    for (const { index, scan } of this.#rings) {
      index.trim(trimmed)
      if (!index.isEmpty) used += scan.end - index.firstStart
    }
    return used
  }

  async * records (trimmed: number): AsyncGenerator<readonly WalRecord[], void, undefined> {
    for (const { ring, scan } of this.#rings) {
      yield * readRecords(ring, scan, trimmed, this.#environment)
      if (scan.damage !== undefined) return
    }
  }

  /** Removes what `hasTrimmed` told of. Rejects with FENCED; any other failure is told to the log and costs disk space only. */
  async drop (trimmed: number): Promise<void> {
    const dropped = this.#rings.filter(({ scan }) => scan.lastRecord <= trimmed)
    try {
      await using released = new AsyncDisposableStack()
      const gate = await this.#medium.lockGate()
      released.defer(async () => { await release(this.#environment.logger, 'gate lock', () => gate.release()) })
      const state = await this.#epochFile.read()
      if (state === undefined) throw new StreambedError('CORRUPT', `the log's epoch record was erased. path=${this.#medium.path}`)
      if (state.writerEpoch !== this.#writerEpoch) throw fenced(this.#medium.path, this.#writerEpoch, state.writerEpoch)
      const ids = dropped.map(({ reference }) => reference.ringId)
      await this.#epochFile.write({ ...state, sequence: state.sequence + 1, rings: state.rings.filter(({ ringId }) => !ids.includes(ringId)) })
      this.#rings = this.#rings.filter(ring => !dropped.includes(ring))
      for (const { ring, reference } of dropped) {
        await ring.close()
        await this.#medium.removeRing(reference.ringId)
      }
    } catch (error) {
      if (StreambedError.is(error, 'FENCED', 'CORRUPT')) throw error
      this.#environment.logger.warn('a ring that is needed no longer could not be removed; a later trim or start does', { path: this.#medium.path, cause: String(error) })
    }
  }

  async close (): Promise<void> { for (const { ring } of this.#rings) await ring.close() }
}
