import { StreambedError, type Environment, type MetadataRepair, type ObjectStore } from '@streambed/sdk'
import { tokenBytes } from './format.ts'
import { LogObjects } from './log-objects.ts'
import type { ObjectMetadataLogOptions } from './options.ts'
import { planRepair, type FoundSlot, type RepairPlan } from './repair-plan.ts'

/**
 * See `MetadataLogPlugin.repair`. What is kept is copied to a place of its own, and one put makes that the log. Nothing is moved, for
 * a store may refuse to give out an object that is damaged, and its key would stand in the way of the entries that come next.
 */
export async function repairLog (options: ObjectMetadataLogOptions, environment: Environment, store: ObjectStore): Promise<MetadataRepair> {
  const objects = new LogObjects(store, environment, options)
  await objects.findRoot()
  const plan = await findPlan(objects)
  if (!plan.isSound) await copyKept(objects, plan)
  const left = plan.isSound ? [] : [...plan.snapshotsLeft.map(at => objects.snapshotKey(at)), ...plan.slotsLeft.map(start => objects.slotKey(start))]
  return { end: plan.end, setAside: left, lostFrom: plan.isLossy ? plan.end : undefined }
}

async function findPlan (objects: LogObjects): Promise<RepairPlan> {
  const { marks, starts } = await objects.listLog()
  const slots: FoundSlot[] = []
  for (const start of starts) slots.push({ start, end: await readable(async () => start + (await objects.slot(start)).entries.length) })
  const snapshots: { at: number, isReadable: boolean }[] = []
  for (const at of await objects.snapshots()) snapshots.push({ at, isReadable: await readable(() => objects.snapshot(at)) !== undefined })
  const isEmpty = marks.length > 0 && await objects.isEmptyAt(marks.at(-1)!)
  return planRepair({ slots, marks, snapshots, isEmpty })
}

async function copyKept (from: LogObjects, { slots, snapshotAt, start }: RepairPlan): Promise<void> {
  const to = from.nextGeneration()
  for (const each of slots) await to.copy(from, objects => objects.slotKey(each))
  if (snapshotAt !== undefined) await to.copy(from, objects => objects.snapshotKey(snapshotAt))
  if (start > 0) {
    const token = from.environment.random.bytes(tokenBytes)
    const bytes = await to.encode({ kind: 'mark', position: start, token, count: 0 }, [])
    if (slots.length === 0) await to.put(to.emptyKey(start), bytes, { kind: 'mark', position: start, token })
    await to.put(to.markKey(start), bytes, { kind: 'mark', position: start, token })
  }
  await to.makeCurrent()
  await to.close()
}

async function readable<T> (read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (StreambedError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}
