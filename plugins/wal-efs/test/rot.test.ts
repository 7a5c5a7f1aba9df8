import assert from 'node:assert/strict'
import type { Wal } from '@streambed/sdk'
import type { SimulatedFileSystem } from '@streambed/sdk/testing'
import { damagesOf, RotTable, verdictOf, type Stop } from '../../../tools/rot.ts'
import { idOf, openSmall, path, recordOf, simulated, type Simulated } from './support.ts'

type Files = ReadonlyMap<string, Uint8Array>

async function copyOf (files: SimulatedFileSystem): Promise<Files> {
  const found = new Map<string, Uint8Array>()
  for (const folder of ['', '/epochs', '/segments']) {
    for (const { name, kind } of await files.list(path + folder)) {
      if (kind === 'file') found.set(`${path}${folder}/${name}`, (await files.readFile(`${path}${folder}/${name}`)).slice())
    }
  }
  return found
}

/** A log of several segments, with a write in flight when it is killed; and its files as they were before. */
async function stopped (stop: Stop): Promise<{ readonly now: Files, readonly before: Files, readonly acknowledged: readonly number[] }> {
  const { environment, files } = simulated(`rot-${stop}`)
  const wal = await openSmall(environment, 1)
  const acknowledged: number[] = []
  const append = async (id: number): Promise<number> => {
    const position = await wal.append([recordOf(id, 3000 + id * 311 % 4000)])
    acknowledged.push(id)
    return position
  }
  let id = 1
  const first = await append(id++)
  for (; id < 11; id++) await append(id)
  await wal.trim(first)
  acknowledged.shift()
  const before = await copyOf(files)
  for (; id < 16; id++) await append(id)
  if (stop === 'clean') await wal.close()
  else {
    files.plan = operation => operation === 'write' ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
    await assert.rejects(wal.append([recordOf(id, 9000)]))
    files.plan = undefined
    files.crash()
  }
  return { now: await copyOf(files), before, acknowledged }
}

async function filesOf (content: Files): Promise<ReturnType<typeof simulated>> {
  const simulation = simulated('restored')
  for (const folder of ['', '/epochs', '/segments']) await simulation.files.makeDirectory(path + folder)
  for (const [file, bytes] of content) await put(simulation.files, file, bytes)
  return simulation
}

async function put (files: SimulatedFileSystem, file: string, bytes: Uint8Array): Promise<void> {
  const handle = await files.open(file, 'create', { synchronous: true })
  await handle.truncate(0)
  await handle.write([bytes], 0)
  await handle.close()
}

async function idsOf (wal: Wal): Promise<number[]> {
  const ids: number[] = []
  for await (const { data } of wal.recover()) ids.push(idOf(data))
  return ids
}

function partOf (file: string, last: string): string {
  if (file.includes('/epochs/')) return 'epoch file'
  if (!file.includes('/segments/')) return 'owner file'
  return file === last ? 'last segment' : 'earlier segment'
}

describe('rot of a folder on a shared file system', () => {
  it('is refused by name, harmless, or listed in docs/rot.md', async () => {
    const table = new RotTable()
    for (const stop of ['clean', 'killed'] as const) {
      const { now, before, acknowledged } = await stopped(stop)
      const segments = [...now.keys()].filter(file => file.includes('/segments/')).sort()
      assert.ok(segments.length > 1)
      const isWhole = async ({ environment }: Pick<Simulated, 'environment'>, writerEpoch: number): Promise<boolean> => {
        await using wal = await openSmall(environment, writerEpoch)
        const ids = await idsOf(wal)
        return acknowledged.every(id => ids.includes(id))
      }
      assert.ok(await isWhole(await filesOf(now), 2), 'undamaged')
      for (const file of [...now.keys()].sort()) {
        for (const { damage, where, bytes } of damagesOf(now.get(file)!, before.get(file))) {
          const content = new Map(now)
          if (bytes === undefined) content.delete(file)
          else content.set(file, bytes)
          const simulation = await filesOf(content)
          const verdict = await verdictOf(() => isWhole(simulation, 2), path)
          if (verdict === 'refused') {
            const what = `${file} ${damage} ${where}`
            if (bytes !== undefined && file.includes('/segments/')) assert.ok(Buffer.compare(await simulation.files.readFile(file), bytes) === 0, `${what}: the bytes stay`)
            await put(simulation.files, file, now.get(file)!)
            assert.ok(await isWhole(simulation, 3), `${what}: put back, all is there`)
          }
          table.add(partOf(file, segments.at(-1)!), damage, stop, verdict)
        }
      }
    }
    table.check('wal-efs')
  })
})
