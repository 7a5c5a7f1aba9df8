import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { walConformance } from '@streambed/conformance'
import { capabilitiesOf, StreambedError, type Wal } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { SeededRandom } from '@streambed/sdk/testing'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import plugin from '../src/index.ts'
import { openWal } from '../src/open-wal.ts'
import { makeLoopDevice, mayMakeDisks, PowerCutDisk, removeLoopDevice } from './disks.ts'
import { idOf, MiB, recordOf, writerOf } from './support.ts'
import { isDense, Writer } from './writer.ts'

const cutCount = 15

describe('wal-regional-disk on block devices', () => {
  if (!mayMakeDisks) {
    it('did not run: STREAMBED_TEST_DISKS is not set (npm run test:interop sets it, as root)')
    return
  }
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'disks-')) })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  for (const sectorBytes of [512, 4096]) {
    walConformance({ describe, it }, {
      name: `regional-disk, on a loop device with sectors of ${sectorBytes} bytes`,
      capabilities: capabilitiesOf(plugin, { path: '/dev/loop' }),
      prepare: async () => {
        const own = await mkdtemp(join(tmpdir(), 'loop-'))
        const device = makeLoopDevice(join(own, 'disk'), 8 * MiB, sectorBytes)
        return {
          open: async (writer, opening) => await plugin.open({ path: device, lockFile: join(own, 'lock') }, nodeEnvironment(), { writer, opening }),
          cleanUp: async () => {
            removeLoopDevice(device)
            await rm(own, { recursive: true })
          }
        }
      }
    })

    describe(`a loop device with sectors of ${sectorBytes} bytes`, () => {
      let device: string
      beforeEach(() => { device = makeLoopDevice(join(folder, 'disk'), 32 * MiB, sectorBytes) })
      afterEach(() => { removeLoopDevice(device) })

      it('loses nothing confirmed when its writer is killed 20 times', async () => {
        const random = new SeededRandom(`loop-${sectorBytes}`)
        let held: number[] = []
        for (let epoch = 1; epoch <= 21; epoch++) {
          const writer = new Writer(device, epoch, (held.at(-1) ?? -1) + 1000, join(folder, 'lock'))
          await writer.opened
          assert.deepEqual(held.filter(id => !writer.recovered.includes(id)), [], `epoch ${epoch}: lost`)
          await writer.untilConfirmed(random.below(80))
          writer.child.kill('SIGKILL')
          await writer.exited
          held = writer.held
        }
      })

      it('fences a stopped writer, which then confirms nothing more', async () => {
        const old = new Writer(device, 1, 0, join(folder, 'lock'))
        await old.opened
        await old.untilConfirmed(70)
        old.child.kill('SIGSTOP')
        const taker = new Writer(device, 2, 1_000_000, join(folder, 'lock'))
        await taker.opened
        await taker.untilConfirmed(40)
        old.child.kill('SIGCONT')
        await old.exited
        assert.equal(old.ended, 'FENCED')
        assert.ok(isDense(taker.recovered))
        assert.deepEqual(old.held.filter(id => !taker.recovered.includes(id)), [])
        taker.child.kill('SIGKILL')
        await taker.exited
        const third = new Writer(device, 3, 2_000_000, join(folder, 'lock'))
        await third.opened
        assert.deepEqual(taker.held.filter(id => !third.recovered.includes(id)), [])
        third.child.kill('SIGKILL')
        await third.exited
      })
    })
  }

  for (const { kind, sectorBytes } of [{ kind: 'ext4', sectorBytes: 512 }, { kind: 'raw', sectorBytes: 512 }, { kind: 'raw', sectorBytes: 4096 }] as const) {
    describe(`a disk that loses what was not flushed: ${kind}, sectors of ${sectorBytes} bytes`, () => {
      let disk: PowerCutDisk
      beforeEach(() => { disk = PowerCutDisk.make(join(folder, 'disk'), kind, sectorBytes) })
      afterEach(() => { disk.remove() })

      it(`keeps everything confirmed when its power is cut ${cutCount} times while a writer appends`, async () => {
        const random = new SeededRandom(`${kind}-${sectorBytes}`)
        let held: number[] = []
        for (let epoch = 1; epoch <= cutCount + 1; epoch++) {
          const writer = new Writer(disk.path, epoch, (held.at(-1) ?? -1) + 1000, disk.lockFile)
          await writer.opened
          assert.deepEqual(held.filter(id => !writer.recovered.includes(id)), [], `epoch ${epoch}: lost`)
          await writer.untilConfirmed(random.below(80))
          writer.child.kill('SIGKILL')
          await writer.exited
          disk.cut()
          held = writer.held
        }
      })

      it('confirms nothing whose flush fails, tries none again, and recovers what it confirmed', async () => {
        const wal = await open(disk, 1)
        const confirmed: number[] = []
        for (let id = 0; id < 20; id++) { await wal.append([recordOf(id, 3000)]); confirmed.push(id) }
        disk.fail()
        const appends = await Promise.allSettled([20, 21, 22].map(async id => await wal.append([recordOf(id, 3000)])))
        for (const append of appends) assert.ok(append.status === 'rejected' && StreambedError.is(append.reason, 'UNAVAILABLE') && append.reason.message.includes(disk.path), String(append.status))
        const calls = disk.callCount
        assert.ok(calls > 20)
        disk.heal()
        // A flush that is asked for again would succeed now, and what it should have kept may be gone.
        for (let id = 23; id < 28; id++) await assert.rejects(wal.append([recordOf(id, 3000)]), error => StreambedError.is(error, 'UNAVAILABLE') && /until the log is opened again/.test(error.message))
        if (kind === 'raw') assert.equal(disk.callCount, calls, 'the log wrote or flushed after the failure')
        await wal.close()
        // The file system has ended with its journal; what the cache held is gone with the power.
        disk.cut()
        const again = await open(disk, 2)
        const ids = (await recovered(again)).map(({ data }) => idOf(data))
        assert.deepEqual(ids.slice(0, 20), confirmed)
        assert.ok(isDense(ids) && ids.length <= 23)
        await again.append([recordOf(100, 3000)])
        await again.close()
        const last = await open(disk, 3)
        assert.deepEqual((await recovered(last)).map(({ data }) => idOf(data)), [...ids, 100])
        await last.close()
      })
    })
  }
})

async function open ({ lockFile, path }: PowerCutDisk, epoch: number): Promise<Wal> {
  return await openWal({ path, capacity: 8 * MiB, ...lockFile !== '' && { lockFile } }, nodeEnvironment(), { writer: writerOf(epoch) })
}
