import assert from 'node:assert/strict'
import { SeededRandom } from '@streambed/sdk/testing'
import { neededBytes, planMove } from '../../src/storage/garbage/move-plan.ts'
import type { LiveObject } from '../../src/storage/catalog/catalog.ts'

const limits = { spaceRatioMax: 1.2, gainBytesMin: 1_000, moveBytesMax: 1_000_000 }

/** An object of `size` bytes, of which `live` bytes are needed; of a piece of 100 offsets whose first `trimmed` are not. */
function object (objectId: number, size: number, live: number, trimmed = 0): LiveObject {
  const range = { objectId, startOffset: 0, endOffset: 100, bytes: live, largestTimestamp: -1 }
  return { facts: { objectId, store: 'default', size }, pieces: [{ streamId: 1, streamEpoch: 0, range, startOffset: trimmed }] }
}

function chosen (objects: readonly LiveObject[], changed: Partial<typeof limits> = {}): number[] {
  return planMove(objects, { ...limits, ...changed }).map(({ facts }) => facts.objectId)
}

describe('which objects are moved', () => {
  const cases: { readonly name: string, readonly objects: readonly LiveObject[], readonly limits?: Partial<typeof limits>, readonly moved: readonly number[] }[] = [
    { name: 'none of none', objects: [], moved: [] },
    { name: 'none, while all are live', objects: [object(1, 100_000, 99_000), object(2, 100_000, 99_000)], moved: [] },
    { name: 'none, while a fifth is dead', objects: [object(1, 100_000, 84_000), object(2, 100_000, 84_000)], moved: [] },
    { name: 'those that are dead but for a little, not those that are whole', objects: [object(1, 100_000, 100), object(2, 100_000, 99_800), object(3, 100_000, 200)], moved: [1, 3] },
    { name: 'the most dead first, and no more than it takes', objects: [object(1, 100_000, 50_000), object(2, 100_000, 10_000), object(3, 1_000_000, 999_000)], moved: [] },
    { name: 'the most dead first, until the room is well used', objects: [object(1, 100_000, 80_000), object(2, 100_000, 1_000), object(3, 100_000, 99_000)], moved: [2] },
    { name: 'what was trimmed of a piece counts as dead', objects: [object(1, 100_000, 99_000, 90)], moved: [1] },
    { name: 'as much as may be moved at a time', objects: [object(1, 100_000, 10_000), object(2, 100_000, 11_000), object(3, 100_000, 12_000)], limits: { moveBytesMax: 22_000 }, moved: [1, 2] },
    { name: 'one that is larger than that, alone', objects: [object(1, 100_000, 10_000), object(2, 100_000, 11_000)], limits: { moveBytesMax: 1 }, moved: [1] },
    { name: 'none, when little is to be had', objects: [object(1, 1_900, 1_000)], moved: [] },
    { name: 'not again what was moved just now, however small', objects: [object(1, 1_104, 1_000)], limits: { gainBytesMin: 0 }, moved: [] }
  ]
  for (const { limits: changed, moved, name, objects } of cases) it(name, () => { assert.deepEqual(chosen(objects, changed), moved) })

  it('any state comes to an end: what all take is within the ratio of what they must', () => {
    const random = new SeededRandom('moves')
    for (let round = 0; round < 200; round++) {
      let objects = Array.from({ length: 1 + random.below(30) }, (_, id) => { const live = 1 + random.below(100_000); return object(id, live + 200 + random.below(200_000), live, random.below(100)) })
      for (let moves = 0; ; moves++) {
        const plan = planMove(objects, { ...limits, gainBytesMin: 0 })
        if (plan.length === 0) break
        assert.ok(moves < 100, 'it goes on for ever')
        const needed = plan.map(each => neededBytes(each))
        const rest = objects.filter(each => !plan.includes(each))
        const together = needed.reduce((sum, bytes) => sum + bytes, 0)
        objects = [...rest, object(1_000 + moves, together, together - neededBytes(object(0, 0, 0)))]
      }
      const stored = objects.reduce((sum, { facts }) => sum + facts.size, 0)
      const needed = objects.reduce((sum, each) => sum + neededBytes(each), 0)
      assert.ok(stored <= 1.25 * needed + 1_000, `${stored} for ${needed}`)
    }
  })
})
