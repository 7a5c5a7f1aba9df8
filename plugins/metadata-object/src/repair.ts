import { StreambedError, type Environment, type MetadataRepair, type ObjectStore } from '@streambed/sdk'
import { tokenBytes } from './format.ts'
import { LogObjects } from './log-objects.ts'
import type { ObjectMetadataLogOptions } from './options.ts'
import { planRepair, type FoundSlot } from './repair-plan.ts'
import { setAside } from './set-aside.ts'

/**
 * See `MetadataLogPlugin.repair`. Where the log begins is noted first; what is cut off goes last, from its end on, so that what
 * stands at the gap is the last to go: until then the log is refused as before.
 */
export async function repairLog (options: ObjectMetadataLogOptions, environment: Environment, store: ObjectStore): Promise<MetadataRepair> {
  const objects = new LogObjects(store, environment, options)
  const moved: string[] = []
  const move = async (key: string): Promise<void> => { moved.push(await setAside(store, options.prefix, key)) }
  const { marks, starts } = await objects.listLog()
  const slots: FoundSlot[] = []
  for (const start of starts) slots.push({ start, end: await readable(async () => start + (await objects.slot(start)).entries.length) })
  const snapshots: { at: number, isReadable: boolean }[] = []
  for (const at of await objects.snapshots()) snapshots.push({ at, isReadable: await readable(() => objects.snapshot(at)) !== undefined })
  const isEmpty = marks.length > 0 && await objects.isEmptyAt(marks.at(-1)!)
  const plan = planRepair({ slots, marks, snapshots, isEmpty })

  for (const at of plan.snapshotsAside) await move(objects.snapshotKey(at))
  if (plan.begin !== undefined) {
    const { at, isEmpty: beginsEmpty } = plan.begin
    const token = environment.random.bytes(tokenBytes)
    const bytes = await objects.encode({ kind: 'mark', position: at, token, count: 0 }, [])
    if (beginsEmpty) await objects.put(objects.emptyKey(at), bytes, { kind: 'mark', position: at, token })
    if (!marks.includes(at)) await objects.put(objects.markKey(at), bytes, { kind: 'mark', position: at, token })
  }
  for (const start of [...plan.slotsAside].reverse()) await move(objects.slotKey(start))
  for (const mark of [...plan.marksAside].reverse()) await move(objects.markKey(mark))
  await objects.close()
  return { end: plan.end, setAside: moved, lostFrom: plan.isLossy ? plan.end : undefined }
}

async function readable<T> (read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (StreambedError.is(error, 'CORRUPT')) return undefined
    throw error
  }
}
