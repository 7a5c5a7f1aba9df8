import { entriesOf, rejectsWith } from '@streambed/conformance'
import { StreambedError } from '@streambed/sdk'
import type { MetadataLog } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import type { FileFaultPlan } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import plugin from '../src/index.ts'

const clock = new VirtualClock()

function newSystem (seed: string): { fileSystem: SimulatedFileSystem, random: SeededRandom, open: () => Promise<MetadataLog> } {
  const random = new SeededRandom(seed)
  const fileSystem = new SimulatedFileSystem({ clock, random: random.fork('files') })
  return { fileSystem, random, open: () => plugin.open({ path: '/data/metadata' }, testEnvironment({ clock, random, fileSystem }), {}) }
}

/** What has been confirmed, and what may have happened. */
class Ledger {
  readonly confirmed: string[] = []
  inDoubt: readonly string[] = []
  snapshotAt = -1
  forgotten = 0

  async check (log: MetadataLog): Promise<void> {
    const snapshot = await log.latestSnapshot()
    assert.ok((snapshot?.at ?? -1) >= this.snapshotAt, 'a confirmed snapshot is there')
    if (snapshot !== undefined) assert.equal(Buffer.from(snapshot.state).toString(), `state at ${snapshot.at}`)
    const found = (await entriesOf(log, this.forgotten)).map(entry => Buffer.from(entry).toString())
    const expected = this.confirmed.slice(this.forgotten)
    if (found.length > expected.length) {
      // All of the group in doubt, or none.
      expected.push(...this.inDoubt)
      this.confirmed.push(...this.inDoubt)
    }
    assert.deepEqual(found, expected)
    this.inDoubt = []
  }
}

async function work (log: MetadataLog, ledger: Ledger, random: SeededRandom): Promise<void> {
  for (;;) {
    const end = ledger.confirmed.length
    const choice = random.fraction()
    if (choice < 0.8) {
      ledger.inDoubt = Array.from({ length: 1 + random.below(4) }, (_, n) => `${end + n}:${'x'.repeat(random.below(random.fraction() < 0.02 ? 3_000_000 : 2000))}`)
      await log.append(end, ledger.inDoubt.map(text => Buffer.from(text)))
      ledger.confirmed.push(...ledger.inDoubt)
      ledger.inDoubt = []
    } else if (choice < 0.95) {
      await log.writeSnapshot(end, Buffer.from(`state at ${end}`))
      ledger.snapshotAt = end
    } else if (ledger.snapshotAt > 0) {
      ledger.forgotten = ledger.snapshotAt
      await log.truncateBefore(ledger.snapshotAt)
    }
  }
}

describe('metadata-file: crashes', () => {
  for (let seed = 0; seed < 40; seed++) {
    it(`keeps what was confirmed through crashes at any operation (seed ${seed})`, async () => {
      const { fileSystem, random, open } = newSystem(`crash-${seed}`)
      const ledger = new Ledger()
      for (let life = 0; life < 12; life++) {
        const dies = fileSystem.operationCount + 1 + random.below(life % 3 === 0 ? 20 : 120)
        const how = random.fraction() < 0.7 ? 'crash' : 'kill'
        fileSystem.plan = () => fileSystem.operationCount >= dies ? how : undefined
        await open().then(async log => {
          await ledger.check(log)
          await work(log, ledger, random.fork(`life-${life}`))
        }).catch((error: unknown) => { if (!StreambedError.is(error, 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'CLOSED')) throw error })
      }
      fileSystem.plan = undefined
      fileSystem.kill()
      await using log = await open()
      await ledger.check(log)
    })
  }
})

