import assert from 'node:assert/strict'
import type { Wal } from '@streambed/sdk'
import type { SimulatedFileSystem } from '@streambed/sdk/testing'
import { damagesOf, RotTable, verdictOf, type Stop } from '../../../tools/rot.ts'
import { idOf, KiB, openSmall, path, recordOf, simulated, type Simulated } from './support.ts'

/** What the folder held, and which records must come back. */
interface Stopped { readonly files: ReadonlyMap<string, Uint8Array>, readonly acknowledged: readonly number[] }

const names = ['epoch', 'ring-1.wal']
const deviceBytes = 520 * KiB

async function copyOf (files: SimulatedFileSystem): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const name of names) found.set(name, (await files.readFile(`${path}/${name}`)).slice())
  return found
}

/** A log that has gone round its ring, with a write in flight when it is killed. Resolves with what must come back; `atHalf` is told what must then. */
async function work ({ environment, files }: Simulated, stop: Stop, laps: number, capacity: number, atHalf: (acknowledged: readonly number[]) => Promise<void>): Promise<readonly number[]> {
  const wal = await openSmall(environment, 1, capacity)
  let acknowledged: number[] = []
  const positions: number[] = []
  const append = async (id: number): Promise<void> => {
    positions[id] = await wal.append([recordOf(id, 3000 + id * 311 % 4000)])
    acknowledged.push(id)
  }
  let id = 1
  for (; id < 12 * laps; id++) {
    await append(id)
    if (acknowledged.length < 8) continue
    await wal.trim(positions[acknowledged[3]!]!)
    acknowledged = acknowledged.slice(4)
  }
  await atHalf([...acknowledged])
  for (const end = id + 5; id < end; id++) await append(id)
  if (stop === 'clean') await wal.close()
  else {
    files.plan = operation => operation === 'write' ? { kind: 'fail', code: 'UNAVAILABLE' } : undefined
    await assert.rejects(wal.append([recordOf(id, 9000)]))
    files.plan = undefined
    files.crash()
  }
  return acknowledged
}

/** In a folder: its files, and as they were before. */
async function stopped (stop: Stop, laps: number): Promise<{ readonly now: Stopped, readonly before: Stopped }> {
  const simulation = simulated(`rot-${stop}`)
  let before: Stopped = { files: new Map(), acknowledged: [] }
  const acknowledged = await work(simulation, stop, laps, 136 * KiB, async so => { before = { files: await copyOf(simulation.files), acknowledged: so } })
  return { now: { files: await copyOf(simulation.files), acknowledged }, before }
}

/** A device that holds `bytes`, or nothing. */
async function deviceOf (bytes?: Uint8Array): Promise<Simulated> {
  const simulation = simulated('device')
  simulation.files.addBlockDevice(path, deviceBytes)
  if (bytes === undefined) return simulation
  const handle = await simulation.files.open(path, 'update', { synchronous: true })
  await handle.write([bytes], 0)
  await handle.close()
  return simulation
}

async function filesOf (content: ReadonlyMap<string, Uint8Array>): Promise<ReturnType<typeof simulated>> {
  const simulation = simulated('restored')
  await simulation.files.makeDirectory(path)
  for (const [name, bytes] of content) await put(simulation.files, name, bytes)
  return simulation
}

async function put (files: SimulatedFileSystem, name: string, bytes: Uint8Array): Promise<void> {
  const handle = await files.open(`${path}/${name}`, 'create', { synchronous: true })
  await handle.truncate(0)
  await handle.write([bytes], 0)
  await handle.close()
}

async function idsOf (wal: Wal): Promise<number[]> {
  const ids: number[] = []
  for await (const { data } of wal.recover()) ids.push(idOf(data))
  return ids
}

describe('rot of a folder on a disk', () => {
  it('is refused by name, harmless, or listed in docs/rot.md', async () => {
    const table = new RotTable()
    for (const [laps, ring] of [[1, 'ring, first lap'], [4, 'ring, later laps']] as const) {
      for (const stop of ['clean', 'killed'] as const) {
        const { now, before } = await stopped(stop, laps)
        const undamaged = await openSmall((await filesOf(now.files)).environment, 2, 136 * KiB)
        assert.deepEqual((await idsOf(undamaged)).slice(0, now.acknowledged.length), now.acknowledged)
        await undamaged.close()
        for (const name of names) {
          for (const { damage, where, bytes } of damagesOf(now.files.get(name)!, before.files.get(name))) {
            const content = new Map(now.files)
            if (bytes === undefined) content.delete(name)
            else content.set(name, bytes)
            const { environment, files } = await filesOf(content)
            const isWhole = async (writerEpoch: number): Promise<boolean> => {
              await using wal = await openSmall(environment, writerEpoch, 136 * KiB)
              const ids = await idsOf(wal)
              return now.acknowledged.every(id => ids.includes(id))
            }
            const verdict = await verdictOf(() => isWhole(2), path)
            if (verdict === 'refused') {
              const what = `${name} ${damage} ${where}`
              if (bytes !== undefined && name !== 'epoch') assert.ok(Buffer.compare(await files.readFile(`${path}/${name}`), bytes) === 0, `${what}: the bytes stay`)
              await put(files, name, now.files.get(name)!)
              assert.ok(await isWhole(3), `${what}: put back, all is there`)
            }
            table.add(name === 'epoch' ? 'epoch record' : ring, damage, stop, verdict)
          }
        }
      }
    }
    for (const stop of ['clean', 'killed'] as const) {
      const device = await deviceOf()
      let older: Uint8Array | undefined
      const acknowledged = await work(device, stop, 8, deviceBytes, async () => { older = (await device.files.readFile(path)).slice() })
      for (const { damage, bytes } of damagesOf((await device.files.readFile(path)).slice(), older, 2048)) {
        // A device does not change its size.
        if (damage === 'shortened' || damage === 'deleted') continue
        const { environment } = await deviceOf(bytes)
        table.add('block device', damage, stop, await verdictOf(async () => {
          await using wal = await openSmall(environment, 2, deviceBytes)
          const ids = await idsOf(wal)
          return acknowledged.every(id => ids.includes(id))
        }, path))
      }
    }
    table.check('wal-regional-disk')
  })
})
