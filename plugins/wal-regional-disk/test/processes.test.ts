import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '@streambed/sdk/testing'
import { isDense, Writer } from './writer.ts'

describe('real processes', () => {
  let folder: string
  beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'wal-')) })
  afterEach(async () => { await rm(folder, { recursive: true, force: true }) })

  it('lose nothing confirmed when killed 50 times', async () => {
    const random = new SeededRandom('kill')
    let held: number[] = []
    let epoch = 1
    for (let round = 0; round <= 50; round++) {
      const writer = new Writer(folder, epoch++, (held.at(-1) ?? -1) + 1000)
      await writer.opened
      const { recovered } = writer
      const lost = held.filter(id => !recovered.includes(id))
      assert.deepEqual(lost, [], `round ${round}: lost`)
      assert.ok(recovered.every((id, index) => index === 0 || id > recovered[index - 1]!), `round ${round}: order`)
      // A random moment: between any two confirmations, or within a batch.
      await writer.untilConfirmed(random.below(80))
      writer.child.kill('SIGKILL')
      await writer.exited
      held = writer.held
    }
  })

  it('fence a stopped one, which then confirms nothing more', async () => {
    for (let round = 0; round < 3; round++) {
      const path = join(folder, String(round))
      const old = new Writer(path, 1, 0)
      await old.opened
      await old.untilConfirmed(20 + round * 13)
      old.child.kill('SIGSTOP')
      const wal = new Writer(path, 2, 1_000_000)
      await wal.opened
      await wal.untilConfirmed(40)
      old.child.kill('SIGCONT')
      await old.exited
      assert.equal(old.ended, 'FENCED')
      assert.ok(isDense(wal.recovered))
      assert.deepEqual(old.held.filter(id => !wal.recovered.includes(id)), [], 'confirmed by the old one, unknown to the new one')
      wal.child.kill('SIGKILL')
      await wal.exited
      const third = new Writer(path, 3, 2_000_000)
      await third.opened
      assert.deepEqual(wal.held.filter(id => !third.recovered.includes(id)), [])
      third.child.kill('SIGKILL')
      await third.exited
    }
  })
})
