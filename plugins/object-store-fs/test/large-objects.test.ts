import { StreambedError } from '@streambed/sdk'
import type { FileSystem } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import plugin from '../src/index.ts'

const MiB = 1024 * 1024

/** `files` as Linux behaves where a file system has no direct access: the file is made, then refused. */
function withoutDirectAccess (files: FileSystem): FileSystem {
  return new Proxy(files, {
    get: (target, name) => {
      if (name !== 'open') {
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) as unknown : value
      }
      return async (...[path, mode, options]: Parameters<FileSystem['open']>) => {
        const handle = await target.open(path, mode, {})
        if (options?.direct !== true) return handle
        await handle.close()
        throw new StreambedError('UNSUPPORTED', `no direct access. path=${path}`)
      }
    }
  })
}

/** The one large file below `folder`. */
async function fileOf (files: FileSystem, folder: string): Promise<string> {
  for (const { kind, name } of await files.list(folder)) {
    const path = `${folder}/${name}`
    if (kind === 'directory') {
      const found = await fileOf(files, path)
      if (found !== '') return found
    } else if (kind === 'file' && (await files.stat(path)).size > MiB / 2) return path
  }
  return ''
}

describe('object-store-fs: large objects', () => {
  for (const way of ['direct', 'cached'] as const) {
    for (const size of [MiB - 1, MiB, MiB + 1, 2 * MiB - 64, 3 * MiB + 4_095]) {
      it(`of ${size} bytes, written ${way}, in uneven pieces, survive a power cut whole`, async () => {
        const random = new SeededRandom(size)
        const clock = new VirtualClock()
        const files = new SimulatedFileSystem({ clock, random: random.fork('files') })
        const open = () => plugin.open({ path: '/data/objects' }, testEnvironment({ clock, random, fileSystem: way === 'direct' ? files : withoutDirectAccess(files) }))
        const body = random.bytes(size)
        const pieces: Uint8Array[] = []
        for (let at = 0, length = 1; at < size; at += length, length = 1 + Math.floor(random.fraction() * 300_000)) pieces.push(body.subarray(at, at + length))
        await using store = await open()
        await store.put('large', pieces)
        files.crash()
        await using again = await open()
        assert.ok(Buffer.from(body).equals(await again.get('large')))
        assert.equal((await again.head('large')).size, size)
        assert.equal((await files.stat(await fileOf(files, '/data/objects'))).size, 64 + 4 * Math.ceil(size / 65_536) + size, 'no padding stays')
        assert.ok(Buffer.from(body).subarray(size - 10, size).equals(await again.get('large', { range: { start: size - 10, end: size } })))
      })
    }
  }
})
