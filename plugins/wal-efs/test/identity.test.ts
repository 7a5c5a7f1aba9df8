import assert from 'node:assert/strict'
import { StreambedError, crc32c, type ErrorCode, type FileSystem, type Wal, type WalIdentity, type WalOpening } from '@streambed/sdk'
import type { FileFault, SimulatedFileSystem } from '@streambed/sdk/testing'
import { recovered, restore, treeOf } from '../../../sdk/test/batch-log/log-files.ts'
import { decodeIdentity, encodeIdentity, encodeOwner } from '../src/format.ts'
import { openWal } from '../src/open-wal.ts'
import type { EfsOptions } from '../src/options.ts'
import { logOfFormat1 } from './golden.ts'
import { KiB, recordOf, simulated, writerOf, type Simulated } from './support.ts'

type Opened = Wal & { readonly identity: WalIdentity }
const options: EfsOptions = { path: '/wal', capacity: 136 * KiB, segmentBytes: 32 * KiB, deadlineMs: 30_000, scope: 'zone' }
const someId = '00112233445566778899'

function withCode (code: ErrorCode, message = /(?:)/) { return (error: unknown): boolean => StreambedError.is(error, code) && message.test(error.message) }

async function open ({ environment }: Simulated, writerEpoch: number, opening?: WalOpening): Promise<Opened> {
  return await openWal(options, environment, { writer: writerOf(writerEpoch), opening }) as Opened
}

describe('a folder without the log that was used there', () => {
  const folder = async (files: SimulatedFileSystem, ...paths: readonly string[]): Promise<void> => { for (const path of paths) await files.makeDirectory(path) }
  const blank: readonly { readonly what: string, readonly make: (files: SimulatedFileSystem) => Promise<void> }[] = [
    { what: 'a missing one', make: async () => {} },
    { what: 'an empty one', make: async files => { await folder(files, '/wal') } },
    { what: 'one with a mount point', make: async files => { await folder(files, '/wal', '/wal/mnt') } },
    { what: 'a new file system', make: async files => { await folder(files, '/wal', '/wal/lost+found') } },
    { what: 'one in which a creation began', make: async files => { await folder(files, '/wal', '/wal/epochs', '/wal/segments') } },
    {
      what: 'one in which a creation was never finished',
      make: async files => {
        await folder(files, '/wal', '/wal/epochs', '/wal/segments')
        await (await files.open('/wal/log', 'create')).write([encodeOwner(writerOf(1), crc32c)], 0)
        await (await files.open('/wal/epochs/0000000000000001', 'create')).truncate(69632)
      }
    },
    { what: 'a log whose folders of epochs and segments are gone', make: async files => { await restore({ '/wal/log': logOfFormat1['/wal/log']! }, files) } }
  ]
  for (const { make, what } of blank) {
    it(`is refused by name, with the remedy, and left as it is: ${what}`, async () => {
      const simulation = simulated(what)
      await make(simulation.files)
      const before = await treeOf(simulation.files)
      for (const mode of ['own', 'takeover'] as const) {
        await assert.rejects(open(simulation, 9, { mode }), withCode('WRONG_MEDIUM', /mounted.*streambed recover.*path=\/wal expectedId=any/))
        await assert.rejects(open(simulation, 9, { mode, expectedId: someId }), withCode('WRONG_MEDIUM', new RegExp(`path=/wal expectedId=${someId}`)))
      }
      assert.deepEqual(await treeOf(simulation.files), before)
      await (await open(simulation, 2, { mode: 'create' })).append([recordOf(1, 100)])
    })
  }

  it('may hold the segments of a log whose epochs are lost: that is damage, and stays', async () => {
    const simulation = simulated()
    const { files } = simulation
    await restore(logOfFormat1, files)
    await files.remove('/wal/epochs/0000000000000003')
    const before = await treeOf(files)
    for (const mode of ['own', 'takeover'] as const) await assert.rejects(open(simulation, 4, { mode }), withCode('CORRUPT', /epoch files are missing/))
    assert.deepEqual(await treeOf(files), before)
  })
})

describe('a file system without direct access', () => {
  for (const { what, make } of [
    { what: 'a folder that is to be made', make: async () => {} },
    { what: 'an empty folder', make: async (files: SimulatedFileSystem) => { await files.makeDirectory('/wal') } }
  ]) {
    it(`is refused and left as it is: ${what}`, async () => {
      const { environment, files } = simulated(what)
      await make(files)
      const before = await treeOf(files)
      const fileSystem = new Proxy<FileSystem>(files, {
        get: (target, name) => {
          if (name === 'open') {
            return async (...[path, mode, given]: Parameters<FileSystem['open']>) => {
              const handle = await target.open(path, mode, given)
              if (given?.direct !== true) return handle
              // As Linux does: the file is there by then.
              await handle.close()
              throw new StreambedError('UNSUPPORTED', `the file system has no direct access (O_DIRECT). path=${path}`)
            }
          }
          const method: unknown = Reflect.get(target, name)
          return typeof method === 'function' ? (...given: never[]) => Reflect.apply(method as (...given: never[]) => unknown, target, given) : method
        }
      })
      const pending = openWal(options, { ...environment, fileSystem }, { writer: writerOf(1) })
      await assert.rejects(pending, withCode('MISCONFIGURED', /O_DIRECT.*use NFS/))
      assert.deepEqual(await treeOf(files), before)
    })
  }
})

