import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { consumed, produced, withBroker } from './broker.ts'
import { temporaryFolder, threeFolders } from './support.ts'

describe('a broker on three stores', () => {
  it('serves all that it acknowledged after one of them was emptied, whichever', async () => {
    for (const lost of [1, 2, 3]) {
      await using folder = await temporaryFolder()
      const storage = { wal: { plugin: 'object' }, metadata: { plugin: 'object' }, objects: { plugin: path.join(import.meta.dirname, '../src/index.ts'), ...threeFolders(folder.path) } }
      const values = Array.from({ length: 10 }, (_, index) => `value ${index}`)
      await withBroker(storage, async bootstrap => { await produced(bootstrap, 'kept', values) })
      await rm(path.join(folder.path, `objects-${lost}`), { recursive: true })
      await withBroker(storage, async bootstrap => { assert.deepEqual(await consumed(bootstrap, 'kept', values.length), values) })
    }
  })
})
