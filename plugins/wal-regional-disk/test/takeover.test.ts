import assert from 'node:assert/strict'
import { StreambedError, type Wal } from '@streambed/sdk'
import { VirtualClock } from '@streambed/sdk/testing'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { encodeEpochSlot, encodeRingSlot } from '../src/slots.ts'
import { idOf, KiB, openSmall, path, recordOf, simulated } from './support.ts'

/** Moves the clock whenever nothing else can move, until `done` settles. */
async function runUntil<T> (clock: VirtualClock, done: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = (): void => { isSettled = true }
  done.then(settled, settled)
  // At one time, everything that waits for promises alone runs before the next timer.
  for (let turns = 0; !isSettled; turns++) {
    assert.ok(turns < 1_000_000, 'a call never settles')
    await new Promise(resolve => { setImmediate(resolve) })
    clock.advanceToNext()
  }
  return await done
}

async function appendOn (wal: Wal, ids: () => number, confirmed: number[], size: () => number): Promise<string> {
  try {
    for (;;) {
      const id = ids()
      const position = await wal.append([recordOf(id, size())])
      confirmed.push(id)
      if (wal.usage().usedBytes > 60 * KiB) await wal.trim(position - 30 * KiB)
    }
  } catch (error) {
    return StreambedError.is(error) ? error.code : String(error)
  }
}

