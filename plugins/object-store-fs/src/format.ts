import { StreambedError } from '@streambed/sdk'
import type { FileSystem } from '@streambed/sdk'
import path from 'node:path'
import type { Workspace } from './workspace.ts'

/** The version of the layout of folders and names; files have one of their own. */
const layoutVersion = 1
const fileName = 'streambed-format'
const text = `streambed object-store-fs ${layoutVersion}\n`

/** Whether `root` says that it is ours. Refuses a folder of another program or a newer one. */
export async function readFormat (fileSystem: FileSystem, root: string): Promise<boolean> {
  const file = path.join(root, fileName)
  let bytes: Uint8Array
  try {
    bytes = await fileSystem.readFile(file)
  } catch (error) {
    if (StreambedError.is(error, 'NOT_FOUND')) return false
    throw error
  }
  const found = Buffer.from(bytes).toString('latin1')
  if (found === text) return true
  const version = /^streambed object-store-fs (\d+)\n$/.exec(found)?.[1]
  if (version === undefined) throw new StreambedError('MISCONFIGURED', `the folder belongs to something else, or its mark is damaged. Configure another path; if it is the right one, restore the mark, or delete it. path=${file}`)
  throw new StreambedError('UNSUPPORTED', `the folder has layout ${version}, this program knows ${layoutVersion}: use a newer program. path=${file}`)
}

/** Marks `root` as ours, durably. Stores that do so at once do the same. */
export async function ensureFormat (fileSystem: FileSystem, root: string, workspace: Workspace): Promise<void> {
  const temporary = workspace.newPath('format')
  const handle = await fileSystem.open(temporary, 'createNew')
  try {
    await handle.write([Buffer.from(text)], 0)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  await fileSystem.rename(temporary, path.join(root, fileName))
  await fileSystem.syncDirectory(root)
}
