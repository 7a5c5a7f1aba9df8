import { rejectsWith } from '@streambed/conformance'
import type { FileSystem } from '@streambed/sdk'
import { NodeFileSystem } from '@streambed/sdk/node'
import { dropBytes } from '../../src/node/node-file-handle.ts'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

describe('NodeFileSystem', () => {
  const files: FileSystem = new NodeFileSystem()
  let folder: string
  const at = (name: string): string => path.join(folder, name)

  beforeEach(async () => { folder = await mkdtemp(path.join(tmpdir(), 'streambed-files-')) })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  it('opens by mode: read and update need the file, create keeps it, createNew refuses it', async () => {
    await rejectsWith(files.open(at('a'), 'read'), 'NOT_FOUND')
    await rejectsWith(files.open(at('a'), 'update'), 'NOT_FOUND')
    const made = await files.open(at('a'), 'createNew')
    await made.write([Buffer.from('abc')], 0)
    await made.close()
    const error = await rejectsWith(files.open(at('a'), 'createNew'), 'ALREADY_EXISTS')
    assert.ok(error.message.includes(at('a')) && error.message.includes('EEXIST'))
    await using cleanUp = new AsyncDisposableStack()
    for (const mode of ['read', 'update', 'create'] as const) {
      const handle = await files.open(at('a'), mode, { synchronous: true })
      cleanUp.defer(() => handle.close())
      assert.equal(await handle.size(), 3)
    }
    const readOnly = await files.open(at('a'), 'read')
    cleanUp.defer(() => readOnly.close())
    await rejectsWith(readOnly.write([Buffer.from('x')], 0), 'UNAVAILABLE')
  })

  it('writes chunks back to back, many and empty ones too, and reads short only at the end', async () => {
    const handle = await files.open(at('a'), 'create')
    const chunks = Array.from({ length: 5000 }, (_, n) => Buffer.alloc(n % 7, n))
    await handle.write(chunks, 10)
    await handle.write([], 0)
    await handle.write([new Uint8Array(0)], 0)
    await handle.write([new Uint8Array(0), new Uint8Array(0)], 0)
    await handle.write([Buffer.from('0123456789')], 0)
    await handle.datasync()
    const expected = Buffer.concat([Buffer.from('0123456789'), ...chunks])
    assert.deepEqual(await readFile(at('a')), expected)
    const target = new Uint8Array(100)
    assert.equal(await handle.read(target, expected.length - 40), 40)
    assert.deepEqual(Buffer.from(target.subarray(0, 40)), expected.subarray(-40))
    assert.equal(await handle.read(target, expected.length), 0)
    assert.equal(await handle.read(new Uint8Array(0), 0), 0)
    await handle.truncate(5)
    assert.equal(await handle.size(), 5)
    assert.deepEqual(Buffer.from(await files.readFile(at('a'))).toString(), '01234')
    await handle.close()
  })

  it('knows what is left after a short write', () => {
    const chunks = [Buffer.from('ab'), Buffer.from(''), Buffer.from('cde'), Buffer.from('f')]
    for (let count = 0; count <= 6; count++) assert.equal(Buffer.concat(dropBytes(chunks, count)).toString(), 'abcdef'.slice(count))
  })

  it('reads and writes directly whatever the buffers, in whole blocks only, past any bound of one call', async () => {
    const handle = await files.open(at('a'), 'createNew', { direct: true, synchronous: true })
    const bytes = Buffer.alloc(20 * 2 ** 20, 'streambed-')
    // Pieces that begin and end anywhere, one larger than a call's bound.
    const cuts = [0, 1, 1, 5000, 10_000_001, bytes.length]
    await handle.write(cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end)), 4096)
    const target = Buffer.alloc(bytes.length + 3).subarray(3)
    assert.equal(await handle.read(target, 4096), bytes.length)
    assert.ok(target.equals(bytes))
    assert.equal(await handle.read(new Uint8Array(8192), bytes.length), 4096, 'short at the end')
    assert.ok((await readFile(at('a'))).subarray(4096).equals(bytes))
    await rejectsWith(handle.write([bytes.subarray(0, 512)], 0), 'INVALID_ARGUMENT')
    await rejectsWith(handle.write([bytes.subarray(0, 4096)], 100), 'INVALID_ARGUMENT')
    await rejectsWith(handle.read(new Uint8Array(100), 0), 'INVALID_ARGUMENT')
    await handle.write([], 0)
    assert.equal(await handle.size(), 4096 + bytes.length)
    await handle.close()
    await rejectsWith(files.open('/proc/self/status', 'read', { direct: true }), 'UNSUPPORTED')
  })

  it('a direct write has taken its copy when it returns', async () => {
    const handle = await files.open(at('a'), 'createNew', { direct: true })
    const bytes = Buffer.alloc(8192, 1)
    const written = handle.write([bytes], 0)
    bytes.fill(2)
    await written
    assert.ok((await readFile(at('a'))).equals(Buffer.alloc(8192, 1)))
    await handle.close()
  })

  it('close waits for the calls in flight and is idempotent; later calls are CLOSED', async () => {
    const handle = await files.open(at('a'), 'create')
    const writes = Array.from({ length: 20 }, (_, n) => handle.write([Buffer.alloc(100_000, n)], n * 100_000))
    await Promise.all([handle.close(), handle.close()])
    await Promise.all(writes)
    assert.equal((await files.stat(at('a'))).size, 2_000_000)
    await rejectsWith(handle.write([Buffer.from('x')], 0), 'CLOSED')
    await rejectsWith(handle.read(new Uint8Array(1), 0), 'CLOSED')
    await rejectsWith(handle.datasync(), 'CLOSED')
    await rejectsWith(handle.size(), 'CLOSED')
  })

  it('makes, lists, links, renames, syncs and removes', async () => {
    await files.makeDirectory(at('d'))
    await rejectsWith(files.makeDirectory(at('d')), 'ALREADY_EXISTS')
    await rejectsWith(files.makeDirectory(at('x/y')), 'NOT_FOUND')
    await writeFile(at('d/a'), 'a')
    await symlink('a', at('d/s'))
    await files.link(at('d/a'), at('d/b'))
    await rejectsWith(files.link(at('d/a'), at('d/b')), 'ALREADY_EXISTS')
    await files.rename(at('d/a'), at('d/c'))
    await rejectsWith(files.rename(at('d/a'), at('d/c')), 'NOT_FOUND')
    await files.syncDirectory(at('d'))
    await rejectsWith(files.syncDirectory(at('x')), 'NOT_FOUND')
    const found = await files.list(folder)
    assert.deepEqual(found, [{ name: 'd', kind: 'directory' }])
    assert.deepEqual([...await files.list(at('d'))].sort((a, b) => a.name < b.name ? -1 : 1), [{ name: 'b', kind: 'file' }, { name: 'c', kind: 'file' }, { name: 's', kind: 'other' }])
    assert.equal((await files.stat(at('d'))).kind, 'directory')
    assert.equal((await files.stat('/dev/null')).kind, 'other')
    await rejectsWith(files.stat(at('x')), 'NOT_FOUND')
    await rejectsWith(files.list(at('x')), 'NOT_FOUND')
    await rejectsWith(files.readFile(at('x')), 'NOT_FOUND')
    await rejectsWith(files.removeDirectory(at('d')), 'UNAVAILABLE')
    for (const name of ['d/b', 'd/c', 'd/s']) await files.remove(at(name))
    await rejectsWith(files.remove(at('d/b')), 'NOT_FOUND')
    await files.removeDirectory(at('d'))
  })

  it('a full device is OUT_OF_SPACE', async function () {
    const full = await files.open('/dev/full', 'update')
    await rejectsWith(full.write([Buffer.from('x')], 0), 'OUT_OF_SPACE')
    await rejectsWith(full.write([Buffer.from('x'), Buffer.from('y')], 0), 'OUT_OF_SPACE')
    await full.close()
  })

  describe('lock', () => {
    async function lockElsewhere (): Promise<ChildProcess> {
      const child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'locking-process.ts'), at('lock')],
        { stdio: ['pipe', 'pipe', 'inherit'] })
      await once(child.stdout!, 'data')
      return child
    }
    async function end (child: ChildProcess): Promise<void> {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }

    it('excludes another taker in this process, until it is released', async () => {
      const lock = await files.lock(at('lock'))
      const error = await rejectsWith(files.lock(at('lock')), 'LOCKED')
      assert.ok(error.message.includes(at('lock')))
      await lock.release()
      await lock.release()
      await (await files.lock(at('lock'))).release()
      assert.deepEqual(await files.list(folder), [{ name: 'lock', kind: 'file' }])
    })

    it('ends with its process, killed by SIGKILL', async () => {
      const child = await lockElsewhere()
      await rejectsWith(files.lock(at('lock')), 'LOCKED')
      await end(child)
      await (await files.lock(at('lock'))).release()
    })

    it('holds while its process is stopped', async () => {
      const child = await lockElsewhere()
      child.kill('SIGSTOP')
      await rejectsWith(files.lock(at('lock')), 'LOCKED')
      await end(child)
      await (await files.lock(at('lock'))).release()
    })

    it('says why it cannot be taken', async () => {
      await rejectsWith(files.lock(at('missing/lock')), 'NOT_FOUND')
      await files.makeDirectory(at('folder'))
      await rejectsWith(files.lock(at('folder')), 'UNAVAILABLE')
      await writeFile(at('text'), 'x'.repeat(200))
      await rejectsWith(files.lock(at('text')), 'UNAVAILABLE')
    })
  })
})
