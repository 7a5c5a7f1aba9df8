import { StreambedError } from '@streambed/sdk'
import { fenced } from './errors.ts'
import { corrupt, encodeSlot, isSameToken, type SlotHeader } from './format.ts'
import { findGroupEnd, type GroupEnd } from './group-end.ts'
import { rootEpoch, type SlotId } from './keys.ts'
import type { ListedSlot, LogStore } from './log-store.ts'
import type { SettledPuts } from './settled-puts.ts'

/** How far ahead a fast writer is barred at first; each time that it gets past, four times as far. */
const leapSlotsMin = 256

/** One slot of the log as it was taken over. */
export interface ChainSlot { readonly id: SlotId, readonly size: number }

export interface TakenOver {
  /** The highest epoch that was claimed before ours, or was written in; -1 for none. */
  readonly previousEpoch: number
  /** All that is not trimmed, in order, without the fences between epochs. */
  readonly chain: readonly ChainSlot[]
  /** The last slot that the log ever got; undefined when it never got one. */
  readonly last: SlotHeader | undefined
  /** Earlier epochs of which more is there than the one fence that stays. */
  readonly toSweep: readonly number[]
}

/**
 * Takes the log over: claims the epoch, ends the epoch that was written to, and makes sure that nobody later did the same.
 *
 * 1. The claim. Exactly one opener of an epoch gets it. From then on no writer of a lower epoch begins to delete: each
 *    looks for higher claims first. What it deletes later, it had decided on before; a slot that says so was there by then,
 *    so the listing that follows shows it, and the end that is found lies behind all that may still vanish.
 * 2. The fence: put-if-absent at the first slot that is not there. By 1 that slot never held anything. So from then on
 *    the earlier writer, which confirms in the order of its slots, confirms nothing from the fence on.
 * 3. The look for higher claims. A higher epoch that opened meanwhile may have deleted where our fence landed.
 */
export async function takeOver (log: LogStore, puts: SettledPuts, signal: AbortSignal): Promise<TakenOver> {
  const previousEpoch = await claim(log, puts, signal)
  try {
    const { highestEpoch, ...plan } = await linkAndPlan(log, puts, signal)
    // A claim may have been lost.
    return { previousEpoch: Math.max(previousEpoch, highestEpoch), ...plan }
  } catch (error) {
    // What vanished was trimmed by a later epoch, or is lost.
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
    await throwIfFenced(log)
    throw new StreambedError('CORRUPT', `an object of the write-ahead log is missing; restore it, or give the log a new prefix and accept the loss. ${error.message}`, { cause: error })
  }
}

/** Resolves with the highest claim that was there before. */
async function claim (log: LogStore, puts: SettledPuts, signal: AbortSignal): Promise<number> {
  const { keys, owner: { token, writerEpoch } } = log
  const highest = (await log.claims()).at(-1)
  if (highest !== undefined) {
    // Also finds out whether this is our log at all.
    const found = await log.header(keys.claimOf(highest)).catch((error: unknown) => { if (!StreambedError.is(error, 'NOT_FOUND')) throw error })
    if (highest > writerEpoch || (highest === writerEpoch && found !== undefined && !isSameToken(found.token, token))) throw fenced(writerEpoch, highest)
  }
  const id = { epoch: writerEpoch, slot: 0 }
  const settled = await puts.put(keys.claimOf(writerEpoch), encodeMark(log, 'claim', id, 0), signal)
  if (settled !== 'ours') throw fenced(writerEpoch, writerEpoch)
  return highest ?? -1
}

async function linkAndPlan (log: LogStore, puts: SettledPuts, signal: AbortSignal): Promise<Omit<TakenOver, 'previousEpoch'> & { readonly highestEpoch: number }> {
  const groups = await log.groups()
  // An epoch is written to only after a fence links to it; so the highest that is there is the last one, or the one before.
  const epochs = [...groups.keys()].sort((a, b) => a - b)
  const ends = await link(log, puts, groups, epochs.at(-1) ?? rootEpoch, signal)
  await throwIfFenced(log)
  const last = await findLast(log, groups, ends)
  const firstNeeded = last?.firstNeeded
  const chain: ChainSlot[] = []
  if (firstNeeded !== undefined) {
    for (const epoch of [...groups.keys()].sort((a, b) => a - b)) {
      if (epoch < firstNeeded.epoch) continue
      chain.push(...chainOf(log, epoch, groups.get(epoch)!, await endOf(log, epoch, groups, ends), epoch === firstNeeded.epoch ? firstNeeded.slot : 0))
    }
  }
  // Our own fence is in no listing yet.
  const toSweep = [...groups].filter(([epoch, slots]) => slots.length + (ends.has(epoch) && ends.get(epoch)!.fence === undefined ? 1 : 0) > 1)
  const highestEpoch = Math.max(rootEpoch, ...groups.keys(), ...ends.keys())
  return { chain, last, toSweep: toSweep.map(([epoch]) => epoch).sort((a, b) => a - b), highestEpoch }
}

