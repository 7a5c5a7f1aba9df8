import assert from 'node:assert/strict'
import { SeededRandom } from '@streambed/sdk/testing'
import { temporaryFolder } from './support.ts'
import { Writer } from './writer.ts'

describe('processes on a log in SQLite', () => {
  it('lose nothing confirmed when killed, and invent nothing', async () => {
    await using folder = await temporaryFolder()
    const random = new SeededRandom('kill')
    let held: readonly number[] = []
    let nextId = 0
    for (let epoch = 1; epoch <= 15; epoch++) {
      const firstId = epoch * 100_000
      const writer = await Writer.start(folder.path, epoch, firstId)
      const { recovered } = writer
      assert.deepEqual(recovered.slice(0, held.length), held, `epoch ${epoch}: lost, or in another order`)
      // What the one before appended and did not confirm may follow: each once, in order.
      for (const [index, id] of recovered.slice(held.length).entries()) assert.equal(id, nextId + index, `epoch ${epoch}: after the confirmed`)
      await writer.untilConfirmed(random.below(60))
      await writer.kill()
      held = [...recovered, ...writer.confirmed]
      nextId = firstId + writer.confirmed.length
      if (!writer.hasTrimmed) continue
      // The trim may have taken effect or not: what is there now is what must stay.
      const heir = await Writer.start(folder.path, ++epoch, epoch * 100_000)
      const kept = held.slice(held.indexOf(heir.recovered[0]!))
      assert.deepEqual(heir.recovered.slice(0, kept.length), kept, `epoch ${epoch}: after a trim`)
      assert.ok(writer.confirmed.every(id => kept.includes(id)), `epoch ${epoch}: the trim took what was appended after it`)
      await heir.kill()
      held = [...heir.recovered, ...heir.confirmed]
      nextId = epoch * 100_000 + heir.confirmed.length
    }
  })

  it('confirm nothing once another has taken over, and the other recovers all that was confirmed', async () => {
    await using folder = await temporaryFolder()
    let old = await Writer.start(folder.path, 1, 1_000_000)
    for (let epoch = 2; epoch <= 6; epoch++) {
      await old.untilConfirmed(20 + epoch * 7)
      const writer = await Writer.start(folder.path, epoch, epoch * 1_000_000)
      await old.untilEnded()
      assert.equal(old.ended, 'FENCED')
      assert.deepEqual(old.confirmed.filter(id => !writer.recovered.includes(id)), [], `epoch ${epoch}: confirmed by the fenced one, unknown to its heir`)
      old = writer
    }
    await old.kill()
  })
})
