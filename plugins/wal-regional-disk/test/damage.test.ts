import assert from 'node:assert/strict'
import { StreambedError, type Environment, type Wal } from '@streambed/sdk'
import type { SimulatedFileSystem } from '@streambed/sdk/testing'
import { recovered } from '../../../sdk/test/batch-log/log-files.ts'
import { below, idOf, KiB, openSmall, path, recordOf, simulated } from './support.ts'

const headerBytes = 8192

async function restore (files: SimulatedFileSystem, file: string, bytes: Uint8Array): Promise<void> {
  const handle = await files.open(file, 'update', { synchronous: true })
  await handle.write([bytes], 0)
  await handle.close()
}

/** Ten batches of one record each, not closed: as a crash leaves it. */
async function tenBatches (environment: Environment, files: SimulatedFileSystem, capacity?: number): Promise<number[]> {
  const wal = await openSmall(environment, 1, capacity)
  const positions: number[] = []
  for (let id = 0; id < 10; id++) positions.push(await wal.append([recordOf(id, 3000 + 600 * id)]))
  files.kill()
  return positions
}

async function recoverIds (wal: Wal): Promise<number[]> { return (await recovered(wal)).map(({ data }) => idOf(data)) }

const isCorrupt = (error: unknown): boolean => StreambedError.is(error, 'CORRUPT')

