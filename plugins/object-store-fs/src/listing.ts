import { StreambedError } from '@streambed/sdk'
import type { DirectoryEntry, FileSystem } from '@streambed/sdk'
import path from 'node:path'
import { compareUtf8, decodeSegment, moreSuffix, objectSuffix } from './key-path.ts'

export interface ListedObject { readonly key: string, readonly file: string }

interface Entry {
  readonly kind: 'object' | 'folder'
  /** The key, of a folder the part that its keys share, with the `/`. */
  readonly key: string
  readonly path: string
}

/**
 * The objects under `root` whose keys start with `prefix` and come after `startAfter`, in UTF-8 order of their keys. Folders
 * that hold none of them are not read. What is not named as ours is passed over.
 */
export async function * walkObjects (fileSystem: FileSystem, root: string, prefix: string, startAfter: string | undefined): AsyncGenerator<ListedObject> {
  yield * walk(root, '')

  async function * walk (folder: string, keyPrefix: string): AsyncGenerator<ListedObject> {
    const entries = (await readEntries(fileSystem, folder, keyPrefix, '')).filter(isWanted)
    for (const entry of inKeyOrder(entries)) {
      if (entry.kind === 'object') yield { key: entry.key, file: entry.path }
      else yield * walk(entry.path, entry.key)
    }
  }

  function isWanted ({ kind, key }: Entry): boolean {
    const isPastStart = startAfter === undefined || compareUtf8(key, startAfter) > 0
    if (kind === 'object') return isPastStart && key.startsWith(prefix)
    return (isPastStart || startAfter.startsWith(key)) && (key.startsWith(prefix) || prefix.startsWith(key))
  }
}

/** `before`: the start of a long name, whose rest is in this folder. */
async function readEntries (fileSystem: FileSystem, folder: string, keyPrefix: string, before: string): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const { name, kind } of await listIfThere(fileSystem, folder)) {
    const entryPath = path.join(folder, name)
    if (kind === 'directory' && name.endsWith(moreSuffix)) {
      entries.push(...await readEntries(fileSystem, entryPath, keyPrefix, before + name.slice(0, -moreSuffix.length)))
    } else if (kind === 'directory') {
      const segment = decodeSegment(before + name)
      if (segment !== undefined) entries.push({ kind: 'folder', key: `${keyPrefix}${segment}/`, path: entryPath })
    } else if (kind === 'file' && name.endsWith(objectSuffix)) {
      const segment = decodeSegment(before + name.slice(0, -objectSuffix.length))
      if (segment !== undefined) entries.push({ kind: 'object', key: keyPrefix + segment, path: entryPath })
    }
  }
  return entries
}

/** A folder may be gone by the time it is read: its last object was deleted meanwhile. */
async function listIfThere (fileSystem: FileSystem, folder: string): Promise<readonly DirectoryEntry[]> {
  try {
    return await fileSystem.list(folder)
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return []
    throw error
  }
}

/** An object sorts as its key, a folder as what its keys start with: so folders can be walked one after the other. */
function inKeyOrder (entries: readonly Entry[]): Entry[] {
  return entries
    .map(entry => ({ entry, bytes: Buffer.from(entry.key) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ entry }) => entry)
}
