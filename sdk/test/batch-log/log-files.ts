import type { Wal, WalRecord } from '@streambed/sdk'
import type { SimulatedFileSystem } from '@streambed/sdk/testing'

/** Files by their path; bytes that are not in a run are zeros. */
export type Golden = Readonly<Record<string, { readonly size: number, readonly runs: readonly (readonly [at: number, hex: string])[] }>>

/** Puts them there, durably. Block devices of those names must be there already, and zero. */
export async function restore (golden: Golden, files: SimulatedFileSystem): Promise<void> {
  for (const [path, { runs, size }] of Object.entries(golden)) {
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) await files.makeDirectory(path.slice(0, at)).catch(() => {})
    const handle = await files.open(path, 'create')
    await handle.truncate(size)
    for (const [at, hex] of runs) await handle.write([Buffer.from(hex, 'hex')], at)
    await handle.datasync()
    await handle.close()
    for (let at = path.lastIndexOf('/'); at >= 0; at = path.lastIndexOf('/', at - 1)) {
      await files.syncDirectory(path.slice(0, at) || '/')
      if (at === 0) break
    }
  }
}

/** All names and bytes below `folder`, for comparing. */
export async function treeOf (files: SimulatedFileSystem, folder = '/'): Promise<Record<string, string>> {
  const tree: Record<string, string> = {}
  for (const { kind, name } of await files.list(folder)) {
    const path = `${folder === '/' ? '' : folder}/${name}`
    tree[path] = kind === 'directory' ? 'folder' : Buffer.from(await files.readFile(path)).toString('base64')
    if (kind === 'directory') Object.assign(tree, await treeOf(files, path))
  }
  return tree
}

export async function recovered (wal: Wal): Promise<WalRecord[]> {
  const records: WalRecord[] = []
  for await (const record of wal.recover()) records.push(record)
  return records
}
