import { listAll } from '@streambed/conformance'
import { nodeEnvironment } from '@streambed/sdk/node'
import { SeededRandom } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'

const program = path.join(import.meta.dirname, 'putting-process.ts')

/** Runs the program until it has printed `lines` lines, kills it, and resolves with the last whole number it printed. */
async function runAndKill (args: readonly string[], lines: number): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
    if (output.split('\n').length > lines) child.kill('SIGKILL')
  })
  const [, signal] = await new Promise<[number | null, string | null]>(resolve => { child.on('close', (code, name) => { resolve([code, name]) }) })
  assert.equal(signal, 'SIGKILL', 'the program ran until it was killed')
  return output.split('\n').length - 2
}

describe('object-store-fs: killed processes', () => {
  it('everything confirmed before SIGKILL is there, whole, and leftovers are removed', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-os-'))
    const random = new SeededRandom('kill')
    for (let life = 0; life < 24; life++) {
      const last = await runAndKill([folder, String(life)], 1 + random.below(30))
      await using store = await plugin.open({ path: folder }, nodeEnvironment())
      const workspaces = await readdir(path.join(folder, 'temporary'))
      assert.equal(workspaces.length, 2, 'only the workspace and lock of the store that is open')
      const keys = await listAll(store, `life/${life}/`)
      assert.ok(keys.length === last + 1 || keys.length === last + 2, `${keys.length} objects after ${last + 1} were confirmed`)
      for (let n = 0; n < keys.length; n++) {
        const body = await store.get(`life/${life}/${n}`)
        assert.equal(body.length, n * 7919 % 200_000)
        assert.ok(body.every(byte => byte === n % 251))
      }
      const shared = await store.get('shared')
      assert.ok([last, last + 1, last + 2].some(n => shared.length === n * 7919 % 200_000), 'an overwrite is there or not')
    }
    await rm(folder, { recursive: true })
  })
})
