import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsOf, temporaryFolder, threeFolders } from './support.ts'

describe('the program that heals', () => {
  it('fills a store that was emptied, and says how many copies it gave', async () => {
    await using folder = await temporaryFolder()
    const given = threeFolders(folder.path)
    {
      await using store = await plugin.open(await optionsOf(given), nodeEnvironment())
      for (const key of ['a', 'b/c', 'b/d']) await store.put(key, Buffer.from(key))
    }
    await rm(path.join(folder.path, 'objects-2'), { recursive: true })
    const file = path.join(folder.path, 'options.json')
    await writeFile(file, JSON.stringify(given))
    const heal = async (): Promise<string> => (await promisify(execFile)(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, '../src/heal.ts'), file])).stdout
    assert.equal(await heal(), '3 copies given\n')
    assert.equal(await heal(), '0 copies given\n')
  })
})