describe('damage', () => {
  it('cuts a last batch torn at any sector, and the next one takes its place', async () => {
    const { environment, files } = simulated()
    const positions = await tenBatches(environment, files)
    const ring = `${path}/ring-1.wal`
    const whole = await files.readFile(ring)
    const epoch = await files.readFile(`${path}/epoch`)
    const recordStart = headerBytes + positions[9]!
    const batchStart = Math.floor(recordStart / 4096) * 4096
    let writerEpoch = 2
    for (let torn = batchStart; torn < recordStart + 8400; torn += 512) {
      const bytes = whole.slice()
      bytes.fill(0, torn)
      await restore(files, ring, bytes)
      await restore(files, `${path}/epoch`, epoch)
      const wal = await openSmall(environment, writerEpoch++)
      assert.deepEqual(await recoverIds(wal), [0, 1, 2, 3, 4, 5, 6, 7, 8], `torn at ${torn}`)
      await wal.append([recordOf(50, 300)])
      files.kill()
      const again = await openSmall(environment, writerEpoch++)
      assert.deepEqual(await recoverIds(again), [0, 1, 2, 3, 4, 5, 6, 7, 8, 50], `torn at ${torn}`)
      files.kill()
    }
  })

  // In a small ring the header's watermark tells most damage; in a larger one it lags, and the search for later batches does.
  for (const capacity of [136 * KiB, 1024 * KiB]) {
    it(`tells 1,000 random bit flips in ${capacity} bytes: CORRUPT with the place, in the last batch too, never a silent gap`, async () => {
      const { environment, files, random } = simulated()
      const positions = await tenBatches(environment, files, capacity)
      const ring = `${path}/ring-1.wal`
      let corrupt = 0
      let last = 0
      for (let round = 0; round < 1000; round++) {
        const id = below(random, 10)
        const within = below(random, 68 + 3000 + 600 * id)
        const at = Math.floor((headerBytes + positions[id]!) / 4096) * 4096 + within
        // No byte of a record, nor does a reader need it while the rest is right.
        const isStamp = within % 512 >= 508
        const bit = 1 << below(random, 8)
        files.corrupt(ring, at, byte => byte ^ bit)
        const wal = await openSmall(environment, 2 + round, capacity)
        const ids: number[] = []
        let failure: unknown
        try { for await (const { data } of wal.recover()) ids.push(idOf(data)) } catch (error) { failure = error }
        assert.deepEqual(ids, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].slice(0, isStamp ? 10 : id), `round ${round}: byte ${at} in record ${id}`)
        if (isStamp) {
          assert.equal(failure, undefined)
        } else {
          corrupt++
          if (id === 9) last++
          assert.ok(isCorrupt(failure), `round ${round}: byte ${at}`)
          assert.match(String(failure), /ring-1\.wal.*position=\d+/)
          await assert.rejects(wal.append([recordOf(1, 10)]), isCorrupt)
        }
        files.kill()
        files.corrupt(ring, at, byte => byte ^ bit)
      }
      assert.ok(corrupt > 500 && last > 20)
    })
  }

  it('finds damage of the last batch after a clean close', async () => {
    const { environment, files } = simulated()
    const wal = await openSmall(environment, 1)
    const position = await wal.append([recordOf(1, 100)])
    await wal.close()
    files.corrupt(`${path}/ring-1.wal`, headerBytes + position + 50, byte => byte ^ 4)
    await assert.rejects(recovered(await openSmall(environment, 2)), isCorrupt)
  })

  it('takes no batch of an earlier lap, nor of another log, for its own', async () => {
    const { environment, files } = simulated()
    const wal = await openSmall(environment, 1)
    const ids: number[] = []
    // Batches of one size: those of the lap before begin exactly where the next ones will.
    for (let id = 0; id < 45; id++) {
      const position = await wal.append([recordOf(id, 5000)])
      ids.push(id)
      if (ids.length > 8) { ids.splice(0, 5); await wal.trim(position - 4 * 8192) }
    }
    files.kill()
    const again = await openSmall(environment, 2)
    const found = await recoverIds(again)
    assert.equal(found.at(-1), 44)
    assert.deepEqual(found, found.map((_, index) => found[0]! + index))
    files.kill()
  })

  it('survives the rot of one copy of each header, and names the loss of both', async () => {
    for (const file of ['epoch', 'ring-1.wal']) {
      const { environment, files } = simulated()
      const wal = await openSmall(environment, 1)
      await wal.append([recordOf(1, 100)])
      await wal.close()
      files.corrupt(`${path}/${file}`, file === 'epoch' ? 4096 + 30 : 30, byte => byte ^ 1)
      const again = await openSmall(environment, 2)
      assert.deepEqual(await recoverIds(again), [1])
      await again.close()
      for (const at of [30, 4096 + 30]) files.corrupt(`${path}/${file}`, at, byte => byte ^ 255)
      await assert.rejects(openSmall(environment, 3), error => isCorrupt(error) && /both copies/.test(String(error)))
    }
  })

  it('refuses to begin anew where only the epoch record, or only the ring, is gone', async () => {
    for (const [file, text] of [['epoch', /epoch record is missing/], ['ring-1.wal', /missing or blank/]] as const) {
      const { environment, files } = simulated()
      const wal = await openSmall(environment, 1)
      await wal.append([recordOf(1, 100)])
      await wal.close()
      await files.remove(`${path}/${file}`)
      await assert.rejects(openSmall(environment, 2), error => isCorrupt(error) && text.test(String(error)))
    }
  })

  it('takes no torn write for damage, whichever of its sectors are there, over an earlier lap', async () => {
    const { environment, files, random } = simulated()
    const wal = await openSmall(environment, 1)
    let held: number[] = []
    for (let id = 0; id < 40; id++) {
      const position = await wal.append([recordOf(id, 5000 + id * 97 % 3000)])
      held.push(id)
      if (held.length > 6) { await wal.trim(position - 1); held = [id] }
    }
    const ring = `${path}/ring-1.wal`
    const before = (await files.readFile(ring)).slice()
    await wal.append([recordOf(40, 9000)])
    const after = (await files.readFile(ring)).slice()
    const epoch = await files.readFile(`${path}/epoch`)
    files.kill()
    const written = Array.from({ length: before.length / 512 }, (_, sector) => sector * 512).filter(at => at >= headerBytes && Buffer.compare(before.subarray(at, at + 512), after.subarray(at, at + 512)) !== 0)
    assert.ok(written.length > 15)
    for (let round = 0; round < 400; round++) {
      const torn = before.slice()
      const share = random.fraction()
      let missing = 0
      for (const at of written) {
        if (random.fraction() < share) torn.set(after.subarray(at, at + 512), at)
        // Padding, which is zeros, is in no one's way.
        else if (after.subarray(at, at + 512).some(byte => byte !== 0)) missing++
      }
      await restore(files, ring, torn)
      await restore(files, `${path}/epoch`, epoch)
      const again = await openSmall(environment, 2)
      assert.deepEqual(await recoverIds(again), missing === 0 ? [...held, 40] : held, `round ${round}, ${missing} sectors missing`)
      files.kill()
    }
  })

  it('refuses an epoch record that is older than a ring with records, and keeps that ring', async () => {
    const { environment, files } = simulated()
    const first = await openSmall(environment, 1)
    await first.append([recordOf(1, 100)])
    const older = (await files.readFile(`${path}/epoch`)).slice()
    // The first writer lives, so the second one goes on in a ring of its own.
    const second = await openSmall(environment, 2)
    await second.append([recordOf(2, 100)])
    files.kill()
    const newer = (await files.readFile(`${path}/epoch`)).slice()
    await restore(files, `${path}/epoch`, older)
    await assert.rejects(openSmall(environment, 3), error => isCorrupt(error) && /epoch record is older.*ring=2/.test(String(error)))
    await restore(files, `${path}/epoch`, newer)
    const again = await openSmall(environment, 4)
    assert.deepEqual(await recoverIds(again), [1, 2])
    await again.close()
  })

  it('tells a full disk at any write, loses nothing, and goes on when there is room', async () => {
    for (let room = 0; room < 40; room++) {
      const { environment, files } = simulated(`full-${room}`)
      files.capacityBytes = room * 4096
      const ids: number[] = []
      let wal
      try {
        wal = await openSmall(environment, 1)
        for (let id = 0; id < 12; id++) {
          await wal.append([recordOf(id, 6000)])
          ids.push(id)
        }
      } catch (error) {
        assert.ok(StreambedError.is(error, 'OUT_OF_SPACE') && /\/wal/.test(error.message), String(error))
      }
      files.capacityBytes = Infinity
      // An open that failed may have used its epoch up.
      wal ??= await openSmall(environment, 2)
      await wal.append([recordOf(100, 500)])
      files.kill()
      const again = await openSmall(environment, 3)
      assert.deepEqual(await recoverIds(again), [...ids, 100], `room ${room}`)
      await again.close()
    }
  })

  it('after a failed write refuses everything with that error, retries nothing, and recovers what was confirmed', async () => {
    const { environment, files } = simulated()
    const wal = await openSmall(environment, 1)
    await wal.append([recordOf(1, 100)])
    let writes = 0
    files.plan = operation => {
      if (operation !== 'write') return undefined
      return writes++ === 0 ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
    }
    const outcomes = await Promise.allSettled([wal.append([recordOf(2, 100)]), wal.append([recordOf(3, 5 * KiB)])])
    assert.ok(outcomes.every(outcome => outcome.status === 'rejected' && StreambedError.is(outcome.reason, 'UNAVAILABLE')))
    await assert.rejects(wal.append([recordOf(4, 100)]), error => StreambedError.is(error, 'UNAVAILABLE'))
    await wal.close()
    assert.equal(writes, 1)
    files.crash()
    const again = await openSmall(environment, 2)
    assert.equal((await recoverIds(again))[0], 1)
    await again.close()
  })

  it('names the path and the remedy when rights are missing', async () => {
    const { environment, files } = simulated()
    await files.makeDirectory(path)
    files.plan = operation => operation === 'open' ? { kind: 'fail', code: 'PERMISSION_DENIED' } : undefined
    await assert.rejects(openSmall(environment, 1), error => StreambedError.is(error, 'PERMISSION_DENIED') && /give the broker's user.*path=\/wal/.test(error.message))
  })
})
