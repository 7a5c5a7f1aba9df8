import { nodeEnvironment } from '@streambed/sdk/node'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWal } from '../src/open-wal.ts'
import { MiB, writerOf } from './support.ts'

const recordBytes = 60 * MiB
const body = Buffer.alloc(recordBytes, 'streambed ')

/** A record that tells its number; all else is as in every other. */
function chunksOf (id: number): Uint8Array[] {
  const first = Buffer.alloc(8)
  first.writeUInt32BE(id)
  return [first, body.subarray(8)]
}

describe('a log of more than 2^32 bytes', () => {
  if (process.env['STREAMBED_TEST_LARGE'] === undefined) {
    it('did not run: it writes 6 GiB; STREAMBED_TEST_LARGE=1 runs it')
    return
  }
  it('is recovered whole, from its file and around its end', async function () {
    this.timeout(600_000)
    const folder = await mkdtemp(join(tmpdir(), 'streambed-large-'))
    try {
      const options = { path: join(folder, 'wal'), capacity: 5 * 2 ** 30 }
      let positions: number[] = []
      let firstId = 0
      let nextId = 0
      const check = async (writerEpoch: number, then: { readonly keep: number, readonly append: number }): Promise<void> => {
        await using wal = await openWal(options, nodeEnvironment(), { writer: writerOf(writerEpoch) })
        let id = firstId
        for await (const { data, position } of wal.recover()) {
          assert.equal(position, positions[id - firstId])
          assert.equal(Buffer.from(data.buffer, data.byteOffset, 8).readUInt32BE(), id++)
          assert.ok(Buffer.from(data.buffer, data.byteOffset, data.length).subarray(8).equals(body.subarray(8)))
        }
        assert.equal(id, nextId, 'every record is there')
        if (positions.length > then.keep) {
          const dropped = positions.length - then.keep
          await wal.trim(positions[dropped - 1]!)
          positions = positions.slice(dropped)
          firstId += dropped
        }
        for (let count = 0; count < then.append; count++) positions.push(await wal.append(chunksOf(nextId++)))
      }
      await check(1, { keep: Infinity, append: 78 })
      assert.ok(positions.at(-1)! > 2 ** 32)
      await check(2, { keep: 8, append: 20 })
      await check(3, { keep: 1, append: 0 })
      await check(4, { keep: 1, append: 0 })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