describe('takeover of a living writer', () => {
  for (const { medium, at, capacity } of [{ medium: 'folder', at: path, capacity: 136 * KiB }, { medium: 'block device', at: '/disk', capacity: 280 * KiB }]) it(`on a ${medium} never lets the old one confirm what the new one does not recover, in 150 seeds of slow calls`, async () => {
    for (let seed = 0; seed < 150; seed++) {
      const { environment, files, random } = simulated(`takeover-${seed}`)
      const clock = environment.clock as VirtualClock
      const delays = random.fork('delays')
      if (medium === 'block device') files.addBlockDevice(at, capacity)
      const old = await openSmall(environment, 1, capacity, at)
      files.plan = operation => {
        const roll = delays.fraction()
        if (operation === 'lock' || operation === 'unlock') return undefined
        return { kind: 'delay', ms: roll < 0.05 ? 200 : roll * 10 }
      }
      let next = 0
      const confirmed: number[] = []
      const sizes = random.fork('sizes')
      const writing = appendOn(old, () => next++, confirmed, () => 8 + sizes.below(10 * KiB))
      await runUntil(clock, new Promise<void>(resolve => { clock.schedule(random.below(500), resolve) }))
      const wal = await runUntil(clock, openSmall(environment, 2, capacity, at))
      const confirmedAtOpen = confirmed.length
      const records = await runUntil(clock, recovered(wal))
      const ids = records.map(({ data }) => idOf(data))
      const position = await runUntil(clock, wal.append([recordOf(1_000_000, 100)]))
      assert.equal(await runUntil(clock, writing), 'FENCED', `seed ${seed}`)
      assert.equal(confirmed.length, confirmedAtOpen, `seed ${seed}: confirmed after the takeover`)
      // Dense from the oldest kept to at least the last confirmed.
      assert.deepEqual(ids, ids.map((_, index) => ids[0]! + index), `seed ${seed}`)
      if (confirmed.length > 0) assert.ok(ids.at(-1)! >= confirmed.at(-1)!, `seed ${seed}: lost ${confirmed.at(-1)}`)
      assert.ok(records.every(record => record.position < position), `seed ${seed}`)
      // Late writes of the old one change nothing for those who come after.
      files.plan = undefined
      files.kill()
      const third = await openSmall(environment, 3, capacity, at)
      assert.deepEqual((await recovered(third)).map(({ data }) => idOf(data)), [...ids, 1_000_000], `seed ${seed}`)
      await third.close()
    }
  })

  it('lets one of two openers of one epoch in', async () => {
    const { environment } = simulated()
    const outcomes = await Promise.allSettled([openSmall(environment, 1), openSmall(environment, 1)])
    assert.deepEqual(outcomes.map(outcome => outcome.status).sort(), ['fulfilled', 'rejected'])
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') await outcome.value.close()
      else assert.ok(StreambedError.is(outcome.reason, 'FENCED'))
    }
  })

  it('keeps every ring of a chain of takeovers, refuses one too many, and goes on once they end', async () => {
    const { environment, files } = simulated()
    for (let epoch = 1; epoch <= 8; epoch++) await (await openSmall(environment, epoch)).append([recordOf(epoch, 100)])
    await assert.rejects(openSmall(environment, 9), error => StreambedError.is(error, 'OVER_CAPACITY'))
    files.kill()
    const wal = await openSmall(environment, 12)
    const records = await recovered(wal)
    assert.deepEqual(records.map(({ data }) => idOf(data)), [1, 2, 3, 4, 5, 6, 7, 8])
    await wal.trim(records[5]!.position)
    await wal.append([recordOf(12, 100)])
    await wal.close()
    assert.equal((await files.list(path)).filter(({ name }) => name.endsWith('.wal')).length, 2)
  })

  it('goes on in the other half of a block device while the earlier writer lives, and in its own once that is trimmed and the writer dead', async () => {
    const { environment, files } = simulated()
    files.addBlockDevice('/disk', 280 * KiB)
    const first = await openSmall(environment, 1, 280 * KiB, '/disk')
    await first.append([recordOf(1, 100)])
    const second = await openSmall(environment, 2, 280 * KiB, '/disk')
    await assert.rejects(first.append([recordOf(99, 100)]), error => StreambedError.is(error, 'FENCED'))
    assert.deepEqual((await recovered(second)).map(({ data }) => idOf(data)), [1])
    const position = await second.append([recordOf(2, 100)])
    // Both halves have records, and both writers live.
    await assert.rejects(openSmall(environment, 3, 280 * KiB, '/disk'), error => StreambedError.is(error, 'OVER_CAPACITY'))
    files.kill()
    const third = await openSmall(environment, 4, 280 * KiB, '/disk')
    assert.deepEqual((await recovered(third)).map(({ data }) => idOf(data)), [1, 2])
    await third.trim(position)
    await third.append([recordOf(3, 100)])
    const fourth = await openSmall(environment, 5, 280 * KiB, '/disk')
    assert.deepEqual((await recovered(fourth)).map(({ data }) => idOf(data)), [3])
    await fourth.append([recordOf(4, 100)])
    files.kill()
    await assert.rejects(openSmall(environment, 6, 140 * KiB, '/disk'), error => StreambedError.is(error, 'MISCONFIGURED'))
    const fifth = await openSmall(environment, 7, 280 * KiB, '/disk')
    assert.deepEqual((await recovered(fifth)).map(({ data }) => idOf(data)), [3, 4])
    await fifth.close()
  })

  it('refuses a block device whose two halves both have a living writer, though nothing in them is needed', async () => {
    const { environment, files } = simulated()
    files.addBlockDevice('/disk', 280 * KiB)
    await openSmall(environment, 1, 280 * KiB, '/disk')
    await openSmall(environment, 2, 280 * KiB, '/disk')
    await assert.rejects(openSmall(environment, 3, 280 * KiB, '/disk'), error => StreambedError.is(error, 'LOCKED') && /End it/.test(error.message))
  })

  it('survives a power cut at any operation of a takeover that uses a half of the device again', async () => {
    for (let operation = 0; operation < 60; operation++) {
      const { environment, files } = simulated(`again-${operation}`)
      files.addBlockDevice('/disk', 280 * KiB)
      const first = await openSmall(environment, 1, 280 * KiB, '/disk')
      await first.append([recordOf(1, 100)])
      const second = await openSmall(environment, 2, 280 * KiB, '/disk')
      const position = await second.append([recordOf(2, 100)])
      await first.close()
      await second.trim(position)
      // Trimmed for good with the next record; the epoch record names the first half as long as it was not tidied.
      files.plan = kind => kind === 'lock' ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
      await second.append([recordOf(3, 100)])
      const at = files.operationCount + operation
      files.plan = () => files.operationCount >= at ? (files.plan = undefined, 'crash') : undefined
      try { await openSmall(environment, 3, 280 * KiB, '/disk') } catch (error) { assert.ok(StreambedError.is(error, 'UNAVAILABLE', 'LOCKED'), String(error)) }
      files.plan = undefined
      files.crash()
      const last = await openSmall(environment, 4, 280 * KiB, '/disk')
      assert.deepEqual((await recovered(last)).map(({ data }) => idOf(data)), [3], `cut at ${operation}`)
      await last.close()
    }
  })

  it('keeps a device that an earlier version formatted, with its one ring', async () => {
    const { environment, files } = simulated()
    files.addBlockDevice('/disk', 256 * KiB)
    const { crc32c } = environment
    const salt = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
    const size = 240 * KiB
    const device = await files.open('/disk', 'update', { synchronous: true })
    const ring = encodeRingSlot({ sequence: 0, clusterId: 'cluster-a', nodeId: 1, ringId: 1, salt, base: 0, size, scanStart: 0, trimmed: -1, confirmedEnd: 0 }, crc32c)
    await device.write([ring], 8 * KiB)
    const state = { id: undefined, clusterId: 'cluster-a', nodeId: 1, writerEpoch: 1, areaCount: 1, rings: [{ ringId: 1, base: 0, size, area: 0, frozen: undefined }] }
    for (const sequence of [0, 1]) await device.write([encodeEpochSlot({ ...state, sequence }, crc32c)], sequence * 4 * KiB)
    const wal = await openSmall(environment, 2, 256 * KiB, '/disk')
    assert.equal(wal.usage().capacityBytes, size)
    await wal.append([recordOf(1, 100)])
    await assert.rejects(openSmall(environment, 3, 256 * KiB, '/disk'), error => StreambedError.is(error, 'LOCKED') && /earlier version/.test(error.message))
    files.kill()
    const again = await openSmall(environment, 4, 256 * KiB, '/disk')
    assert.deepEqual((await recovered(again)).map(({ data }) => idOf(data)), [1])
    await again.close()
  })

  it('refuses a block device that holds something else', async () => {
    const { environment, files } = simulated()
    files.addBlockDevice('/disk', 256 * KiB)
    files.corrupt('/disk', 1080, () => 0x53)
    await assert.rejects(openSmall(environment, 1, 256 * KiB, '/disk'), error => StreambedError.is(error, 'MISCONFIGURED') && /not a write-ahead log/.test(error.message))
  })
})
