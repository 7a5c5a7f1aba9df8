import { StreambedError, type Environment, type FileHandle, type FileLock, type FileMode } from '@streambed/sdk'
import { blockBytes, isZero, owning } from '@streambed/sdk/batch-log'
import { epochAreaBytes, EpochFile } from './epoch-file.ts'
import { lookInto, wholeBlocks, type Medium, type RingPlace } from './medium.ts'
import { Ring, ringHeaderBytes } from './ring.ts'
import type { EpochState, RingState } from './slots.ts'

const ringBlocksMin = 16
/** What stands before the first ring. */
const deviceHeaderBytes = epochAreaBytes + ringHeaderBytes

/** The smallest device that takes a log. */
export const deviceBytesMin: number = epochAreaBytes + 2 * (ringHeaderBytes + ringBlocksMin * blockBytes)

/**
 * The epoch record at the device's first byte; behind it two areas of one size, each with a ring's header and its ring. A
 * takeover from a writer that may live goes to the other area: late writes reach the old one alone.
 *
 * Every access is direct and synchronous, so the reading of the epoch record sees what another host has written.
 */
export class DeviceMedium implements Medium {
  readonly kind = 'device'
  readonly areaCount = 2
  readonly path: string
  readonly #capacity: number
  readonly #lockFile: string
  readonly #environment: Environment

  /** `capacity`: bytes of the device that are used. */
  constructor (path: string, capacity: number, lockFile: string, environment: Environment) {
    this.path = path
    this.#capacity = capacity
    this.#lockFile = lockFile
    this.#environment = environment
  }

  ringSize (areaCount: number): number { return wholeBlocks((this.#capacity - epochAreaBytes) / areaCount) - ringHeaderBytes }

  async lockGate (): Promise<FileLock> { return await this.#environment.fileSystem.lock(this.#lockFile) }

  async lockRing ({ area }: RingPlace): Promise<FileLock> { return await this.#environment.fileSystem.lock(`${this.#lockFile}-${area}`) }

  async look (): Promise<EpochState | undefined> { return await lookInto(await this.#openChecked('read'), this.#environment) }

  /** A device is there or not. */
  async make (): Promise<void> {}

  async openEpochFile (): Promise<EpochFile> { return await this.#openChecked('update') }

  async createRing (state: RingState, area: number): Promise<Ring> {
    const handle = await this.#open()
    return await owning(handle, this.#environment, async () => {
      return await Ring.create(handle, this.path, startOf(state.size, area), this.#environment, state)
    })
  }

  async openRing ({ area, size }: RingPlace): Promise<Ring> {
    const handle = await this.#open()
    return await owning(handle, this.#environment, async () => await Ring.open(handle, this.path, startOf(size, area), this.#environment))
  }

  async ringIds (): Promise<readonly number[]> { return [] }

  /** Its area is free as soon as the epoch record does not name it. */
  async removeRing (): Promise<void> {}

  async #openChecked (mode: FileMode): Promise<EpochFile> {
    const handle = await this.#open(mode)
    return await owning(handle, this.#environment, async () => {
      const start = new Uint8Array(deviceHeaderBytes)
      await handle.read(start, 0)
      const isOurs = startsWith(start, 'SBWEPOCH') || startsWith(start.subarray(blockBytes), 'SBWEPOCH')
      // Formatting writes the ring's header first: a crash in between leaves just that.
      const isHalfFormatted = isZero(start.subarray(0, epochAreaBytes)) && startsWith(start.subarray(epochAreaBytes), 'SBWRING1')
      if (!isOurs && !isHalfFormatted && !isZero(start)) {
        throw new StreambedError('MISCONFIGURED', `the device holds something that is not a write-ahead log; name another device, or erase its first ${deviceHeaderBytes} bytes if nobody needs them. path=${this.path}`)
      }
      return new EpochFile(handle, this.path, this.#environment)
    })
  }

  async #open (mode: FileMode = 'update'): Promise<FileHandle> { return await this.#environment.fileSystem.open(this.path, mode, { synchronous: true, direct: true }) }
}

function startOf (ringSize: number, area: number): number { return epochAreaBytes + area * (ringHeaderBytes + ringSize) }

function startsWith (bytes: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}
