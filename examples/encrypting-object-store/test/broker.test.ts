import assert from 'node:assert/strict'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { consumed, produced, withBroker } from './broker.ts'
import { keyLine, temporaryFolder } from './support.ts'

describe('a broker whose object store encrypts', () => {
  it('serves what it stored, also after a restart, and nothing readable lies in the bucket', async () => {
    await using folder = await temporaryFolder()
    const at = (name: string): string => path.join(folder.path, name)
    await writeFile(at('keys'), `${keyLine('k1', 1)}\n`)
    const storage = {
      wal: { plugin: 'object' },
      metadata: { plugin: 'object' },
      objects: { plugin: path.join(import.meta.dirname, '../src/index.ts'), keys: { file: at('keys') }, store: { plugin: '@streambed/object-store-fs', path: at('objects') } }
    }
    const values = Array.from({ length: 20 }, (_, index) => `a confidential value ${index}`)
    await withBroker(storage, async bootstrap => { await produced(bootstrap, 'secrets', values) })
    await withBroker(storage, async bootstrap => { assert.deepEqual(await consumed(bootstrap, 'secrets', values.length), values) })
    const files = (await readdir(at('objects'), { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
    const contents = await Promise.all(files.map(async ({ name, parentPath }) => await readFile(path.join(parentPath, name))))
    assert.ok(contents.some(bytes => bytes.includes('SBEN')))
    for (const bytes of contents) assert.equal(bytes.includes('confidential') || bytes.includes('secrets'), false)
  })
})
