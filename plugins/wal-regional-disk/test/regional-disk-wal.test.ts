import assert from 'node:assert/strict'
import { StreambedError } from '@streambed/sdk'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { openWal } from '../src/open-wal.ts'
import { idOf, KiB, openSmall, path, recordOf, simulated, writerOf } from './support.ts'

function withCode (code: string, text?: RegExp): (error: unknown) => boolean {
  return error => StreambedError.is(error) && error.code === code && (text === undefined || text.test(error.message))
}

describe('RegionalDiskWal', () => {
  it('gives back what was appended, over many laps, sizes and restarts', async () => {
    const { environment, random } = simulated()
    const expected: { id: number, position: number }[] = []
    let id = 0
    let lastPosition = -1
    for (let epoch = 1; epoch <= 20; epoch++) {
      const wal = await openSmall(environment, epoch)
      assert.deepEqual((await recovered(wal)).map(({ position, data }) => ({ id: idOf(data), position })), expected)
      for (let round = 0; round < 20; round++) {
        const appends = Array.from({ length: 1 + random.below(6) }, () => ({ id, done: wal.append([recordOf(id++, 1 + random.below(5 * KiB))]) }))
        for (const { id, done } of appends) {
          const position = await done
          assert.ok(position > lastPosition)
          lastPosition = position
          expected.push({ id, position })
        }
        while (wal.usage().usedBytes > 64 * KiB) {
          const trimmed = expected.splice(0, 1 + random.below(expected.length))
          await wal.trim(trimmed.at(-1)!.position)
        }
      }
      await wal.close()
    }
    assert.ok(lastPosition > 10 * 128 * KiB, 'several laps')
  })

  it('refuses a record that does not fit until older ones are trimmed', async () => {
    const { environment } = simulated()
    const wal = await openSmall(environment, 1)
    const positions: number[] = []
    for (;;) {
      try { positions.push(await wal.append([recordOf(positions.length, 10 * KiB)])) } catch (error) {
        assert.ok(withCode('OVER_CAPACITY')(error))
        break
      }
    }
    assert.ok(positions.length >= 9, String(positions.length))
    await wal.trim(positions[1]!)
    positions.push(await wal.append([recordOf(positions.length, 10 * KiB)]))
    await wal.close()
    const again = await openSmall(environment, 2)
    assert.deepEqual((await recovered(again)).map(record => record.position), positions.slice(2))
    await again.close()
  })

  it('fences a live writer, keeps its records in its own ring, and drops that once trimmed', async () => {
    const { environment, files } = simulated()
    const old = await openSmall(environment, 1)
    await old.append([recordOf(1, 100)])
    const late = old.append([recordOf(2, 100)])
    const wal = await openSmall(environment, 2)
    const outcome = await Promise.allSettled([late])
    await assert.rejects(old.append([recordOf(3, 100)]), withCode('FENCED'))
    const records = await recovered(wal)
    const ids = records.map(({ data }) => idOf(data))
    assert.ok(ids[0] === 1 && (outcome[0].status === 'rejected' || ids[1] === 2))
    const position = await wal.append([recordOf(4, 100)])
    assert.ok(position > records.at(-1)!.position)
    assert.deepEqual((await files.list(path)).map(entry => entry.name).filter(name => name.endsWith('.wal')).sort(), ['ring-1.wal', 'ring-2.wal'])
    await old.close()
    await wal.close()
    const third = await openSmall(environment, 3)
    assert.deepEqual((await recovered(third)).map(({ data }) => idOf(data)), [...ids, 4])
    await third.trim(position)
    await third.append([recordOf(5, 100)])
    await third.close()
    assert.deepEqual((await files.list(path)).map(entry => entry.name).filter(name => name.startsWith('ring')).sort(), ['ring-2.lock', 'ring-2.wal'])
    const fourth = await openSmall(environment, 4)
    assert.deepEqual((await recovered(fourth)).map(({ data }) => idOf(data)), [5])
    await fourth.close()
  })

  it('takes a new capacity at the next start', async () => {
    const { environment } = simulated()
    const small = await openSmall(environment, 1)
    await small.append([recordOf(1, 1000)])
    await small.close()
    const large = await openSmall(environment, 2, 1024 * KiB)
    assert.equal(large.usage().capacityBytes, 1016 * KiB)
    assert.deepEqual((await recovered(large)).map(({ data }) => idOf(data)), [1])
    await large.append([recordOf(2, 100 * KiB)])
    await large.close()
    const again = await openSmall(environment, 3, 1024 * KiB)
    assert.deepEqual((await recovered(again)).map(({ data }) => idOf(data)), [1, 2])
    await again.close()
  })

  it('refuses the log of another broker, lower epochs, and arguments out of range', async () => {
    const { environment } = simulated()
    const wal = await openSmall(environment, 5)
    await assert.rejects(wal.append([]), withCode('INVALID_ARGUMENT'))
    await assert.rejects(wal.append([new Uint8Array(wal.usage().recordBytesMax + 1)]), withCode('INVALID_ARGUMENT'))
    await wal.append([new Uint8Array(wal.usage().recordBytesMax)])
    await assert.rejects(wal.trim(10 ** 9), withCode('INVALID_ARGUMENT'))
    assert.throws(() => wal.recover(), withCode('INVALID_ARGUMENT'))
    await wal.close()
    await wal.close()
    await assert.rejects(wal.append([recordOf(1, 10)]), withCode('CLOSED'))
    await assert.rejects(openWal({ path }, environment, { writer: { ...writerOf(6), nodeId: 2 } }), withCode('MISCONFIGURED', /node=1.*node=2/))
    await assert.rejects(openWal({ path }, environment, { writer: { ...writerOf(6), clusterId: 'other' } }), withCode('MISCONFIGURED', /cluster-a.*other/))
    await assert.rejects(openSmall(environment, 5), withCode('FENCED'))
    await assert.rejects(openSmall(environment, 4), withCode('FENCED'))
    await (await openSmall(environment, 6)).close()
  })

  it('refuses a newer format and names both versions', async () => {
    const { environment, files } = simulated()
    await (await openSmall(environment, 1)).close()
    const { crc32c } = environment
    const epoch = await files.open(`${path}/epoch`, 'update', { synchronous: true })
    for (const at of [0, 4096]) {
      const slot = new Uint8Array(512)
      await epoch.read(slot, at)
      slot[8] = 9
      new DataView(slot.buffer).setUint32(508, crc32c(slot.subarray(0, 508)), true)
      await epoch.write([slot], at)
    }
    await assert.rejects(openSmall(environment, 2), withCode('UNSUPPORTED', /format=9 known=3/))
  })

  it('settles what is in flight when it closes', async () => {
    const { environment } = simulated()
    const wal = await openSmall(environment, 1, 1024 * KiB)
    const appends = Array.from({ length: 100 }, (_, id) => wal.append([recordOf(id, 100)]))
    await wal.close()
    await Promise.all(appends)
    const again = await openSmall(environment, 2, 1024 * KiB)
    assert.equal((await recovered(again)).length, 100)
    await again.close()
  })

  it('writes what is appended together as one batch', async () => {
    const { environment, files } = simulated()
    const wal = await openSmall(environment, 1, 1024 * KiB)
    let writes = 0
    files.plan = operation => { if (operation === 'write') writes++; return undefined }
    await Promise.all(Array.from({ length: 1000 }, (_, id) => wal.append([recordOf(id, 20)])))
    assert.ok(writes <= 2, `${writes} writes`)
    await wal.close()
  })
})
