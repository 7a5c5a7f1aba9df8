import { StreambedError } from '../errors.ts'
import type { FileSystem } from '../file-system.ts'

/** Makes the folder with its parents. Another opener may be making them too. */
export async function makeFolder (path: string, fileSystem: FileSystem): Promise<void> {
  const parent = parentOf(path)
  if (await tryMakeFolder(path, fileSystem, parent === undefined)) return
  await makeFolder(parent!, fileSystem)
  await tryMakeFolder(path, fileSystem, true)
}

/** `path` where that is a folder, else the nearest one above it: where `makeFolder` would begin. */
export async function nearestFolder (path: string, fileSystem: FileSystem): Promise<string> {
  try {
    if ((await fileSystem.stat(path)).kind === 'directory') return path
  } catch (error) {
    if (!StreambedError.is(error, 'NOT_FOUND')) throw error
  }
  const parent = parentOf(path)
  return parent === undefined ? rootOf(path) : await nearestFolder(parent, fileSystem)
}

/**
 * Makes the names of all folders above `path` durable. For every new log, also where the folders exist: who made them may
 * have died before it came to this.
 */
export async function syncParents (path: string, fileSystem: FileSystem): Promise<void> {
  for (let parent = parentOf(path) ?? rootOf(path); ; parent = parentOf(parent) ?? rootOf(parent)) {
    try {
      await fileSystem.syncDirectory(parent)
    } catch (error) {
      // What we may not even open, we did not make.
      if (!StreambedError.is(error, 'PERMISSION_DENIED')) throw error
    }
    if (parent === rootOf(path)) return
  }
}

/** Undefined where that is the root or the working folder. */
function parentOf (path: string): string | undefined { return /^(.*[^/])\/+[^/]+\/*$/.exec(path)?.[1] }
function rootOf (path: string): string { return path.startsWith('/') ? '/' : '.' }

/** False while its parent is missing, unless that `mustHaveParent`. */
async function tryMakeFolder (path: string, fileSystem: FileSystem, mustHaveParent: boolean): Promise<boolean> {
  try {
    await fileSystem.makeDirectory(path)
  } catch (error) {
    if (StreambedError.is(error, 'ALREADY_EXISTS')) return true
    if (mustHaveParent || !StreambedError.is(error, 'NOT_FOUND')) throw error
    return false
  }
  return true
}
