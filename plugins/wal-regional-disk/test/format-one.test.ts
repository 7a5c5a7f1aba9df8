import assert from 'node:assert/strict'
import { crc32c, type Wal } from '@streambed/sdk'
import type { SimulatedFileSystem } from '@streambed/sdk/testing'
import { idOf, openSmall, path, recordOf, simulated } from './support.ts'

const ring = `${path}/ring-1.wal`
const headerBytes = 8192
const crcAt = 508

async function write (files: SimulatedFileSystem, bytes: Uint8Array, at: number): Promise<void> {
  const handle = await files.open(ring, 'update', { synchronous: true })
  await handle.write([bytes], at)
  await handle.close()
}

/** A batch of one record as format 1 has it: header, length and record back to back, without stamps. */
function batchOfOne (salt: Uint8Array, position: number, record: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(Math.ceil((68 + record.length) / 4096) * 4096)
  bytes.write('53425742' + '0100' + '4000', 'hex') // magic, version, header bytes
  bytes.set(salt, 8)
  bytes.writeUInt32LE(position, 16)
  bytes.writeUInt32LE(1, 24) // writer epoch
  bytes.writeUInt32LE(1, 40) // records
  bytes.writeUInt32LE(record.length, 44)
  bytes.writeUInt32LE(record.length, 64)
  bytes.set(record, 68)
  bytes.writeUInt32LE(crc32c(bytes.subarray(64, 68 + record.length)), 48)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 60)), 60)
  return bytes
}

/** A ring of format 1 with three batches, as a killed program of then left it. */
async function ringOfFormatOne (): Promise<ReturnType<typeof simulated> & { readonly end: number }> {
  const simulation = simulated('format-one')
  const { environment, files } = simulation
  const wal = await openSmall(environment, 1)
  await wal.close()
  const slot = (await files.readFile(ring)).slice(0, 512)
  assert.equal(slot[8], 3)
  slot[8] = 1
  new DataView(slot.buffer).setUint32(crcAt, crc32c(slot.subarray(0, crcAt)), true)
  await write(files, slot, 0)
  let position = 0
  for (let id = 0; id < 3; id++) {
    const batch = batchOfOne(slot.subarray(24, 32), position, recordOf(id, 3000 * (id + 1)))
    await write(files, batch, headerBytes + position)
    position += batch.length
  }
  return { ...simulation, end: position }
}

async function idsOf (wal: Wal): Promise<number[]> {
  const ids: number[] = []
  for await (const { data } of wal.recover()) ids.push(idOf(data))
  return ids
}

describe('a ring of format 1', () => {
  it('is read, and goes on with stamps once its header says so', async () => {
    const { environment, files, end } = await ringOfFormatOne()
    const wal = await openSmall(environment, 2)
    assert.deepEqual(await idsOf(wal), [0, 1, 2])
    await wal.append([recordOf(3, 5000)])
    const bytes = await files.readFile(ring)
    assert.ok(bytes[8] === 3 || bytes[4096 + 8] === 3, 'the header says so')
    assert.equal(bytes[headerBytes + end + 4], 2, 'the batch has version 2')
    files.kill()
    const again = await openSmall(environment, 3)
    assert.deepEqual(await idsOf(again), [0, 1, 2, 3])
    await again.close()
  })

  it('has its header written before the first batch with stamps, whatever fails', async () => {
    for (let write = 0; write < 3; write++) {
      const { environment, files, end } = await ringOfFormatOne()
      const wal = await openSmall(environment, 2)
      let writes = 0
      files.plan = operation => operation === 'write' && writes++ === write ? 'kill' : undefined
      await wal.append([recordOf(3, 5000)]).catch(() => {})
      files.plan = undefined
      files.kill()
      const bytes = await files.readFile(ring)
      if (bytes[headerBytes + end + 4] === 2) assert.ok(bytes[8] === 3 || bytes[4096 + 8] === 3, `killed at write ${write}`)
    }
  })

  it('ends, as ever, before a last batch that is damaged after a kill: it has no stamps that tell', async () => {
    const { environment, files, end } = await ringOfFormatOne()
    files.corrupt(ring, headerBytes + end - 5000, byte => byte ^ 1)
    assert.deepEqual(await idsOf(await openSmall(environment, 2)), [0, 1])
  })
})
