import assert from 'node:assert/strict'
import { StreambedError, type ErrorCode, type Wal, type WalIdentity, type WalOpening } from '@streambed/sdk'
import type { FileFault, SimulatedFileSystem } from '@streambed/sdk/testing'
import { recovered, restore, treeOf } from '../../../sdk/test/batch-log/log-files.ts'
import { openWal } from '../src/open-wal.ts'
import type { RegionalDiskOptions } from '../src/options.ts'
import { deviceOfFormat2, folderOfFormat1 } from './golden.ts'
import { KiB, recordOf, simulated, writerOf, type Simulated } from './support.ts'

const deviceBytes = 256 * KiB
const own: WalOpening = { mode: 'own' }
const noReservation = { run: () => assert.fail('a program was started'), post: () => assert.fail('a service was called') }

function withCode (code: ErrorCode, message = /(?:)/) { return (error: unknown): boolean => StreambedError.is(error, code) && message.test(error.message) }

/** Each kind of place: how it is made empty, and how a log there is opened. */
const places: readonly { readonly kind: string, readonly options: RegionalDiskOptions, readonly prepare: (files: SimulatedFileSystem) => void }[] = [
  { kind: 'folder', options: { path: '/wal', capacity: 64 * KiB }, prepare: () => {} },
  { kind: 'block device', options: { path: '/wal' }, prepare: files => { files.addBlockDevice('/wal', deviceBytes) } }
]

async function open ({ environment }: Simulated, options: RegionalDiskOptions, writerEpoch: number, opening?: WalOpening): Promise<Wal & { readonly identity: WalIdentity }> {
  return await openWal(options, environment, { writer: writerOf(writerEpoch), opening }) as Wal & { readonly identity: WalIdentity }
}

describe('a place without the log that was used there', () => {
  const blank: readonly { readonly what: string, readonly options?: Partial<RegionalDiskOptions>, readonly make: (files: SimulatedFileSystem) => Promise<void> }[] = [
    { what: 'a missing folder', make: async () => {} },
    { what: 'a missing folder in a missing one', options: { path: '/mnt/disk/wal' }, make: async () => {} },
    { what: 'an empty folder', make: async files => { await files.makeDirectory('/wal') } },
    { what: 'a folder with a mount point', make: async files => { await files.makeDirectory('/wal'); await files.makeDirectory('/wal/disk') } },
    { what: 'a new file system', make: async files => { await files.makeDirectory('/wal'); await files.makeDirectory('/wal/lost+found') } },
    { what: 'a log that was never finished', make: async files => { await files.makeDirectory('/wal'); await (await files.open('/wal/epoch', 'create')).truncate(8192) } },
    { what: 'a blank block device', make: async files => { files.addBlockDevice('/wal', deviceBytes) } },
    { what: 'a block device with something else', make: async files => { files.addBlockDevice('/wal', deviceBytes); files.corrupt('/wal', 1080, () => 0x53) } },
    { what: 'a file where a device was', make: async files => { await (await files.open('/wal', 'create')).truncate(4096) } },
    { what: 'a missing block device', options: { lockFile: '/lock' }, make: async () => {} },
    { what: 'a missing block device with a reservation', options: { reservation: { protocol: 'scsi', timeout: 1000 } }, make: async () => {} }
  ]
  for (const { make, options: { path = '/wal', ...more } = {}, what } of blank) {
    it(`is refused by name, with the remedy, and left as it is: ${what}`, async () => {
      const simulation = simulated(what)
      const { environment, files } = simulation
      await make(files)
      const before = await treeOf(files)
      for (const mode of ['own', 'takeover'] as const) {
        for (const expectedId of [undefined, '00112233445566778899']) {
          const opening = { mode, ...expectedId === undefined ? {} : { expectedId } }
          const pending = openWal({ path, ...more }, environment, { writer: writerOf(3), opening }, noReservation)
          await assert.rejects(pending, withCode('WRONG_MEDIUM', new RegExp(`mounted.*streambed recover.*path=${path} expectedId=${expectedId ?? 'any'}`)))
        }
      }
      assert.deepEqual(await treeOf(files), before)
    })
  }

  it('may hold the rings of a log whose epoch record is lost: that is damage, and stays', async () => {
    const simulation = simulated()
    const { files } = simulation
    await restore(folderOfFormat1, files)
    await files.remove('/wal/epoch')
    const before = await treeOf(files)
    await assert.rejects(open(simulation, { path: '/wal' }, 4, own), withCode('CORRUPT', /epoch record is missing.*ring=1/))
    assert.deepEqual(await treeOf(files), before)
  })
})

describe('what cannot be configured so', () => {
  for (const { code, options, what } of [
    { what: 'a lock file for a folder that is not there', options: { lockFile: '/lock' }, code: 'MISCONFIGURED' },
    { what: 'a reservation of a device that is not there', options: { reservation: { protocol: 'scsi', timeout: 1000 } }, code: 'MISCONFIGURED' }
  ] as const) {
    it(`leaves nothing behind: ${what}`, async () => {
      const { environment, files } = simulated()
      await assert.rejects(openWal({ path: '/wal', ...options }, environment, { writer: writerOf(1) }, noReservation), withCode(code))
      assert.deepEqual(await treeOf(files), {})
    })
  }

  it('fences nobody: a device whose "capacity" was changed', async () => {
    const simulation = simulated()
    simulation.files.addBlockDevice('/wal', deviceBytes)
    const live = await open(simulation, { path: '/wal' }, 1)
    await assert.rejects(open(simulation, { path: '/wal', capacity: 192 * KiB }, 5), withCode('MISCONFIGURED', /keeps the size/))
    await live.append([recordOf(1, 100)])
    await live.close()
    await (await open(simulation, { path: '/wal' }, 2)).close()
  })
})

