import { findLowestFence } from './group-end.ts'
import type { SlotId } from './keys.ts'
import type { LogStore } from './log-store.ts'

/**
 * Deletes what the log no longer needs. It never fails: what it cannot delete, it or a later opener finds again.
 *
 * The fence of an epoch stays for ever: were it gone, the writer that it keeps out, should it live on, could put its next
 * slot after all and confirm it.
 */
export class Janitor {
  readonly #log: LogStore
  /** Earlier epochs, ascending, of which more than the fence may be there. */
  readonly #toSweep: number[]
  /** Of our own epoch, the slots before it are deleted. */
  #deletedBefore = 0
  /** What a confirmed slot of ours says that nobody needs any more: all before it. */
  #needed: SlotId | undefined
  #hasClaims = true
  #isStopped = false
  #running: Promise<void> | undefined

  constructor (log: LogStore, toSweep: readonly number[], needed: SlotId | undefined) {
    this.#log = log
    this.#toSweep = [...toSweep]
    this.#needed = needed
  }

  /** Begins to delete what lies before `needed`, which a confirmed slot must say; undefined: as far as is known. */
  start (needed?: SlotId): void {
    if (needed !== undefined) this.#needed = needed
    if (this.#isStopped || this.#running !== undefined || !this.#hasWork) return
    this.#running = this.#run().finally(() => { this.#running = undefined })
  }

  /** Resolves once nothing is under way. */
  async close (): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  get #hasWork (): boolean {
    const needed = this.#needed
    if (this.#hasClaims) return true
    if (needed === undefined) return false
    return (this.#toSweep[0] ?? Infinity) < needed.epoch || (needed.epoch === this.#log.owner.writerEpoch && needed.slot > this.#deletedBefore)
  }

  async #run (): Promise<void> {
    const { environment: { logger }, owner: { writerEpoch } } = this.#log
    try {
      while (this.#hasWork && !this.#isStopped) {
        const needed = this.#needed
        // After `needed` was stored, before anything is deleted: see takeOver.
        const claims = await this.#log.claims()
        if (claims.some(epoch => epoch > writerEpoch)) {
          this.#isStopped = true
          return
        }
        if (this.#hasClaims) {
          await this.#log.remove(claims.filter(epoch => epoch < writerEpoch).map(epoch => this.#log.keys.claimOf(epoch)))
          this.#hasClaims = false
        }
        if (needed !== undefined) await this.#deleteBefore(needed)
      }
    } catch (error) {
      logger.warn('deleting trimmed records from the object store failed, trying again after a later trim', { error: String(error) })
    }
  }

  async #deleteBefore (needed: SlotId): Promise<void> {
    for (let epoch = this.#toSweep[0]; epoch !== undefined && epoch < needed.epoch; epoch = this.#toSweep[0]) {
      await this.#sweep(epoch)
      this.#toSweep.shift()
    }
    const { keys, owner: { writerEpoch } } = this.#log
    if (needed.epoch !== writerEpoch || needed.slot <= this.#deletedBefore) return
    const numbers = Array.from({ length: needed.slot - this.#deletedBefore }, (_, index) => this.#deletedBefore + index)
    const left = await this.#log.remove(numbers.map(slot => keys.slotOf({ epoch: writerEpoch, slot })))
    if (left.length > 0) throw new Error(`${left.length} objects could not be deleted`)
    this.#deletedBefore = needed.slot
  }

  /** Deletes all of an epoch but its fence: records, what landed late behind the fence, fences of openers that lost. */
  async #sweep (epoch: number): Promise<void> {
    const slots = await this.#log.group(epoch)
    const fence = await findLowestFence(this.#log, epoch, slots)
    if (fence === undefined) return
    const left = await this.#log.remove(slots.filter(({ slot }) => slot !== fence).map(({ slot }) => this.#log.keys.slotOf({ epoch, slot })))
    if (left.length > 0) throw new Error(`${left.length} objects could not be deleted`)
  }
}