describe('a log from before identities', () => {
  const old = async (seed: string): Promise<Simulated> => {
    const simulation = simulated(seed)
    await restore(logOfFormat1, simulation.files)
    return simulation
  }

  for (const mode of ['create', 'own', 'takeover'] as const) {
    it(`opens with ${mode} with nothing lost, and has one identity from then on`, async () => {
      const simulation = await old(mode)
      const wal = await open(simulation, 4, { mode })
      assert.deepEqual({ ...wal.identity, id: '' }, { id: '', writerEpoch: 3, last: 12356, trimmed: 68 })
      const texts = (await recovered(wal)).map(({ data, position }) => [position, new TextDecoder().decode(data)])
      assert.deepEqual(texts, [[4164, 'two'], [8260, 'three'], [12356, 'four']])
      simulation.files.crash()
      const again = await open(simulation, 5, { mode: 'own', expectedId: wal.identity.id })
      assert.equal((await recovered(again)).length, 3)
    })
  }

  it('is not the one that is expected', async () => {
    const simulation = await old('expected')
    const before = await treeOf(simulation.files)
    await assert.rejects(open(simulation, 4, { mode: 'own', expectedId: someId }), withCode('WRONG_MEDIUM', new RegExp(`another.*expectedId=${someId} id=none`)))
    assert.deepEqual(await treeOf(simulation.files), before)
  })

  it('opens again after a crash at any operation of its minting', async () => {
    await crashAnywhere(old, { mode: 'own' }, async wal => { assert.equal((await recovered(wal)).length, 3) })
  })
})

describe('a new log', () => {
  it('opens again with create after a crash at any operation of its creation', async () => {
    await crashAnywhere(async seed => simulated(seed), { mode: 'create' }, async wal => { assert.deepEqual(await recovered(wal), []) })
  })

  for (const { make, what } of [
    { what: 'create it', make: async () => {} },
    { what: 'mint its first identity', make: async (files: SimulatedFileSystem) => { await restore(logOfFormat1, files) } }
  ]) {
    it(`has one identity for all who ${what} at once`, async () => {
      for (let seed = 0; seed < 200; seed++) {
        const simulation = simulated(`at-once-${seed}`)
        const { files, random } = simulation
        await make(files)
        // They begin at different times, and append at once, so that they meet everywhere.
        const outcomes = await Promise.allSettled([4, 5, 6].map(async epoch => {
          for (let turns = random.below(150); turns > 0; turns--) await undefined
          const wal = await open(simulation, epoch, { mode: 'create' })
          await wal.append([recordOf(epoch, 100)]).catch((error: unknown) => { if (!StreambedError.is(error, 'FENCED')) throw error })
          return wal
        }))
        const ids = new Set(outcomes.flatMap(outcome => outcome.status === 'fulfilled' ? [outcome.value.identity.id] : []))
        assert.equal(ids.size, 1, `seed ${seed}`)
        for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(StreambedError.is(outcome.reason, 'FENCED'), String(outcome.reason))
        assert.deepEqual([...ids], [(await open(simulation, 7, { mode: 'own' })).identity.id])
      }
    })
  }

  it('is refused where another one is expected, and its writer goes on', async () => {
    const simulation = simulated()
    const live = await open(simulation, 1)
    const before = await treeOf(simulation.files)
    for (const mode of ['own', 'takeover'] as const) {
      await assert.rejects(open(simulation, 9, { mode, expectedId: someId }), withCode('WRONG_MEDIUM', new RegExp(`another.*expectedId=${someId} id=${live.identity.id}`)))
    }
    assert.deepEqual(await treeOf(simulation.files), before)
    await live.append([recordOf(1, 100)])
  })

  it('keeps its identity in this file', async () => {
    const bytes = encodeIdentity(someId, crc32c)
    assert.equal(bytes.length, 4096)
    assert.equal(Buffer.from(bytes.subarray(0, 26)).toString('hex'), '53424549' + '44454e54' + '0100' + '000000000000' + someId) // magic, version, identity
    assert.equal(decodeIdentity(bytes, crc32c, 'a'), someId)
    for (let bit = 0; bit < 512; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      assert.throws(() => decodeIdentity(flipped, crc32c, 'a'), withCode('CORRUPT', /which log this is.*path=a/))
    }
  })
})

/** Crashes, or kills, at each operation of an opening; the place opens the same way then, and keeps its identity. */
async function crashAnywhere (make: (seed: string) => Promise<Simulated>, opening: WalOpening, check: (wal: Wal) => Promise<void>): Promise<void> {
  let isFinished = false
  for (let operation = 1; !isFinished; operation++) {
    for (const fault of ['crash', 'kill', { kind: 'fail', code: 'UNAVAILABLE' }] satisfies FileFault[]) {
      for (let seed = 0; seed < 4; seed++) {
        const what = `${JSON.stringify(fault)} at operation ${operation}, seed ${seed}`
        const simulation = await make(what)
        const { files } = simulation
        const at = files.operationCount + operation
        files.plan = () => files.operationCount >= at ? (files.plan = undefined, fault) : undefined
        const first = await open(simulation, 10, opening).catch((error: unknown) => {
          // A name that the crash took is NOT_FOUND for the rest of the call.
          if (!StreambedError.is(error, 'UNAVAILABLE', 'NOT_FOUND')) throw error
        })
        isFinished = files.plan !== undefined
        files.plan = undefined
        if (seed % 2 === 0) files.crash()
        else files.kill()
        const second = await open(simulation, 11, opening)
        if (first !== undefined) assert.equal(second.identity.id, first.identity.id, what)
        await check(second)
        await second.append([recordOf(1, 100)])
        files.crash()
        const third = await open(simulation, 12, { mode: 'own', expectedId: second.identity.id })
        assert.equal((await recovered(third)).length > 0, true, what)
      }
    }
  }
}