/** Puts our fence at the end of the log, following the links of others. Resolves with the ends of the epochs that it came through. */
async function link (log: LogStore, puts: SettledPuts, groups: Map<number, ListedSlot[]>, from: number, signal: AbortSignal): Promise<Map<number, GroupEnd>> {
  const { owner: { token, writerEpoch }, keys } = log
  const ends = new Map<number, GroupEnd>()
  const put = (id: SlotId, knownBefore: number) => puts.put(keys.slotOf(id), encodeMark(log, 'fence', id, knownBefore), signal)
  let epoch = from
  const listFrom = async (slot: number): Promise<void> => {
    const before = (groups.get(epoch) ?? []).filter(listed => listed.slot < slot)
    groups.set(epoch, [...before, ...await log.group(epoch, slot)])
  }
  for (let lost = 0; ;) {
    if (epoch >= writerEpoch) throw fenced(writerEpoch, epoch)
    const isRoot = epoch === rootEpoch
    const end = isRoot ? { slot: 0, fence: undefined } : await findGroupEnd(log, epoch, groups.get(epoch) ?? [])
    let by = end.fence
    if (by === undefined) {
      const id = { epoch, slot: end.slot }
      const settled = await put(id, end.slot)
      if (settled === 'ours') {
        ends.set(epoch, end)
        return ends
      }
      if (settled.kind === 'fence') by = settled
    }
    if (by === undefined) {
      // The writer was faster. It is barred further ahead; the slots up to there are then soon filled or ours.
      await put({ epoch, slot: end.slot + leapSlotsMin * 4 ** Math.min(lost++, 8) }, end.slot)
      await listFrom(end.slot)
      continue
    }
    if (!isRoot) {
      ends.set(epoch, { slot: by.id.slot, fence: by })
      await listFrom(end.slot)
    }
    if (isSameToken(by.token, token)) return ends
    if (by.writerEpoch >= writerEpoch) throw fenced(writerEpoch, by.writerEpoch)
    epoch = by.writerEpoch
    if (!groups.has(epoch)) {
      const slots = await log.group(epoch)
      if (slots.length > 0) groups.set(epoch, slots)
    }
  }
}

/** The last slot with records, or without any but part of the log. */
async function findLast (log: LogStore, groups: ReadonlyMap<number, readonly ListedSlot[]>, ends: ReadonlyMap<number, GroupEnd>): Promise<SlotHeader | undefined> {
  for (const epoch of [...groups.keys()].sort((a, b) => b - a)) {
    const end = await endOf(log, epoch, groups, ends)
    if (end.slot === 0) continue
    return await log.header(log.keys.slotOf({ epoch, slot: end.slot - 1 }))
  }
  return undefined
}

async function endOf (log: LogStore, epoch: number, groups: ReadonlyMap<number, readonly ListedSlot[]>, ends: ReadonlyMap<number, GroupEnd>): Promise<GroupEnd> {
  const known = ends.get(epoch)
  if (known !== undefined) return known
  const end = await findGroupEnd(log, epoch, groups.get(epoch)!)
  if (end.fence === undefined) throw corrupt('is missing, or the link from its epoch to the next', log.keys.slotOf({ epoch, slot: end.slot }))
  return end
}

function chainOf (log: LogStore, epoch: number, slots: readonly ListedSlot[], end: GroupEnd, from: number): ChainSlot[] {
  const chain: ChainSlot[] = []
  for (const { slot, size } of slots) {
    if (slot < from || slot >= end.slot) continue
    if (slot !== from + chain.length) break
    chain.push({ id: { epoch, slot }, size })
  }
  if (from + chain.length < end.slot) throw corrupt('is missing', log.keys.slotOf({ epoch, slot: from + chain.length }))
  return chain
}

/** A mark holds no records; where the log stands, the last slot with records says. */
export function encodeMark (log: LogStore, kind: 'fence' | 'claim', id: SlotId, knownBefore: number): Uint8Array {
  const { environment: { crc32c }, owner } = log
  return encodeSlot({ ...owner, kind, id, knownBefore, trimmed: -1, firstNeeded: { epoch: rootEpoch, slot: 0 }, firstPosition: 0, recordCount: 0, bodyBytes: 0 }, [], crc32c)
}

export async function throwIfFenced (log: LogStore): Promise<void> {
  const { writerEpoch } = log.owner
  const higher = (await log.claims(writerEpoch)).at(-1)
  if (higher !== undefined) throw fenced(writerEpoch, higher)
}
