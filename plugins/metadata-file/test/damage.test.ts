import { entriesOf, rejectsWith } from '@streambed/conformance'
import { crc32c } from '@streambed/sdk'
import type { MetadataLog } from '@streambed/sdk'
import { testEnvironment } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { encodeFrame } from '../src/frame.ts'
import plugin from '../src/index.ts'

const open = (folder: string): Promise<MetadataLog> => plugin.open({ path: folder }, testEnvironment(), {})
const logFile = 'log-0000000000000000'
const texts = ['first', 'second', 'third']
const headerBytes = 32
const frameBytes = 24 + 4
const closedMarkBytes = 24

describe('metadata-file: damage', () => {
  let folder: string
  let whole: Buffer
  /** Where the group of each text ends, in a file that was cleanly closed. */
  const ends = texts.map((_, n) => headerBytes + texts.slice(0, n + 1).reduce((sum, text) => sum + frameBytes + text.length, 0))

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'streambed-ml-'))
    const log = await open(folder)
    for (const [position, text] of texts.entries()) await log.append(position, [Buffer.from(text)])
    await log.close()
    whole = await readFile(path.join(folder, logFile))
    assert.equal(whole.length, ends.at(-1)! + closedMarkBytes)
  })
  after(() => rm(folder, { recursive: true }))

  /** As after a kill: nothing says how far the log had reached. */
  async function openWith (bytes: Uint8Array): Promise<string[]> {
    await rm(path.join(folder, 'closed'), { force: true })
    await writeFile(path.join(folder, logFile), bytes)
    await using log = await open(folder)
    return (await entriesOf(log, 0)).map(entry => Buffer.from(entry).toString())
  }

  it('a file torn at any byte opens with the groups that are whole, and takes new ones', async () => {
    for (let size = headerBytes; size <= whole.length; size++) {
      const expected = texts.slice(0, ends.filter(end => end <= size).length)
      assert.deepEqual(await openWith(whole.subarray(0, size)), expected, `torn at ${size}`)
      await rm(path.join(folder, 'closed'), { force: true })
      await using log = await open(folder)
      await log.append(expected.length, [Buffer.from('new')])
      assert.deepEqual((await entriesOf(log, 0)).map(entry => Buffer.from(entry).toString()), [...expected, 'new'])
    }
    for (let size = 0; size < headerBytes; size++) assert.deepEqual(await openWith(whole.subarray(0, size)), [], `header torn at ${size}`)
  })

  it('what a write that never ended can have left behind the last group is cut, and nothing else', async () => {
    const next = encodeFrame(3, [Buffer.alloc(3000, 7)], crc32c)
    const at = whole.length
    for (const tail of [new Uint8Array(5000), next.subarray(0, 10), next.subarray(0, 2000)]) assert.deepEqual(await openWith(Buffer.concat([whole, tail])), texts)
    for (let sectors = 0; sectors < 64; sectors++) {
      // Of the first six sectors that the write touches, these were written.
      const bytes = Buffer.concat([whole, next])
      for (let sector = 0; sector < 6; sector++) if ((sectors >> sector & 1) === 0) bytes.fill(0, Math.max(at, sector * 512), (sector + 1) * 512)
      assert.deepEqual((await openWith(bytes)).slice(0, 3), texts, `sectors ${sectors.toString(2)}`)
    }
    for (const tail of [Buffer.from('some text'), Buffer.alloc(100, 0xff), Buffer.concat([next.subarray(0, 100), Buffer.alloc(9000)])]) {
      const bytes = Buffer.concat([whole, tail])
      const isTorn = tail.length > 9000
      if (isTorn) assert.match((await rejectsWith(openWith(bytes), 'CORRUPT')).message, /goes on behind.*readableBefore=3/)
      else assert.match((await rejectsWith(openWith(bytes), 'CORRUPT')).message, /neither blank.*readableBefore=3/)
      assert.deepEqual(await readFile(path.join(folder, logFile)), bytes, 'the bytes stay')
    }
  })

  it('every bit that flips before the mark of a clean close is CORRUPT, with file and byte', async () => {
    for (let bit = 0; bit < ends.at(-1)! * 8; bit++) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const error = await rejectsWith(openWith(bytes), 'CORRUPT')
      assert.match(error.message, /log-0000000000000000/, `bit ${bit}`)
    }
  })

  it('without a clean close, every bit that flips is CORRUPT, in the last group too, with the last position that can be read', async () => {
    for (let bit = 0; bit < ends[2]! * 8; bit++) {
      const bytes = Buffer.from(whole.subarray(0, ends[2]))
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const error = await rejectsWith(openWith(bytes), 'CORRUPT')
      const readable = bit >> 3 < 32 ? 0 : ends.filter(end => end <= bit >> 3).length
      if (bit >> 3 < 8 || bit >> 3 > 16) assert.match(error.message, new RegExp(`readableBefore=${readable}$`), `bit ${bit}`)
    }
  })

  it('after a clean close nothing that is cut off the end goes unnoticed', async () => {
    await writeFile(path.join(folder, logFile), whole)
    await rm(path.join(folder, 'closed'), { force: true })
    await (await open(folder)).close()
    const closed = await readFile(path.join(folder, logFile))
    for (let size = 0; size < ends[2]!; size++) {
      await writeFile(path.join(folder, logFile), whole.subarray(0, size))
      assert.match((await rejectsWith(open(folder), 'CORRUPT')).message, /readableBefore=[012]/)
      assert.equal((await readFile(path.join(folder, logFile))).length, size, 'the bytes stay')
    }
    await writeFile(path.join(folder, logFile), closed)
    const mark = await readFile(path.join(folder, 'closed'))
    for (let bit = 0; bit < mark.length * 8; bit++) {
      const bytes = Buffer.from(mark)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      await writeFile(path.join(folder, 'closed'), bytes)
      await rejectsWith(open(folder), 'CORRUPT')
    }
    await writeFile(path.join(folder, 'closed'), mark)
    await (await open(folder)).close()
  })

  it('rot while the log is open is found by read', async () => {
    await writeFile(path.join(folder, logFile), whole)
    await using log = await open(folder)
    const bytes = Buffer.from(whole)
    bytes[ends[1]! - 1]! ^= 1
    await writeFile(path.join(folder, logFile), bytes)
    await rejectsWith(log.read(1), 'CORRUPT')
    await writeFile(path.join(folder, logFile), whole)
  })

  it('a newer format is refused with both versions', async () => {
    const bytes = Buffer.from(whole)
    bytes.writeUInt16BE(7, 4)
    bytes.writeUInt32BE(crc32c(bytes.subarray(0, 28)), 28)
    const error = await rejectsWith(openWith(bytes), 'UNSUPPORTED')
    assert.match(error.message, /format 7.*reads 1/)
  })

  it('a damaged, foreign, newer or missing snapshot is not passed over', async () => {
    await writeFile(path.join(folder, logFile), whole)
    const log = await open(folder)
    await log.writeSnapshot(2, Buffer.from('state'))
    await log.close()
    const file = path.join(folder, 'snapshot-0000000000000002')
    const sound = await readFile(file)
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const bytes = Buffer.from(sound)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      await writeFile(file, bytes)
      await using damaged = await open(folder)
      await rejectsWith(damaged.latestSnapshot(), 'CORRUPT')
    }
    for (const size of [0, 39, 44]) {
      await writeFile(file, sound.subarray(0, size))
      await using torn = await open(folder)
      await rejectsWith(torn.latestSnapshot(), 'CORRUPT')
    }
    const newer = Buffer.from(sound)
    newer.writeUInt16BE(2, 4)
    newer.writeUInt32BE(crc32c(newer.subarray(0, 36)), 36)
    await writeFile(file, newer)
    {
      await using log2 = await open(folder)
      await rejectsWith(log2.latestSnapshot(), 'UNSUPPORTED')
    }
    await writeFile(file, sound)
    await unlink(path.join(folder, logFile))
    await rejectsWith(open(folder), 'CORRUPT')
    await writeFile(path.join(folder, logFile), whole.subarray(0, ends[0]))
    await rejectsWith(open(folder), 'CORRUPT')
    await unlink(file)
  })

  it('a missing file of the log is CORRUPT', async () => {
    const many = await mkdtemp(path.join(tmpdir(), 'streambed-ml-'))
    const log = await open(many)
    for (let n = 0; n < 4; n++) await log.append(n, [new Uint8Array(4 * 2 ** 20)])
    await log.close()
    for (const missing of [0, 2]) {
      const file = path.join(many, `log-${String(missing).padStart(16, '0')}`)
      const bytes = await readFile(file)
      await unlink(file)
      await rejectsWith(open(many), 'CORRUPT')
      await writeFile(file, bytes.subarray(0, 1000))
      await rejectsWith(open(many), 'CORRUPT')
      await writeFile(file, bytes)
    }
    await (await open(many)).close()
    await rm(many, { recursive: true })
  })
})
