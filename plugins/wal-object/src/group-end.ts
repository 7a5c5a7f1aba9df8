import type { SlotHeader } from './format.ts'
import type { ListedSlot, LogStore } from './log-store.ts'

const headersAtOnce = 32

/** Where an epoch's part of the log ends. */
export interface GroupEnd {
  /** The number of the fence, or of the first slot that is not there. */
  readonly slot: number
  readonly fence: SlotHeader | undefined
}

/**
 * Finds the end of an epoch among its slots, as listed. The slot with the highest number says up to where all are there;
 * the end is looked for from there on, so a few headers are read however long the log is.
 */
export async function findGroupEnd (log: LogStore, epoch: number, slots: readonly ListedSlot[]): Promise<GroupEnd> {
  const known = await knownBefore(log, epoch, slots)
  const row: ListedSlot[] = []
  for (const listed of slots) if (listed.slot === known + row.length) row.push(listed)
  const fence = await firstFence(log, epoch, row)
  return fence === undefined ? { slot: known + row.length, fence } : { slot: fence.id.slot, fence }
}

/**
 * The fence that ends an epoch which has been taken over, be some of its slots deleted already: the lowest, for below it
 * there have only ever been records. Undefined when none is there.
 */
export async function findLowestFence (log: LogStore, epoch: number, slots: readonly ListedSlot[]): Promise<number | undefined> {
  const known = await knownBefore(log, epoch, slots)
  return (await firstFence(log, epoch, slots.filter(({ slot }) => slot >= known)))?.id.slot
}

async function firstFence (log: LogStore, epoch: number, slots: readonly ListedSlot[]): Promise<SlotHeader | undefined> {
  for (let at = 0; at < slots.length; at += headersAtOnce) {
    const headers = await Promise.all(slots.slice(at, at + headersAtOnce).map(({ slot }) => log.header(log.keys.slotOf({ epoch, slot }))))
    const fence = headers.find(({ kind }) => kind === 'fence')
    if (fence !== undefined) return fence
  }
  return undefined
}

async function knownBefore (log: LogStore, epoch: number, slots: readonly ListedSlot[]): Promise<number> {
  const highest = slots.at(-1)
  return highest === undefined ? 0 : (await log.header(log.keys.slotOf({ epoch, slot: highest.slot }))).knownBefore
}
