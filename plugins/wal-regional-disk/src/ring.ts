import { StreambedError, type Environment, type FileHandle } from '@streambed/sdk'
import { blockBytes, splitChunks, type BatchSource } from '@streambed/sdk/batch-log'
import { decodeRingSlot, encodeRingSlot, slotBytes, stampedVersion, withPadding, type RingState, type Slot } from './slots.ts'

/** Before the ring's first byte: two slots, a block each. */
export const ringHeaderBytes = 2 * blockBytes

/** A file, or the part of a device behind `offset`, that is written round and round. Positions are logical. */
export class Ring implements BatchSource {
  readonly path: string
  readonly #handle: FileHandle
  readonly #offset: number
  readonly #environment: Environment
  #state: RingState
  /** The state may be older than the last one written. */
  readonly hasDamagedSlot: boolean
  #mayHoldStamps: boolean

  private constructor (handle: FileHandle, path: string, offset: number, environment: Environment, state: RingState, found: { readonly hasDamagedSlot: boolean, readonly mayHoldStamps: boolean }) {
    this.#handle = handle
    this.path = path
    this.#offset = offset
    this.#environment = environment
    this.#state = state
    this.hasDamagedSlot = found.hasDamagedSlot
    this.#mayHoldStamps = found.mayHoldStamps
  }

  /**
   * Writes the header of a new ring, the place of its second slot too: from then on a trim finds its disk space taken, even
   * on a full disk. Owns `handle`, which must be synchronous, once it resolves.
   */
  static async create (handle: FileHandle, path: string, offset: number, environment: Environment, state: RingState): Promise<Ring> {
    const ring = new Ring(handle, path, offset, environment, state, { hasDamagedSlot: false, mayHoldStamps: true })
    await handle.write([encodeRingSlot(state, environment.crc32c), new Uint8Array(ringHeaderBytes - slotBytes)], offset)
    return ring
  }

  /** Reads the newer slot. Rejects with NOT_FOUND when none was ever written, CORRUPT when both are damaged. */
  static async open (handle: FileHandle, path: string, offset: number, environment: Environment): Promise<Ring> {
    const area = new Uint8Array(ringHeaderBytes)
    const count = await handle.read(area, offset)
    area.fill(0, count)
    const slots = [area.subarray(0, slotBytes), area.subarray(blockBytes, blockBytes + slotBytes)].map(bytes => decodeRingSlot(bytes, environment.crc32c, path))
    const state = newest(slots)
    if (slots.every(slot => slot.kind === 'empty')) throw new StreambedError('NOT_FOUND', `the ring has no header. path=${path}`)
    if (state === undefined) {
      throw new StreambedError('CORRUPT', `the ring's header is damaged in both copies; its records cannot be read. path=${path}`)
    }
    const hasDamagedSlot = slots.some(slot => slot.kind === 'damaged')
    if (hasDamagedSlot) environment.logger.warn('one copy of a ring header is damaged; the other is used', { path })
    const mayHoldStamps = slots.some(slot => slot.kind === 'state' && slot.version >= stampedVersion)
    return new Ring(handle, path, offset, environment, state, { hasDamagedSlot, mayHoldStamps })
  }

  get state (): RingState { return this.#state }
  get size (): number { return this.#state.size }
  /** Whether the header says, durably, that batches with stamps may be here: older programs then refuse the ring. */
  get mayHoldStamps (): boolean { return this.#mayHoldStamps }
  get lapBytes (): number { return this.#state.size }
  get salt (): Uint8Array { return this.#state.salt }

  /** Durable when it resolves. `bytes`: of all chunks together, at most the ring's size. */
  async write (chunks: readonly Uint8Array[], position: number, bytes: number): Promise<void> {
    const at = this.#placeOf(position)
    const untilWrap = this.size - at
    if (bytes <= untilWrap) {
      await this.#handle.write(chunks, this.#dataAt + at)
      return
    }
    const [first, rest] = splitChunks(chunks, untilWrap)
    await this.#handle.write(first, this.#dataAt + at)
    await this.#handle.write(rest, this.#dataAt)
  }

  /** Fills `target` from `position` on; what lies past a file cut short reads as zeros. */
  async read (target: Uint8Array, position: number): Promise<void> {
    const at = this.#placeOf(position)
    const first = target.subarray(0, this.size - at)
    first.fill(0, await this.#handle.read(first, this.#dataAt + at))
    if (first.length === target.length) return
    const rest = target.subarray(first.length)
    rest.fill(0, await this.#handle.read(rest, this.#dataAt))
  }

  /** Durable when it resolves; the other slot keeps the state before. */
  async advance (change: Pick<RingState, 'scanStart' | 'trimmed' | 'confirmedEnd'>): Promise<void> {
    const state = { ...this.#state, ...change, sequence: this.#state.sequence + 1 }
    await this.#writeSlot(state)
    this.#state = state
    this.#mayHoldStamps = true
  }

  async close (): Promise<void> { await this.#handle.close() }

  get #dataAt (): number { return this.#offset + ringHeaderBytes }

  #placeOf (position: number): number { return (position - this.#state.base) % this.#state.size }

  async #writeSlot (state: RingState): Promise<void> {
    await this.#handle.write(withPadding(encodeRingSlot(state, this.#environment.crc32c)), this.#offset + state.sequence % 2 * blockBytes)
  }
}

function newest (slots: readonly Slot<RingState>[]): RingState | undefined {
  let found: RingState | undefined
  for (const slot of slots) if (slot.kind === 'state' && (found === undefined || slot.state.sequence > found.sequence)) found = slot.state
  return found
}
