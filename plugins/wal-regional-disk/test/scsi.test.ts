import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StreambedError, type Wal } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { openWal } from '../src/open-wal.ts'
import { idOf, MiB, recordOf, writerOf } from './support.ts'
import { isDense, Writer } from './writer.ts'

/** One SCSI disk as two hosts see it: tools/servers/vm/scsi-job. */
const text = process.env.STREAMBED_TEST_SCSI
interface Disks { readonly first: string, readonly second: string }
const disks = text === undefined ? undefined : JSON.parse(text) as Disks

describe('wal-regional-disk on a SCSI disk with reservations, seen by two hosts', () => {
  if (disks === undefined) {
    it('did not run: STREAMBED_TEST_SCSI is not set (npm run test:interop starts a virtual machine with such a disk)')
    return
  }
  let folder: string
  let epoch = 0
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'scsi-')) })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  async function open (host: keyof Disks): Promise<Wal> {
    return await openWal({ path: disks![host], capacity: 8 * MiB, lockFile: join(folder, host), reservation: { protocol: 'scsi', timeout: 60_000 } }, nodeEnvironment(), { writer: writerOf(++epoch) })
  }

  it('keeps the other host from writing, whatever that does, and tells its log FENCED', async () => {
    const { fileSystem } = nodeEnvironment()
    const old = await open('first')
    await old.append([recordOf(1, 3000)])
    const taker = await open('second')
    assert.deepEqual((await recovered(taker)).map(({ data }) => idOf(data)), [1])
    const raw = await fileSystem.open(disks.first, 'update', { direct: true, synchronous: true })
    // Behind what the log uses. The kernel says EBADE, 52, for which Node has no name.
    await assert.rejects(raw.write([new Uint8Array(4096)], 32 * MiB), error => StreambedError.is(error, 'UNAVAILABLE') && /EBADE|-52/.test(error.message))
    await raw.read(new Uint8Array(4096), 0)
    await raw.close()
    await assert.rejects(old.append([recordOf(2, 3000)]), error => StreambedError.is(error, 'FENCED'))
    const position = await taker.append([recordOf(3, 3000)])
    await old.close()
    // And back again; the first host's device tells it first that its key is gone.
    const third = await open('first')
    assert.deepEqual((await recovered(third)).map(({ data }) => idOf(data)), [1, 3])
    await assert.rejects(taker.append([recordOf(4, 3000)]), error => StreambedError.is(error, 'FENCED'))
    await third.trim(position)
    await third.append([recordOf(5, 3000)])
    await third.close()
    await taker.close()
    // The same host keeps what it has.
    const fourth = await open('first')
    assert.deepEqual((await recovered(fourth)).map(({ data }) => idOf(data)), [5])
    await fourth.close()
  })

  it('a writer that is stopped, taken over by the other host and resumed, confirms nothing more, and nothing is missing', async () => {
    const left = await open('first')
    const before = await recovered(left)
    if (before.length > 0) await left.trim(before.at(-1)!.position)
    await left.append([recordOf(0, 100)])
    await left.close()
    const old = new Writer(disks.first, ++epoch, 1, join(folder, 'first'), 'scsi')
    await old.opened
    await old.untilConfirmed(70)
    old.child.kill('SIGSTOP')
    const taker = await open('second')
    const found = (await recovered(taker)).map(({ data }) => idOf(data))
    for (let id = 1_000_000; id < 1_000_020; id++) await taker.append([recordOf(id, 3000)])
    old.child.kill('SIGCONT')
    await old.exited
    assert.equal(old.ended, 'FENCED')
    assert.ok(isDense(found))
    assert.deepEqual(old.held.filter(id => !found.includes(id)), [], 'confirmed by the old one, unknown to the new one')
    await taker.append([recordOf(1_000_020, 3000)])
    await taker.close()
    const third = await open('first')
    assert.deepEqual((await recovered(third)).map(({ data }) => idOf(data)), [...found, ...Array.from({ length: 21 }, (_, index) => 1_000_000 + index)])
    await third.close()
  })
})
