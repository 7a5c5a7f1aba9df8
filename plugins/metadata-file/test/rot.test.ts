import { entriesOf } from '@streambed/conformance'
import type { Environment } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { damagesOf, RotTable, verdictOf, type Stop, type Verdict } from '../../../tools/rot.ts'
import plugin from '../src/index.ts'
import { segmentBytes } from '../src/metadata-log.ts'

type Files = ReadonlyMap<string, Uint8Array>

const folder = '/metadata'
const options = { path: folder }

function simulated (seed: string): { readonly files: SimulatedFileSystem, readonly environment: Environment } {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const files = new SimulatedFileSystem({ clock, random: random.fork('files') })
  return { files, environment: testEnvironment({ clock, random, fileSystem: files }) }
}

async function copyOf (files: SimulatedFileSystem): Promise<Files> {
  const found = new Map<string, Uint8Array>()
  for (const { name } of await files.list(folder)) if (name !== 'lock') found.set(name, (await files.readFile(`${folder}/${name}`)).slice())
  return found
}

function entry (position: number, size = 300 + position * 131 % 900): Uint8Array { return new Uint8Array(size).fill(1 + position % 250) }

/** A log that was closed once before, of one file or two, with a snapshot or without; a write is in flight when it is killed. */
async function stopped (stop: Stop, { isLong, hasSnapshot }: { readonly isLong: boolean, readonly hasSnapshot: boolean }): Promise<{ readonly now: Files, readonly before: Files, readonly acknowledged: number }> {
  const { environment, files } = simulated(`rot-${stop}`)
  await (await plugin.open(options, environment, {})).close()
  const log = await plugin.open(options, environment, {})
  let end = 0
  const append = async (size?: number): Promise<void> => { await log.append(end, [entry(end, size)]); end++ }
  for (; end < 3;) await append()
  if (isLong) await append(segmentBytes)
  for (const until = end + 4; end < until;) await append()
  if (hasSnapshot) await log.writeSnapshot(5, entry(5, 2000))
  const before = await copyOf(files)
  for (const until = end + 4; end < until;) await append()
  if (hasSnapshot) await log.writeSnapshot(9, entry(9, 2000))
  if (stop === 'clean') await log.close()
  else {
    files.plan = operation => operation === 'datasync' ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
    await assert.rejects(append(3000))
    files.plan = undefined
    files.crash()
  }
  return { now: await copyOf(files), before, acknowledged: end }
}

async function filesOf (content: Files): Promise<ReturnType<typeof simulated>> {
  const simulation = simulated('restored')
  await simulation.files.makeDirectory(folder)
  for (const [name, bytes] of content) {
    const handle = await simulation.files.open(`${folder}/${name}`, 'create', { synchronous: true })
    await handle.write([bytes], 0)
    await handle.close()
  }
  return simulation
}

/** Whether all that was acknowledged can be read, as it was written: from the snapshot on, or from the start. */
async function isWhole (environment: Environment, acknowledged: number): Promise<boolean> {
  await using log = await plugin.open(options, environment, {})
  const snapshot = await log.latestSnapshot()
  const entries = await entriesOf(log, snapshot?.at ?? 0)
  const from = snapshot?.at ?? 0
  for (const [n, found] of entries.entries()) if (from + n < acknowledged) assert.ok(Buffer.compare(found, entry(from + n, found.length)) === 0, 'an entry is other than it was written')
  return from + entries.length >= acknowledged
}

function partOf (name: string, last: string): string {
  if (name.startsWith('snapshot')) return 'snapshot'
  if (name === 'closed') return '`closed`'
  return name === last ? 'last log file' : 'earlier log file'
}

describe('metadata-file: rot', () => {
  it('is refused by name, harmless, or listed in docs/rot.md; and every refusal has a repair', async () => {
    const table = new RotTable()
    for (const shape of [{ isLong: false, hasSnapshot: false }, { isLong: false, hasSnapshot: true }, { isLong: true, hasSnapshot: false }]) {
      for (const stop of ['clean', 'killed'] as const) {
        const { now, before, acknowledged } = await stopped(stop, shape)
        assert.ok(await isWhole((await filesOf(now)).environment, acknowledged), 'undamaged')
        const last = [...now.keys()].filter(name => name.startsWith('log-')).sort().at(-1)!
        for (const name of [...now.keys()].sort()) {
          const bytes = now.get(name)!
          for (const damaged of damagesOf(bytes, before.get(name), shape.isLong ? bytes.length > 2 ** 20 ? 2 ** 21 : 2048 : 512)) {
            const content = new Map(now)
            if (damaged.bytes === undefined) content.delete(name)
            else content.set(name, damaged.bytes)
            table.add(partOf(name, last), damaged.damage, stop, await judge(content, name, acknowledged, `${name} ${damaged.damage} ${damaged.where}`))
          }
        }
      }
    }
    table.check('metadata-file')
  })
})

async function judge (content: Files, damaged: string, acknowledged: number, what: string): Promise<Verdict> {
  const { environment, files } = await filesOf(content)
  const verdict = await verdictOf(async () => await isWhole(environment, acknowledged), folder)
  if (verdict !== 'refused') return verdict
  const left = await copyOf(files)
  // What is wrong with a snapshot is found by who asks for it: the log has been open by then.
  for (const [name, bytes] of content) if (name === damaged || !damaged.startsWith('snapshot')) assert.ok(left.has(name) && Buffer.compare(left.get(name)!, bytes) === 0, `${what}: a refusal changes nothing`)
  const repair = await plugin.repair!(options, environment, {})
  assert.ok(repair.lostFrom === undefined || repair.lostFrom === repair.end, what)
  assert.ok(await isWhole(environment, repair.end), `${what}: all is readable up to ${repair.end}`)
  const kept = [...(await copyOf(files)).values()]
  for (const [name, bytes] of content) {
    // An untouched file of the log has got the mark of a clean close since.
    if (repair.setAside.includes(`damaged-${name}`)) assert.ok(kept.some(each => Buffer.compare(each, bytes) === 0), `${what}: ${name} is gone`)
  }
  if (repair.lostFrom === undefined) assert.ok(repair.end >= acknowledged, `${what}: lost without a word`)
  assert.deepEqual(await plugin.repair!(options, environment, {}), { end: repair.end, setAside: [], lostFrom: undefined }, what)
  return verdict
}
