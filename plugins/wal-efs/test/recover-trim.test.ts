import assert from 'node:assert/strict'
import { idOf, KiB, openSmall, recordOf, simulated } from './support.ts'

describe('recovery while what was read is trimmed', () => {
  // A start that appended nothing left an empty segment, which the trim removed before it was read.
  for (const emptyStarts of [0, 1, 3]) {
    it(`gives back every record after ${emptyStarts} starts that appended nothing`, async () => {
      const { environment } = simulated()
      const first = await openSmall(environment, 1)
      for (let id = 0; id < 8; id++) await first.append([recordOf(id, 10 * KiB)])
      await first.close()
      let writerEpoch = 2
      for (let start = 0; start < emptyStarts; start++) await (await openSmall(environment, writerEpoch++)).close()
      await using wal = await openSmall(environment, writerEpoch)
      const ids: number[] = []
      for await (const { data, position } of wal.recover()) {
        ids.push(idOf(data))
        await wal.trim(position)
        // The log gives back what is trimmed in turns of its own.
        for (let turn = 0; turn < 20; turn++) await environment.yieldTurn()
      }
      assert.deepEqual(ids, [0, 1, 2, 3, 4, 5, 6, 7])
    })
  }
})
