import { nodeEnvironment } from '@streambed/sdk/node'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'

const partBytes = 64 * 1024 * 1024
const parts = 65

/** The body of part `number`: its number in every byte. */
function partOf (number: number): Uint8Array { return Buffer.alloc(partBytes, number) }

describe('object-store-fs: an object of more than 2^32 bytes', () => {
  if (process.env['STREAMBED_TEST_LARGE'] === undefined) {
    it('did not run: it writes 9 GiB; STREAMBED_TEST_LARGE=1 runs it')
    return
  }
  it('is read at, around and beyond byte 2^32', async function () {
    this.timeout(600_000)
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-large-'))
    try {
      await using store = await plugin.open({ path: folder }, nodeEnvironment())
      const upload = await store.startMultipart('large')
      for (let number = 1; number <= parts; number++) await upload.uploadPart(number, partOf(number))
      await upload.complete()
      assert.equal((await store.head('large')).size, parts * partBytes)
      assert.deepEqual((await store.list('')).objects.map(({ size }) => size), [parts * partBytes])
      for (const start of [2 ** 32 - partBytes - 1, 2 ** 32 - 2, 2 ** 32, parts * partBytes - 3]) {
        const got = await store.get('large', { range: { start, end: start + 3 } })
        assert.deepEqual([...got], [0, 1, 2].map(offset => 1 + Math.floor((start + offset) / partBytes)))
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
