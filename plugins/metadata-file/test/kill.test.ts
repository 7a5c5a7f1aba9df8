import { entriesOf, sameBytes } from '@streambed/conformance'
import { nodeEnvironment } from '@streambed/sdk/node'
import { SeededRandom } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'

const program = path.join(import.meta.dirname, 'appending-process.ts')

/** Runs the program until it has printed `lines` lines, kills it, and resolves with the end that it printed last. */
async function runAndKill (folder: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
    if (output.split('\n').length > lines) child.kill('SIGKILL')
  })
  const signal = await new Promise<string | null>(resolve => { child.on('close', (_code, name) => { resolve(name) }) })
  assert.equal(signal, 'SIGKILL', 'the program ran until it was killed')
  return Number(output.split('\n').at(-2))
}

describe('metadata-file: killed processes', () => {
  it('everything confirmed before SIGKILL is there, and the next process takes over at once', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-ml-'))
    const random = new SeededRandom('kill')
    for (let life = 0; life < 24; life++) {
      const confirmed = await runAndKill(folder, 1 + random.below(60))
      await using log = await plugin.open({ path: folder }, nodeEnvironment(), {})
      const snapshot = await log.latestSnapshot()
      const from = snapshot?.at ?? 0
      if (snapshot !== undefined) assert.equal(Buffer.from(snapshot.state).toString(), String(snapshot.at))
      const entries = await entriesOf(log, from)
      const end = from + entries.length
      assert.ok(end >= confirmed && end <= confirmed + 6, `the log ends at ${end}, ${confirmed} were confirmed`)
      for (const [n, entry] of entries.entries()) sameBytes(entry, Buffer.alloc(3 + (from + n) * 997 % 20_000, String(from + n)), `entry ${from + n}`)
    }
    await rm(folder, { recursive: true })
  })
})
