import assert from 'node:assert/strict'
import type { Int64 } from '@streambed/sdk'
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from '../../../src/broker/partition/checkpoint.ts'

const batch = { firstSequence: 0, lastSequence: 2, firstOffset: 5, lastOffset: 7, timestamp: 9 }
const of = (producerId: Int64): Checkpoint => ({ endOffset: 8, producers: [{ producerId, producerEpoch: 1, batches: [batch], lastActiveMs: 9 }], leaderEpochs: [{ leaderEpoch: 0, startOffset: 0 }] })
const text = (version: number, producerId: string): string => `{"version":${version},"endOffset":8,"producers":[{"producerId":${producerId},"producerEpoch":1,` +
  '"batches":[{"firstSequence":0,"lastSequence":2,"firstOffset":5,"lastOffset":7,"timestamp":9}],"lastActiveMs":9}],"leaderEpochs":[{"leaderEpoch":0,"startOffset":0}]}'

describe('partition checkpoints', () => {
  for (const { id, stored, version } of [
    { id: 7, version: 1, stored: '7' },
    { id: 2 ** 53 - 1, version: 1, stored: '9007199254740991' },
    { id: 2n ** 53n, version: 2, stored: '"9007199254740992"' },
    { id: 2n ** 63n - 1n, version: 2, stored: '"9223372036854775807"' }
  ]) {
    it(`with producer ${id}: of version ${version}, and back`, () => {
      assert.equal(Buffer.from(encodeCheckpoint(of(id))).toString(), text(version, stored))
      assert.deepEqual(decodeCheckpoint(Buffer.from(text(version, stored))).producers, of(id).producers)
    })
  }

  it('of a version that is not known are told from damaged ones', () => {
    assert.throws(() => decodeCheckpoint(Buffer.from(text(3, '7'))), { code: 'UNSUPPORTED', message: /version=3 supported=1, 2/ })
    assert.throws(() => decodeCheckpoint(Buffer.from(text(1, '7').slice(1))), { code: 'CORRUPT' })
  })
})
