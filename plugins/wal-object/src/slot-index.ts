import type { SlotId } from './keys.ts'

/** A slot of the log that is not wholly trimmed, as far as is known. */
export class IndexedSlot {
  readonly id: SlotId
  readonly bytes: number
  /** Position of its last record; that before its first when it holds none; Infinity until it is known. */
  lastPosition: number

  constructor (id: SlotId, bytes: number, lastPosition: number) {
    this.id = id
    this.bytes = bytes
    this.lastPosition = lastPosition
  }
}

/** The slots of the log that are not wholly trimmed, oldest first. */
export class SlotIndex {
  #slots: IndexedSlot[] = []
  #head = 0
  #bytes = 0

  get first (): IndexedSlot | undefined { return this.#slots[this.#head] }
  get bytes (): number { return this.#bytes }

  push (slot: IndexedSlot): void {
    this.#slots.push(slot)
    this.#bytes += slot.bytes
  }

  /** Forgets the slots whose records all lie at or before `position`. */
  trim (position: number): void {
    for (let first = this.first; first !== undefined && first.lastPosition <= position; first = this.first) {
      this.#bytes -= first.bytes
      this.#head++
    }
    if (this.#head > 1024 && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head)
      this.#head = 0
    }
  }
}
