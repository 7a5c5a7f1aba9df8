import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { StreambedError, type FileHandle, type Wal } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { openWal } from '../src/open-wal.ts'
import { nfsFromEnvironment, type Nfs } from './nfs.ts'
import { idOf, MiB, recordOf, writerOf } from './support.ts'
import { isDense, Writer } from './writer.ts'

const nfs = nfsFromEnvironment()

describe('wal-efs on a kernel NFS server, mounted by two hosts', () => {
  if (nfs === undefined) {
    it('did not run: STREAMBED_TEST_NFS is not set (npm run test:interop starts a virtual machine with a server)')
    return
  }
  let name: string
  beforeEach(async () => { name = basename(await mkdtemp(join(nfs.first, 'wal-'))) })
  afterEach(async () => { await rm(join(nfs.first, name), { recursive: true, force: true }) })

  for (const { what, at } of [{ what: 'early', at: 5 }, { what: 'after trims', at: 80 }]) {
    it(`a writer that is stopped ${what}, taken over by the other host and resumed, confirms nothing more, and nothing is missing`, async () => {
      const old = new Writer(join(nfs.first, name), 1, 0)
      await old.opened
      await old.untilConfirmed(at)
      old.child.kill('SIGSTOP')
      const taker = await open(join(nfs.second, name), 2)
      const found = await idsOf(taker)
      for (let id = 1_000_000; id < 1_000_020; id++) await taker.append([recordOf(id, 3000)])
      old.child.kill('SIGCONT')
      await old.exited
      assert.equal(old.ended, 'FENCED')
      assert.ok(isDense(found))
      assert.deepEqual(lost(old, found), [], 'confirmed by the old one, unknown to the new one')
      await taker.append([recordOf(1_000_020, 3000)])
      await taker.close()
      // Back to the first host, whose caches are as the old writer left them.
      const third = await open(join(nfs.first, name), 3)
      assert.deepEqual(await idsOf(third), [...found, ...Array.from({ length: 21 }, (_, index) => 1_000_000 + index)])
      await third.close()
    })
  }

  it('a writer that is taken over while it appends at full speed confirms nothing that the other host does not find', async () => {
    const old = new Writer(join(nfs.first, name), 1, 0)
    await old.opened
    await old.untilConfirmed(30)
    const taker = await open(join(nfs.second, name), 2)
    const found = await idsOf(taker)
    await old.exited
    assert.equal(old.ended, 'FENCED')
    assert.ok(isDense(found))
    assert.deepEqual(lost(old, found), [])
    await taker.close()
  })

  it('a restart of the server is a pause: the writer goes on, and nothing confirmed is lost', async () => {
    const writer = new Writer(join(nfs.first, name), 1, 0)
    await writer.opened
    await writer.untilConfirmed(20)
    serverMust(nfs, 'stop')
    const before = writer.confirmed.length
    serverMust(nfs, 'start')
    // The server takes its clients back in a grace period.
    await writer.untilConfirmed(before + 20)
    assert.equal(writer.ended, undefined, `the writer ended with ${writer.ended}`)
    writer.child.kill('SIGKILL')
    await writer.exited
    const next = await open(join(nfs.second, name), 2)
    assert.deepEqual(lost(writer, await idsOf(next)), [])
    await next.close()
  })

  for (const { mount, meaning, deadlineMs } of [
    { mount: 'first', meaning: 'a hard mount, which never answers: by the deadline', deadlineMs: 2000 },
    { mount: 'soft', meaning: "a soft mount: by the client's own error", deadlineMs: 600_000 }
  ] as const) {
    it(`a server that is gone is told as UNAVAILABLE, on ${meaning}; nothing confirmed is lost`, async () => {
      // In this process: a killed one would wait for the server with its calls in flight.
      const path = join(nfs[mount], name)
      const wal = await open(path, 1, deadlineMs)
      const confirmed: number[] = []
      for (let id = 0; id < 10; id++) { await wal.append([recordOf(id, 3000)]); confirmed.push(id) }
      serverMust(nfs, 'stop')
      try {
        await assert.rejects(wal.append([recordOf(10, 3000)]), error => StreambedError.is(error, 'UNAVAILABLE') && error.message.includes(path))
        await assert.rejects(wal.append([recordOf(11, 3000)]), error => StreambedError.is(error, 'UNAVAILABLE'), 'it takes no more until it is opened again')
      } finally {
        serverMust(nfs, 'start')
      }
      await wal.close()
      const next = await open(join(nfs.second, name), 2)
      const found = await idsOf(next)
      assert.deepEqual(found.filter(id => id < 10), confirmed)
      assert.ok(found.length <= 11, 'what was refused afterwards was never written')
      await next.append([recordOf(12, 3000)])
      await next.close()
    })
  }

  it('the two mounts are two clients: what one creates exclusively, the other one is refused', async () => {
    const { fileSystem } = nodeEnvironment()
    for (let round = 0; round < 40; round++) {
      const claims: readonly PromiseSettledResult<FileHandle>[] = await Promise.allSettled([nfs.first, nfs.second].map(async mount => await fileSystem.open(join(mount, name, String(round)), 'createNew')))
      const won = claims.filter(claim => claim.status === 'fulfilled')
      assert.equal(won.length, 1, `round ${round}`)
      await won[0]!.value.close()
    }
    assert.equal((await readdir(join(nfs.second, name))).length, 40)
  })
})

async function open (path: string, epoch: number, deadlineMs = 30_000): Promise<Wal> {
  return await openWal({ path, capacity: 8 * MiB, segmentBytes: MiB, deadlineMs, scope: 'zone' }, nodeEnvironment(), { writer: writerOf(epoch) })
}

async function idsOf (wal: Wal): Promise<number[]> { return (await recovered(wal)).map(({ data }) => idOf(data)) }

/** Confirmed by `writer` and not in `found`. */
function lost (writer: Writer, found: readonly number[]): number[] { return writer.held.filter(id => !found.includes(id)) }

function serverMust (nfs: Nfs, action: 'start' | 'stop'): void {
  const { status, stderr } = spawnSync(nfs.server, [action], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}
