import { StreambedError } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock } from '@streambed/sdk/testing'
import type { SimulatedFileSystemOptions } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'

function simulated (seed: number, options: Partial<SimulatedFileSystemOptions> = {}): SimulatedFileSystem {
  return new SimulatedFileSystem({ clock: new VirtualClock(), random: new SeededRandom(seed), ...options })
}

function withCode (code: string): (error: unknown) => boolean {
  return error => StreambedError.is(error) && error.code === code
}

function filled (size: number, byte: number): Uint8Array { return new Uint8Array(size).fill(byte) }

/** What each sector of a file holds: its first byte, all others being equal. */
async function sectorsOf (files: SimulatedFileSystem, path: string): Promise<number[]> {
  const bytes = await files.readFile(path)
  return Array.from({ length: bytes.length / 512 }, (_, sector) => {
    const part = bytes.subarray(sector * 512, sector * 512 + 512)
    assert.ok(part.every(byte => byte === part[0]), 'a sector is old or new, never mixed')
    return part[0]!
  })
}

describe('SimulatedFileSystem', () => {
  it('keeps synced bytes, and any subset of the sectors written since (FS-1)', async () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const files = simulated(seed)
      const handle = await files.open('a', 'create')
      await handle.write([filled(5120, 1)], 0)
      await handle.datasync()
      await files.syncDirectory('/')
      await handle.write([filled(2000, 2), filled(1072, 2)], 1024)
      files.crash()
      const sectors = await sectorsOf(files, 'a')
      assert.deepEqual([...sectors.slice(0, 2), ...sectors.slice(8)], [1, 1, 1, 1])
      outcomes.add(sectors.slice(2, 8).join(''))
      await assert.rejects(handle.read(new Uint8Array(1), 0), withCode('UNAVAILABLE'))
    }
    assert.ok(outcomes.has('111111') && outcomes.has('222222') && outcomes.size > 15, [...outcomes].join(' '))
  })

  it('keeps names only once their folder is synced, else as chance decides; a rename never by half (FS-2)', async () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      const files = simulated(seed)
      await files.makeDirectory('d')
      await files.syncDirectory('/')
      await files.open('d/kept', 'createNew')
      await files.syncDirectory('d')
      await files.rename('d/kept', 'd/renamed')
      await files.open('d/new', 'create')
      files.crash()
      const names = (await files.list('d')).map(entry => entry.name).sort().join(' ')
      assert.match(names, /^(kept|renamed|kept new|new renamed)$/)
      outcomes.add(names)
    }
    assert.equal(outcomes.size, 4)
  })

  it('loses unsynced bytes for good when a sync fails, though a later one succeeds (FS-3)', async () => {
    let lost = 0
    for (let seed = 0; seed < 50; seed++) {
      const files = simulated(seed)
      const handle = await files.open('a', 'create')
      await files.syncDirectory('/')
      files.plan = operation => operation === 'datasync' ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
      await handle.write([filled(512, 7)], 0)
      await assert.rejects(handle.datasync(), withCode('UNAVAILABLE'))
      files.plan = undefined
      await handle.datasync()
      assert.deepEqual(await sectorsOf(files, 'a'), [7], 'still seen before the crash')
      files.crash()
      if ((await sectorsOf(files, 'a'))[0] !== 7) lost++
    }
    assert.ok(lost > 10 && lost < 40, `${lost} of 50`)
  })

  it('syncs what was written when the sync began, not what came during it', async () => {
    const clock = new VirtualClock()
    let kept = 0
    for (let seed = 0; seed < 40; seed++) {
      const files = simulated(seed, { clock })
      const handle = await files.open('a', 'create')
      await files.syncDirectory('/')
      await handle.write([filled(4096, 1)], 0)
      files.plan = operation => operation === 'datasync' ? { kind: 'delay', ms: 10 } : undefined
      const syncing = handle.datasync()
      await handle.write([filled(512, 2)], 512)
      clock.advance(10)
      await syncing
      files.crash()
      const sectors = await sectorsOf(files, 'a')
      assert.ok(sectors.every((byte, sector) => byte === 1 || sector === 1), sectors.join(' '))
      if (sectors[1] === 2) kept++
    }
    assert.ok(kept > 5 && kept < 35, `${kept} of 40`)
  })

  it('makes a synchronous write durable by itself', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const files = simulated(seed)
      const handle = await files.open('a', 'create', { synchronous: true })
      await files.syncDirectory('/')
      await handle.write([filled(1024, 3)], 0)
      files.crash()
      assert.deepEqual(await sectorsOf(files, 'a'), [3, 3])
    }
  })

  it('lets nothing of a killed process go on, and loses nothing', async () => {
    const files = simulated(1)
    const handle = await files.open('a', 'create')
    const lock = await files.lock('lock')
    await assert.rejects(files.lock('lock'), withCode('LOCKED'))
    await handle.write([filled(512, 3)], 0)
    const pending = handle.write([filled(512, 4)], 0)
    files.kill()
    await assert.rejects(pending, withCode('UNAVAILABLE'))
    const again = await files.lock('lock')
    await lock.release()
    await assert.rejects(files.lock('lock'), withCode('LOCKED'), 'a dead process frees no lock of another')
    await again.release()
    await files.lock('lock')
    assert.equal((await sectorsOf(files, 'a')).length, 1)
  })

  it('runs out of space within a write, and has it again after a removal', async () => {
    const files = simulated(1, { capacityBytes: 3 * 4096 })
    const handle = await files.open('a', 'create')
    await assert.rejects(handle.write([filled(5 * 4096, 1)], 0), withCode('OUT_OF_SPACE'))
    assert.equal(await handle.size(), 3 * 4096)
    const other = await files.open('b', 'create')
    await assert.rejects(other.write([filled(1, 1)], 0), withCode('OUT_OF_SPACE'))
    await handle.write([filled(4096, 2)], 0)
    await files.remove('a')
    await other.write([filled(3 * 4096, 1)], 0)
  })

  it('has devices of a fixed size, truncation, links and the errors of names', async () => {
    const files = simulated(1)
    files.addBlockDevice('disk', 8192)
    assert.deepEqual(await files.stat('disk'), { kind: 'blockDevice', size: 8192, modifiedMs: Date.UTC(2026, 0, 1) })
    await assert.rejects((await files.open('disk', 'update')).write([filled(4096, 1)], 6000), withCode('OUT_OF_SPACE'))
    const handle = await files.open('a', 'createNew')
    await handle.write([filled(6000, 1)], 0)
    await handle.truncate(100)
    await handle.truncate(5000)
    const bytes = await files.readFile('a')
    assert.deepEqual([bytes.length, bytes[99], bytes[100], bytes[4999]], [5000, 1, 0, 0])
    await assert.rejects(files.open('a', 'createNew'), withCode('ALREADY_EXISTS'))
    await assert.rejects(files.open('b', 'update'), withCode('NOT_FOUND'))
    await assert.rejects(files.link('a', 'disk'), withCode('ALREADY_EXISTS'))
    await files.link('a', 'b')
    await files.remove('a')
    assert.equal((await files.readFile('b')).length, 5000)
    await assert.rejects((await files.open('b', 'read')).write([filled(1, 1)], 0), withCode('PERMISSION_DENIED'))
    await assert.rejects(files.list('b/c'), withCode('NOT_FOUND'))
  })

  it('repeats itself from a seed', async () => {
    const run = async (): Promise<string> => {
      const files = simulated(9)
      const handle = await files.open('a', 'create')
      await files.syncDirectory('/')
      for (let n = 0; n < 50; n++) await handle.write([filled(512, n)], n * 512)
      files.crash()
      return Buffer.from(await files.readFile('a')).toString('base64')
    }
    assert.equal(await run(), await run())
  })
})
