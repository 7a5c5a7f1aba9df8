import { StreambedError, type Environment, type FileHandle } from '@streambed/sdk'
import { blockBytes } from '@streambed/sdk/batch-log'
import { decodeEpochSlot, encodeEpochSlot, slotBytes, withPadding, type EpochState } from './slots.ts'

export const epochAreaBytes: number = 2 * blockBytes

/**
 * Who may write, and to which ring: two copies of one slot, updated in place, so that a writer sees a change with one
 * read of a file it has open. The copies are written one after the other: a crash spoils neither, rot at most one.
 */
export class EpochFile {
  readonly #handle: FileHandle
  readonly #path: string
  readonly #environment: Environment
  readonly #area = new Uint8Array(epochAreaBytes)

  /** `handle` must be synchronous; it is owned from now on. */
  constructor (handle: FileHandle, path: string, environment: Environment) {
    this.#handle = handle
    this.#path = path
    this.#environment = environment
  }

  /** The newest state; undefined while nothing was ever written. Not called twice at a time. */
  async read (): Promise<EpochState | undefined> {
    const area = this.#area
    const count = await this.#handle.read(area, 0)
    area.fill(0, count)
    const { crc32c } = this.#environment
    const first = decodeEpochSlot(area.subarray(0, slotBytes), crc32c, this.#path)
    const second = decodeEpochSlot(area.subarray(blockBytes, blockBytes + slotBytes), crc32c, this.#path)
    if (first.kind === 'state' && second.kind === 'state') return first.state.sequence > second.state.sequence ? first.state : second.state
    if (first.kind === 'state') return first.state
    if (second.kind === 'state') return second.state
    if (first.kind === 'empty' && second.kind === 'empty') return undefined
    throw new StreambedError('CORRUPT', `the log's epoch record is damaged in both copies, or this is not a write-ahead log; restore it from a backup, or take another path. path=${this.#path}`)
  }

  async write (state: EpochState): Promise<void> {
    const { crc32c } = this.#environment
    await this.#handle.write(withPadding(encodeEpochSlot(state, crc32c)), state.sequence % 2 * blockBytes)
    const copy = { ...state, sequence: state.sequence + 1 }
    await this.#handle.write(withPadding(encodeEpochSlot(copy, crc32c)), copy.sequence % 2 * blockBytes)
  }

  async close (): Promise<void> { await this.#handle.close() }
}
