import { StreambedError } from '@streambed/sdk'
import type { FileLock, FileSystem } from '@streambed/sdk'
import path from 'node:path'

const digits = 16
const pattern = /^(log|snapshot)-(\d{16})$/

export type FileKind = 'log' | 'snapshot'

/** The name of a file that starts at `position`. */
export function fileName (kind: FileKind, position: number): string { return `${kind}-${String(position).padStart(digits, '0')}` }

/** Positions of the files of each kind, ascending, and the names of all others. */
export async function listFolder (fileSystem: FileSystem, folder: string): Promise<{ readonly log: number[], readonly snapshot: number[], readonly others: string[] }> {
  const found = { log: [] as number[], snapshot: [] as number[], others: [] as string[] }
  for (const { name } of await fileSystem.list(folder)) {
    const match = pattern.exec(name)
    if (match === null) found.others.push(name)
    else found[match[1] as FileKind].push(Number(match[2]))
  }
  found.log.sort((a, b) => a - b)
  found.snapshot.sort((a, b) => a - b)
  return found
}

/** Makes `folder` and those above it; durable only after `syncAncestors`. */
export async function ensureFolder (fileSystem: FileSystem, folder: string): Promise<void> {
  const parent = path.dirname(folder)
  try {
    await fileSystem.makeDirectory(folder)
  } catch (error) {
    if (StreambedError.is(error, 'ALREADY_EXISTS')) {
      if ((await fileSystem.stat(folder)).kind === 'directory') return
      throw new StreambedError('MISCONFIGURED', `the metadata log's path is not a folder. Move what lies there away, or configure another path. path=${folder}`, { cause: error })
    }
    if (!StreambedError.is(error, 'NOT_FOUND') || parent === folder) throw error
    await ensureFolder(fileSystem, parent)
    await ensureFolder(fileSystem, folder)
  }
}

/**
 * Makes the names of `folder` and of all above it durable: also of those that are there already, since a process may
 * have been killed between making and syncing them.
 */
export async function syncAncestors (fileSystem: FileSystem, folder: string): Promise<void> {
  for (let at = path.dirname(folder); ; at = path.dirname(at)) {
    try {
      await fileSystem.syncDirectory(at)
    } catch (error) {
      // A folder that we may pass through but not read is the operator's work, as is what lies in it.
      if (!StreambedError.is(error, 'PERMISSION_DENIED')) throw error
    }
    if (at === path.dirname(at)) return
  }
}

export async function lockFolder (fileSystem: FileSystem, folder: string): Promise<FileLock> {
  try {
    return await fileSystem.lock(path.join(folder, 'lock'))
  } catch (error) {
    if (!StreambedError.is(error, 'LOCKED')) throw error
    throw new StreambedError('LOCKED', `another broker uses the metadata log in ${folder}. Stop it, or configure another path for one of them.`, { cause: error })
  }
}
