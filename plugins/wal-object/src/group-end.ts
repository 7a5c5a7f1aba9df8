import type { SlotHeader } from './format.ts'
import type { ListedSlot, LogStore } from './log-store.ts'

/** Where an epoch's part of the log ends. */
export interface GroupEnd {
  /** The number of the fence, or of the first slot that is not there. */
  readonly slot: number
  readonly fence: SlotHeader | undefined
}

/**
 * Finds the end of an epoch among its slots, as listed. The slot with the highest number says up to where all are there;
 * the end is looked for from there on, slot by slot, so a few headers are read however long the log is.
 */
export async function findGroupEnd (log: LogStore, epoch: number, slots: readonly ListedSlot[]): Promise<GroupEnd> {
  const known = await knownBefore(log, epoch, slots)
  const numbers = new Set(slots.map(({ slot }) => slot))
  let slot = known
  for (; numbers.has(slot); slot++) {
    const header = await log.header(log.keys.slotOf({ epoch, slot }))
    if (header.kind === 'fence') return { slot, fence: header }
  }
  return { slot, fence: undefined }
}

/**
 * The fence that ends an epoch which has been taken over, be some of its slots deleted already: the lowest, for below it
 * there have only ever been records. Undefined when none is there.
 */
export async function findLowestFence (log: LogStore, epoch: number, slots: readonly ListedSlot[]): Promise<number | undefined> {
  const known = await knownBefore(log, epoch, slots)
  for (const { slot } of slots) {
    if (slot < known) continue
    const header = await log.header(log.keys.slotOf({ epoch, slot }))
    if (header.kind === 'fence') return slot
  }
  return undefined
}

async function knownBefore (log: LogStore, epoch: number, slots: readonly ListedSlot[]): Promise<number> {
  const highest = slots.at(-1)
  return highest === undefined ? 0 : (await log.header(log.keys.slotOf({ epoch, slot: highest.slot }))).knownBefore
}