for (const { kind, options, prepare } of places) {
  describe(`a log from before identities, in a ${kind}`, () => {
    const golden = kind === 'folder' ? folderOfFormat1 : deviceOfFormat2
    const old = async (seed: string): Promise<Simulated> => {
      const simulation = simulated(seed)
      prepare(simulation.files)
      await restore(golden, simulation.files)
      return simulation
    }

    for (const mode of ['create', 'own', 'takeover'] as const) {
      it(`opens with ${mode} with nothing lost, and has one identity from then on`, async () => {
        const simulation = await old(mode)
        const wal = await open(simulation, options, 4, { mode })
        assert.deepEqual({ ...wal.identity, id: '' }, { id: '', writerEpoch: 3, last: 12356, trimmed: 68 })
        const texts = (await recovered(wal)).map(({ data, position }) => [position, new TextDecoder().decode(data)])
        assert.deepEqual(texts, [[4164, 'two'], [8260, 'three'], [12356, 'four']])
        simulation.files.crash()
        const again = await open(simulation, options, 5, { mode: 'own', expectedId: wal.identity.id })
        assert.equal(again.identity.id, wal.identity.id)
        assert.equal((await recovered(again)).length, 3)
      })
    }

    it('is not the one that is expected', async () => {
      const simulation = await old('expected')
      const before = await treeOf(simulation.files)
      await assert.rejects(open(simulation, options, 4, { mode: 'own', expectedId: '00112233445566778899' }), withCode('WRONG_MEDIUM', /another.*expectedId=00112233445566778899 id=none/))
      assert.deepEqual(await treeOf(simulation.files), before)
    })

    it('opens again after a crash at any operation of its minting', async () => {
      await crashAnywhere(old, async (simulation, epoch) => await open(simulation, options, epoch, own), async wal => {
        assert.equal((await recovered(wal)).length, 3)
      })
    })
  })

  describe(`a new log in a ${kind}`, () => {
    const blankPlace = async (seed: string): Promise<Simulated> => {
      const simulation = simulated(seed)
      prepare(simulation.files)
      return simulation
    }

    it('opens again with create after a crash at any operation of its creation', async () => {
      await crashAnywhere(blankPlace, async (simulation, epoch) => await open(simulation, options, epoch, { mode: 'create' }), async wal => {
        assert.deepEqual(await recovered(wal), [])
      })
    })

    it('has one identity for all who create it at once', async () => {
      for (let seed = 0; seed < 200; seed++) {
        const simulation = await blankPlace(`creators-${seed}`)
        const { random } = simulation
        // They begin at different times, and append at once, so that they meet everywhere.
        const outcomes = await Promise.allSettled([1, 2, 3].map(async epoch => {
          for (let turns = random.below(100); turns > 0; turns--) await undefined
          const wal = await open(simulation, options, epoch, { mode: 'create' })
          await wal.append([recordOf(epoch, 100)]).catch((error: unknown) => { if (!StreambedError.is(error, 'FENCED')) throw error })
          return wal
        }))
        const ids = new Set(outcomes.flatMap(outcome => outcome.status === 'fulfilled' ? [outcome.value.identity.id] : []))
        assert.equal(ids.size, 1, `seed ${seed}`)
        // A device has place for two writers that live.
        for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(StreambedError.is(outcome.reason, 'FENCED', 'LOCKED', 'OVER_CAPACITY'), String(outcome.reason))
      }
    })

    it('is refused where another one is expected, and its writer goes on', async () => {
      const simulation = await blankPlace('other')
      const live = await open(simulation, options, 1)
      const before = await treeOf(simulation.files)
      for (const mode of ['own', 'takeover'] as const) {
        await assert.rejects(open(simulation, options, 9, { mode, expectedId: '00112233445566778899' }), withCode('WRONG_MEDIUM', new RegExp(`another.*expectedId=00112233445566778899 id=${live.identity.id}`)))
      }
      assert.deepEqual(await treeOf(simulation.files), before)
      await live.append([recordOf(1, 100)])
    })
  })
}

/** Crashes, or kills, at each operation of an opening; the place opens the same way then, and keeps its identity. */
async function crashAnywhere (make: (seed: string) => Promise<Simulated>, opens: (simulation: Simulated, epoch: number) => Promise<Wal & { readonly identity: WalIdentity }>, check: (wal: Wal) => Promise<void>): Promise<void> {
  let isFinished = false
  for (let operation = 1; !isFinished; operation++) {
    for (const fault of ['crash', 'kill', { kind: 'fail', code: 'UNAVAILABLE' }] satisfies FileFault[]) {
      for (let seed = 0; seed < 4; seed++) {
        const what = `${JSON.stringify(fault)} at operation ${operation}, seed ${seed}`
        const simulation = await make(what)
        const { files } = simulation
        const at = files.operationCount + operation
        files.plan = () => files.operationCount >= at ? (files.plan = undefined, fault) : undefined
        const first = await opens(simulation, 10).catch((error: unknown) => {
          // A name that the crash took is NOT_FOUND for the rest of the call.
          if (!StreambedError.is(error, 'UNAVAILABLE', 'NOT_FOUND')) throw error
        })
        isFinished = files.plan !== undefined
        files.plan = undefined
        if (seed % 2 === 0) files.crash()
        else files.kill()
        const second = await opens(simulation, 11)
        if (first !== undefined) assert.equal(second.identity.id, first.identity.id, what)
        await check(second)
        await second.append([recordOf(1, 100)])
        files.crash()
        const third = await opens(simulation, 12)
        assert.equal(third.identity.id, second.identity.id, what)
      }
    }
  }
}
