import assert from 'node:assert/strict'
import { StreambedError, type FileHandle, type FileSystem } from '@streambed/sdk'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { idOf, openSmall, recordOf, simulated } from './support.ts'

/** A file system that tells which writes were direct; `isDirect`: whether it has direct access at all. */
function watched (fileSystem: FileSystem, { isDirect }: { readonly isDirect: boolean }): { readonly fileSystem: FileSystem, readonly writes: { readonly path: string, readonly isDirect: boolean, readonly bytes: number }[], readonly open: Set<string> } {
  const writes: { readonly path: string, readonly isDirect: boolean, readonly bytes: number }[] = []
  const open = new Set<string>()
  let opened = 0
  const watching = new Proxy(fileSystem, {
    get: (target, name) => {
      if (name !== 'open') {
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) as unknown : value
      }
      return async (...[path, mode, options]: Parameters<FileSystem['open']>): Promise<FileHandle> => {
        if (options?.direct === true && !isDirect) throw new StreambedError('UNSUPPORTED', `no direct access. path=${path}`)
        const handle = await target.open(path, mode, options)
        const id = `${path} ${++opened}`
        open.add(id)
        const write = handle.write.bind(handle)
        const close = handle.close.bind(handle)
        handle.write = async (chunks, position) => {
          writes.push({ path, isDirect: options?.direct === true, bytes: chunks.reduce((sum, { length }) => sum + length, 0) })
          assert.equal(options?.synchronous, true, 'every write of the log is synchronous')
          await write(chunks, position)
        }
        handle.close = async () => {
          await close()
          open.delete(id)
        }
        return handle
      }
    }
  })
  return { fileSystem: watching, writes, open }
}

describe('the file of a ring', () => {
  for (const isDirect of [true, false]) {
    it(isDirect ? 'is written past the page cache' : 'is written through the page cache where there is no direct access', async () => {
      const { environment, files } = simulated()
      const { fileSystem, open, writes } = watched(files, { isDirect })
      const wal = await openSmall({ ...environment, fileSystem }, 1)
      for (let id = 0; id < 40; id++) {
        const position = await wal.append([recordOf(id, 5_000)])
        if (id < 39) await wal.trim(position)
      }
      await wal.close()
      assert.deepEqual([...open], [])
      const toRing = writes.filter(({ path }) => path.endsWith('.wal'))
      assert.ok(toRing.length > 40)
      for (const write of toRing) assert.equal(write.isDirect, isDirect)
      const again = await openSmall({ ...environment, fileSystem }, 2)
      assert.deepEqual((await recovered(again)).map(({ data }) => idOf(data)), [39])
      await again.close()
    })
  }
})