describe('metadata-file: failing files', () => {
  function failing (operation: string, code: 'UNAVAILABLE' | 'OUT_OF_SPACE' | 'PERMISSION_DENIED', file = ''): FileFaultPlan {
    return (called, path) => called === operation && path.includes(file) ? { kind: 'fail', code } : undefined
  }

  for (const operation of ['write', 'datasync']) {
    it(`after a ${operation} that failed, refuses everything until it is opened again`, async () => {
      const { fileSystem, open } = newSystem(operation)
      const log = await open()
      await log.append(0, [Buffer.from('confirmed')])
      const waiting = rejectsWith(log.waitForGrowth(1, { signal: new AbortController().signal }), 'CLOSED')
      fileSystem.plan = failing(operation, 'UNAVAILABLE', 'log-')
      await rejectsWith(log.append(1, [Buffer.from('in doubt')]), 'OUTCOME_UNKNOWN')
      fileSystem.plan = undefined
      await waiting
      await rejectsWith(log.append(1, [Buffer.from('more')]), 'CLOSED')
      await rejectsWith(log.read(0), 'CLOSED')
      await rejectsWith(log.waitForGrowth(1, { signal: new AbortController().signal }), 'CLOSED')
      await log.close()
      await using again = await open()
      const [first, ...rest] = (await entriesOf(again, 0)).map(entry => Buffer.from(entry).toString())
      assert.equal(first, 'confirmed')
      assert.ok(rest.length === 0 || rest[0] === 'in doubt')
      await again.append(1 + rest.length, [Buffer.from('on')])
    })
  }

  it('gets over a full disk', async () => {
    const { fileSystem, open } = newSystem('full')
    const log = await open()
    await log.append(0, [Buffer.from('a')])
    fileSystem.capacityBytes = 64 * 1024
    const error = await rejectsWith(log.append(1, [new Uint8Array(200_000)]), 'OUT_OF_SPACE')
    assert.match(error.message, /Free space/)
    await log.append(1, [Buffer.from('b')])
    await rejectsWith(log.writeSnapshot(2, new Uint8Array(200_000)), 'OUT_OF_SPACE')
    fileSystem.capacityBytes = Infinity
    await log.writeSnapshot(2, new Uint8Array(200_000))
    await log.close()
    await using again = await open()
    assert.deepEqual((await entriesOf(again, 0)).map(entry => Buffer.from(entry).toString()), ['a', 'b'])
  })

  it('is in doubt when a full disk cannot even be cut', async () => {
    const { fileSystem, open } = newSystem('full-and-broken')
    const log = await open()
    fileSystem.plan = (operation, path) => !path.includes('log-') ? undefined : operation === 'write' ? { kind: 'fail', code: 'OUT_OF_SPACE' } : operation === 'truncate' ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
    await rejectsWith(log.append(0, [Buffer.from('a')]), 'OUTCOME_UNKNOWN')
    await log.close()
  })

  it('goes on when a new file could not be begun, and is refused only when that cannot be undone', async () => {
    const { fileSystem, open } = newSystem('roll')
    const log = await open()
    await log.append(0, [new Uint8Array(4 * 2 ** 20)])
    fileSystem.plan = failing('datasync', 'OUT_OF_SPACE', 'log-')
    await rejectsWith(log.append(1, [Buffer.from('a')]), 'OUT_OF_SPACE')
    fileSystem.plan = failing('open', 'PERMISSION_DENIED', 'log-')
    await rejectsWith(log.append(1, [Buffer.from('a')]), 'PERMISSION_DENIED')
    fileSystem.plan = failing('syncDirectory', 'UNAVAILABLE')
    await rejectsWith(log.append(1, [Buffer.from('a')]), 'UNAVAILABLE')
    fileSystem.plan = undefined
    await rejectsWith(log.append(1, [Buffer.from('a')]), 'CLOSED')
    await log.close()
    await using again = await open()
    await again.append(1, [Buffer.from('a')])
  })

  it('reports what fails elsewhere, with the folder and a remedy, and leaves nothing locked', async () => {
    const { fileSystem, open } = newSystem('elsewhere')
    for (const operation of ['makeDirectory', 'lock', 'list', 'open', 'write', 'datasync']) {
      fileSystem.plan = failing(operation, 'PERMISSION_DENIED')
      const error = await rejectsWith(open(), 'PERMISSION_DENIED')
      assert.match(error.message, /\/data/)
      assert.match(error.message, /read and write permission/)
    }
    fileSystem.plan = undefined
    const log = await open()
    await log.append(0, [new Uint8Array(4 * 2 ** 20)])
    await log.append(1, [Buffer.from('a')])
    fileSystem.plan = failing('rename', 'PERMISSION_DENIED')
    await rejectsWith(log.writeSnapshot(1, new Uint8Array(1)), 'PERMISSION_DENIED')
    fileSystem.plan = undefined
    await log.writeSnapshot(1, new Uint8Array(1))
    fileSystem.plan = failing('readFile', 'UNAVAILABLE')
    await rejectsWith(log.latestSnapshot(), 'UNAVAILABLE')
    fileSystem.plan = failing('read', 'UNAVAILABLE')
    await rejectsWith(log.read(0), 'UNAVAILABLE')
    fileSystem.plan = failing('remove', 'NOT_FOUND' as 'UNAVAILABLE')
    await rejectsWith(log.truncateBefore(1), 'UNAVAILABLE')
    fileSystem.plan = failing('write', 'UNAVAILABLE')
    await log.close()
    fileSystem.plan = undefined
    await (await open()).close()
  })

  it('refuses a path that is a file', async () => {
    const { fileSystem, open } = newSystem('not-a-folder')
    await fileSystem.makeDirectory('/data')
    await (await fileSystem.open('/data/metadata', 'create')).close()
    await rejectsWith(open(), 'MISCONFIGURED')
  })
})
