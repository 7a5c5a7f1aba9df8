import type { FileStatus, WebHdfsClient } from './client.ts'
import { failureOf } from './errors.ts'
import { folderMark, justBefore, keyOf, placeOf, type Place } from './names.ts'

export interface ListedFile { readonly key: string, readonly status: FileStatus }

/** The files below `root` whose keys begin with `prefix`, after `startAfter`, in the order of their keys: that in which the namenode lists each folder. */
export async function * filesIn (client: WebHdfsClient, root: string, prefix: string, startAfter: string | undefined, signal: AbortSignal): AsyncGenerator<ListedFile> {
  yield * walk(client, root, [], placeOf(prefix), startAfter === undefined ? undefined : placeOf(startAfter), signal)
}

/** `prefix` and `after` are what is left of them below `folders`; `after` is undefined when all here is after it. */
async function * walk (client: WebHdfsClient, root: string, folders: readonly string[], prefix: Place, after: Place | undefined, signal: AbortSignal): AsyncGenerator<ListedFile> {
  const [prefixFolder] = prefix.folders
  const [afterFolder] = after?.folders ?? []
  const afterName = afterFolder?.slice(0, -1) ?? after?.rest
  // Both bounds are names here; of a folder, its own name less the mark, so that it is listed itself.
  const low = justBefore(prefixFolder?.slice(0, -1) ?? prefix.rest)
  let startAfter = low === undefined || (afterName !== undefined && afterName > low) ? afterName : low
  for (;;) {
    const { entries, isLast } = await entriesOf(client, [root, ...folders].join('/'), startAfter, signal)
    for (const status of entries) {
      const { pathSuffix: name, type } = status
      startAfter = name
      if (type === 'DIRECTORY') {
        if (!name.endsWith(folderMark)) continue
        const isWithin = prefixFolder === undefined ? name.startsWith(prefix.rest) : name === prefixFolder
        if (!isWithin) { if (name > (prefixFolder ?? prefix.rest)) return; else continue }
        const below = prefixFolder === undefined ? { folders: [], rest: '' } : { folders: prefix.folders.slice(1), rest: prefix.rest }
        yield * walk(client, root, [...folders, name], below, name === afterFolder ? { folders: after!.folders.slice(1), rest: after!.rest } : undefined, signal)
      } else {
        const isWithin = prefixFolder === undefined && name.startsWith(prefix.rest)
        if (!isWithin) { if (name > (prefixFolder ?? prefix.rest)) return; else continue }
        const key = keyOf(folders, name)
        if (key !== undefined) yield { key, status }
      }
    }
    if (isLast || entries.length === 0) return
  }
}

/** A folder that nobody made yet has none. */
async function entriesOf (client: WebHdfsClient, path: string, startAfter: string | undefined, signal: AbortSignal): ReturnType<WebHdfsClient['entries']> {
  try {
    return await client.entries(path, startAfter, signal)
  } catch (error) {
    if (failureOf(error).code !== 'NOT_FOUND') throw error
    return { entries: [], isLast: true }
  }
}
