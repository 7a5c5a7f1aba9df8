import { StreambedError, type Environment, type FileHandle } from '@streambed/sdk'
import { blockBytes, fenced, isZero, owning } from '@streambed/sdk/batch-log'
import { decodeFence, decodeState, encodeFence, encodeState, stateBytesMax, type EpochState } from './format.ts'
import { epochOf, epochPath, epochsPath } from './layout.ts'

const stateAt = blockBytes
const fileBytes = stateAt + 2 * stateBytesMax

/**
 * What one writer epoch has on the file system. Its first block is the fence: zeros until a later opener writes there, and
 * written by nobody else. Behind it lie two copies of the state, written by the owner alone.
 *
 * Every access is direct, so the owner's reading of the fence is one READ that the server answers, whatever this host or its
 * mount options cache; and writers of different blocks never overwrite each other's.
 */
export class EpochFile {
  readonly writerEpoch: number
  readonly #handle: FileHandle
  readonly #folder: string
  readonly #path: string
  readonly #environment: Environment
  readonly #fence = new Uint8Array(blockBytes)
  #sequence = 0

  private constructor (handle: FileHandle, folder: string, writerEpoch: number, environment: Environment) {
    this.#handle = handle
    this.#folder = folder
    this.#path = epochPath(folder, writerEpoch)
    this.writerEpoch = writerEpoch
    this.#environment = environment
  }

  /** Claims the epoch. Rejects with FENCED when it was claimed before. */
  static async claim (folder: string, writerEpoch: number, environment: Environment): Promise<EpochFile> {
    const { fileSystem } = environment
    const path = epochPath(folder, writerEpoch)
    let handle
    try {
      handle = await fileSystem.open(path, 'createNew', { synchronous: true, direct: true })
    } catch (error) {
      if (!StreambedError.is(error, 'ALREADY_EXISTS')) throw error
      throw new StreambedError('FENCED', `the epoch was used before, perhaps by an opener that failed. path=${path}`, { cause: error })
    }
    const made = handle
    return await owning(made, environment, async () => {
      // All of it but the fence, which may be written already: later changes then find their space taken.
      await made.write([new Uint8Array(fileBytes - stateAt)], stateAt)
      await fileSystem.syncDirectory(epochsPath(folder))
      return new EpochFile(made, folder, writerEpoch, environment)
    })
  }

  /** That of an earlier epoch. Rejects with NOT_FOUND. */
  static async open (folder: string, writerEpoch: number, environment: Environment): Promise<EpochFile> {
    const handle = await environment.fileSystem.open(epochPath(folder, writerEpoch), 'update', { synchronous: true, direct: true })
    return new EpochFile(handle, folder, writerEpoch, environment)
  }

  /** Once it resolves, the owner confirms nothing whose check has not been answered before. */
  async fence (byEpoch: number): Promise<void> { await this.#handle.write([encodeFence(byEpoch, this.#environment.crc32c)], 0) }

  /** Rejects with FENCED when a later opener has written the fence. Not called twice at a time. */
  async check (): Promise<void> {
    this.#fence.fill(0, await this.#handle.read(this.#fence, 0))
    const by = decodeFence(this.#fence, this.#environment.crc32c)
    if (by !== undefined) throw fenced(this.#folder, this.writerEpoch, by)
  }

  /** The newest state; undefined while the owner has not finished opening. */
  async read (): Promise<EpochState | undefined> {
    const area = new Uint8Array(2 * stateBytesMax)
    area.fill(0, await this.#handle.read(area, stateAt))
    // The file had its whole size, durably, before the first state was written.
    if (await this.#handle.size() < fileBytes && !isZero(area)) {
      throw new StreambedError('CORRUPT', `the file of the log's state is shorter than it was made; restore it from a backup, or take another path. path=${this.#path}`)
    }
    const { crc32c, logger } = this.#environment
    const copies = [area.subarray(0, stateBytesMax), area.subarray(stateBytesMax)].map(bytes => decodeState(bytes, crc32c, this.#path))
    const [first, second] = copies as [typeof copies[number], typeof copies[number]]
    if (typeof first === 'object' && typeof second === 'object') return first.sequence > second.sequence ? first : second
    if (typeof first === 'object' || typeof second === 'object') {
      if (first === 'damaged' || second === 'damaged') logger.warn('one copy of the state is damaged; the other is used', { path: this.#path })
      return typeof first === 'object' ? first : second as EpochState
    }
    // The second copy is written only once the first is whole.
    if (second === 'empty') return undefined
    throw new StreambedError('CORRUPT', `the log's state is damaged in both copies; restore it from a backup, or take another path. path=${this.#path}`)
  }

  /** Both copies, one after the other: a crash spoils neither, rot at most one. Durable when it resolves. */
  async write (state: Omit<EpochState, 'sequence' | 'writerEpoch'>): Promise<void> {
    for (const copy of [0, 1]) {
      this.#sequence++
      const bytes = encodeState({ ...state, writerEpoch: this.writerEpoch, sequence: this.#sequence }, this.#environment.crc32c)
      await this.#handle.write([bytes], stateAt + copy * stateBytesMax)
    }
  }

  async close (): Promise<void> { await this.#handle.close() }
}

/**
 * Epochs that were ever claimed and not yet forgotten, rising. A host may remember an old listing; after it has itself made a
 * file in the folder it knows all that were made before.
 */
export async function listEpochs (folder: string, { fileSystem }: Environment): Promise<number[]> {
  const epochs: number[] = []
  for (const { name } of await fileSystem.list(epochsPath(folder))) {
    const epoch = epochOf(name)
    if (epoch !== undefined) epochs.push(epoch)
  }
  return epochs.sort((a, b) => a - b)
}
