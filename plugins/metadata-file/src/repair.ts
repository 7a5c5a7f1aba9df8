import { StreambedError } from '@streambed/sdk'
import type { Environment, MetadataRepair } from '@streambed/sdk'
import path from 'node:path'
import { closedName, readClosedFile } from './closed-file.ts'
import { logError } from './errors.ts'
import { fileName, listFolder, lockFolder } from './folder.ts'
import type { FileMetadataLogOptions } from './options.ts'
import { planRepair, type FoundSegment, type RepairPlan } from './repair-plan.ts'
import { isUnusedSegment, readSegment } from './segment-content.ts'
import { Segment } from './segment.ts'
import { replaceFile } from './replace-file.ts'
import { readSnapshotFile } from './snapshot-file.ts'

/** What repairs put before the names of what they move away: `open` passes such files over. */
export const asidePrefix = 'damaged-'

/** See `MetadataLogPlugin.repair`. */
export async function repairLog (options: FileMetadataLogOptions, environment: Environment): Promise<MetadataRepair> {
  const folder = path.resolve(options.path)
  try {
    if (!await isThere(environment, folder)) return { end: 0, setAside: [], lostFrom: undefined }
    const lock = await lockFolder(environment.fileSystem, folder)
    try {
      await environment.fileSystem.syncDirectory(folder)
      return await performRepair(environment, folder, await findPlan(environment, folder))
    } finally {
      await lock.release()
    }
  } catch (error) {
    throw logError(error, `repairing the metadata log in ${folder}`)
  }
}

async function findPlan (environment: Environment, folder: string): Promise<RepairPlan> {
  const { fileSystem, crc32c } = environment
  const found = await listFolder(fileSystem, folder)
  const segments: FoundSegment[] = []
  let isUnusedAtEnd = false
  for (const [index, start] of found.log.entries()) {
    const file = path.join(folder, fileName('log', start))
    const isLast = index === found.log.length - 1
    const bytes = await fileSystem.readFile(file)
    // What never came into use is removed by `open`, and the one before it is then the last.
    if (isLast && isUnusedSegment(bytes, start, crc32c)) isUnusedAtEnd = true
    else segments.push({ start, bytes, ...readSegment(bytes, { file, start, isLast }, environment) })
  }
  if (isUnusedAtEnd && segments.length > 0) {
    const last = segments.pop()!
    segments.push({ ...last, ...readSegment(last.bytes, { file: path.join(folder, fileName('log', last.start)), start: last.start, isLast: true }, environment) })
  }
  const snapshots: { at: number, isReadable: boolean }[] = []
  for (const at of found.snapshot) snapshots.push({ at, isReadable: await isReadable(() => readSnapshotFile(environment, path.join(folder, fileName('snapshot', at)), at)) })
  let closedAt: number | undefined
  const isClosedReadable = await isReadable(async () => { closedAt = await readClosedFile(environment, folder) })
  return planRepair({ segments, snapshots, closedAt: isClosedReadable ? closedAt : 'damaged', unusedAt: isUnusedAtEnd ? found.log.at(-1) : undefined })
}

/**
 * Each step is durable before the next. What is cut is linked under its other name before it is replaced, so no byte is ever
 * without a name; and until the last step `open` either refuses the log still, or opens it as it will be.
 */
async function performRepair (environment: Environment, folder: string, plan: RepairPlan): Promise<MetadataRepair> {
  const setAside: string[] = []
  const move = async (name: string): Promise<void> => { setAside.push(await moveAside(environment, folder, name)) }
  for (const at of plan.snapshotsAside) await move(fileName('snapshot', at))
  if (plan.cut !== undefined) {
    const name = fileName('log', plan.cut.start)
    setAside.push(await linkAside(environment, folder, name))
    await replaceFile(environment, path.join(folder, name), [plan.cut.bytes])
  }
  // What follows the cut keeps the log refused until the last of it is gone.
  for (const start of [...plan.segmentsAside].reverse()) await move(fileName('log', start))
  if (plan.createAt !== undefined) await (await Segment.create(environment, path.join(folder, fileName('log', plan.createAt)), folder, plan.createAt)).close()
  if (plan.isClosedAside) await move(closedName)
  return { end: plan.end, setAside, lostFrom: plan.isLossy ? plan.end : undefined }
}

async function moveAside ({ fileSystem }: Environment, folder: string, name: string): Promise<string> {
  const { log, snapshot, others } = await listFolder(fileSystem, folder)
  const taken = new Set([...others, ...log.map(start => fileName('log', start)), ...snapshot.map(at => fileName('snapshot', at))])
  const aside = freeName(name, candidate => !taken.has(candidate))
  await fileSystem.rename(path.join(folder, name), path.join(folder, aside))
  await fileSystem.syncDirectory(folder)
  return aside
}

/** Gives the file a second name; the one that an earlier, stopped repair gave it, if there is one. */
async function linkAside ({ fileSystem }: Environment, folder: string, name: string): Promise<string> {
  const bytes = await fileSystem.readFile(path.join(folder, name))
  for (let number = 0; ; number++) {
    const aside = asideName(name, number)
    try {
      await fileSystem.link(path.join(folder, name), path.join(folder, aside))
    } catch (error) {
      if (!StreambedError.is(error, 'ALREADY_EXISTS')) throw error
      if (Buffer.compare(await fileSystem.readFile(path.join(folder, aside)), bytes) !== 0) continue
    }
    await fileSystem.syncDirectory(folder)
    return aside
  }
}

async function isThere ({ fileSystem }: Environment, folder: string): Promise<boolean> {
  try {
    await fileSystem.stat(folder)
    return true
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return false
    throw error
  }
}

async function isReadable (read: () => Promise<unknown>): Promise<boolean> {
  try {
    await read()
    return true
  } catch (error) {
    if (StreambedError.is(error, 'CORRUPT')) return false
    throw error
  }
}

function asideName (name: string, number: number): string { return `${asidePrefix}${name}${number === 0 ? '' : `.${number}`}` }

function freeName (name: string, isFree: (candidate: string) => boolean): string {
  for (let number = 0; ; number++) if (isFree(asideName(name, number))) return asideName(name, number)
}
