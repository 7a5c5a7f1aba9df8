import { entriesOf, rejectsWith } from '@streambed/conformance'
import { StreambedError, crc32c, type MetadataLog, type MetadataRepair } from '@streambed/sdk'
import { SeededRandom, SimulatedFileSystem, VirtualClock, testEnvironment } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import plugin from '../src/index.ts'

const folder = '/metadata'
const logFile = `${folder}/log-0000000000000000`

interface Bench { readonly files: SimulatedFileSystem, readonly open: () => Promise<MetadataLog>, readonly repair: () => Promise<MetadataRepair> }

function bench (seed: string): Bench {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const files = new SimulatedFileSystem({ clock, random: random.fork('files') })
  const environment = testEnvironment({ clock, random, fileSystem: files })
  return { files, open: () => plugin.open({ path: folder }, environment, {}), repair: () => plugin.repair!({ path: folder }, environment, {}) }
}

async function textsOf (log: MetadataLog, from: number): Promise<string[]> { return (await entriesOf(log, from)).map(entry => Buffer.from(entry).toString()) }

/** Ten entries of one digit, in frames of 29 bytes. */
async function tenEntries ({ open }: Bench, snapshotAt?: number): Promise<void> {
  const log = await open()
  for (let n = 0; n < 10; n++) await log.append(n, [Buffer.from(String(n))])
  if (snapshotAt !== undefined) await log.writeSnapshot(snapshotAt, Buffer.from(`state ${snapshotAt}`))
  await log.close()
}

async function namesIn ({ files }: Bench): Promise<string[]> { return (await files.list(folder)).map(({ name }) => name).sort() }

describe('metadata-file: repair', () => {
  it('of a log that is not there makes nothing', async () => {
    const own = bench('none')
    assert.deepEqual(await own.repair(), { end: 0, setAside: [], lostFrom: undefined })
    await assert.rejects(own.files.list(folder))
  })

  it('is LOCKED while the log is open', async () => {
    const own = bench('locked')
    await using _ = await own.open()
    await rejectsWith(own.repair(), 'LOCKED')
  })

  it('refuses a newer format, and changes nothing', async () => {
    const own = bench('newer')
    await tenEntries(own)
    const header = (await own.files.readFile(logFile)).slice(0, 32)
    new DataView(header.buffer).setUint16(4, 9)
    new DataView(header.buffer).setUint32(28, crc32c(header.subarray(0, 28)))
    const handle = await own.files.open(logFile, 'update')
    await handle.write([header], 0)
    await handle.close()
    const names = await namesIn(own)
    await rejectsWith(own.repair(), 'UNSUPPORTED')
    assert.deepEqual(await namesIn(own), names)
  })

  const cases: readonly { readonly name: string, readonly snapshotAt?: number, readonly damage: (own: Bench) => Promise<void> | void, readonly end: number, readonly lostFrom: number | undefined, readonly aside: readonly string[], readonly from: number }[] = [
    { name: 'a frame in the middle', damage: ({ files }) => { files.corrupt(logFile, 32 + 4 * 29 + 28, byte => byte ^ 1) }, end: 4, lostFrom: 4, aside: ['damaged-log-0000000000000000', 'damaged-closed'], from: 0 },
    { name: 'the header', damage: ({ files }) => { files.corrupt(logFile, 9, byte => byte ^ 1) }, end: 0, lostFrom: 0, aside: ['damaged-log-0000000000000000', 'damaged-closed'], from: 0 },
    { name: 'the header, with a snapshot', snapshotAt: 7, damage: ({ files }) => { files.corrupt(logFile, 9, byte => byte ^ 1) }, end: 7, lostFrom: 7, aside: ['damaged-log-0000000000000000', 'damaged-closed'], from: 7 },
    { name: 'a frame before the snapshot', snapshotAt: 7, damage: ({ files }) => { files.corrupt(logFile, 32 + 4 * 29 + 28, byte => byte ^ 1) }, end: 7, lostFrom: 7, aside: ['damaged-log-0000000000000000', 'damaged-closed'], from: 7 },
    { name: 'the snapshot', snapshotAt: 7, damage: ({ files }) => { files.corrupt(`${folder}/snapshot-0000000000000007`, 41, byte => byte ^ 1) }, end: 10, lostFrom: undefined, aside: ['damaged-snapshot-0000000000000007'], from: 0 },
    { name: 'the only file, gone', damage: async ({ files }) => { await files.remove(logFile); await files.syncDirectory(folder) }, end: 0, lostFrom: 0, aside: ['damaged-closed'], from: 0 },
    { name: 'what `closed` says', damage: ({ files }) => { files.corrupt(`${folder}/closed`, 9, byte => byte ^ 1) }, end: 10, lostFrom: undefined, aside: ['damaged-closed'], from: 0 }
  ]
  for (const { aside, damage, end, from, lostFrom, name, snapshotAt } of cases) {
    it(`of ${name} keeps the longest readable beginning, and goes on from there`, async () => {
      const own = bench(name)
      await tenEntries(own, snapshotAt)
      await damage(own)
      assert.deepEqual(await own.repair(), { end, setAside: aside, lostFrom })
      assert.deepEqual(await own.repair(), { end, setAside: [], lostFrom: undefined })
      const log = await own.open()
      assert.equal((await log.latestSnapshot())?.at, name === 'the snapshot' ? undefined : snapshotAt)
      await log.append(end, [Buffer.from('new')])
      await log.close()
      assert.deepEqual(await textsOf(await own.open(), from), [...Array.from({ length: end - from }, (_, n) => String(from + n)), 'new'])
      for (const each of aside) assert.ok((await namesIn(own)).includes(each), each)
    })
  }

  it('stopped by a crash at any operation, once or more, the log is refused as before or opens as repaired, and nothing is without a name', async () => {
    for (const { damage, end, from, name, snapshotAt } of cases) {
      for (let operation = 0; operation < 40; operation++) {
        for (const how of ['crash', 'kill'] as const) {
          const own = bench(`${name}-${operation}`)
          await tenEntries(own, snapshotAt)
          await damage(own)
          const before = new Map<string, Uint8Array>()
          for (const each of await namesIn(own)) before.set(each, (await own.files.readFile(`${folder}/${each}`)).slice())
          let lostFrom: number | undefined
          for (let attempt = 0; attempt < 2; attempt++) {
            const at = own.files.operationCount + operation
            own.files.plan = () => own.files.operationCount >= at ? (own.files.plan = undefined, how) : undefined
            try { lostFrom = (await own.repair()).lostFrom } catch (error) { if (!StreambedError.is(error, 'UNAVAILABLE')) throw error }
            own.files.plan = undefined
            own.files.crash()
          }
          const last = await own.repair()
          assert.equal(last.end, end, `${name}, ${how} at ${operation}`)
          // Whoever hears of the last step hears of the loss.
          if (last.setAside.length > 0 && last.lostFrom !== undefined) lostFrom = last.lostFrom
          assert.ok(lostFrom === undefined || lostFrom === end)
          const left = await Promise.all((await namesIn(own)).map(async each => await own.files.readFile(`${folder}/${each}`)))
          for (const [each, bytes] of before) if (each !== 'lock') assert.ok(left.some(found => Buffer.compare(found, bytes) === 0), `${name}, ${how} at ${operation}: ${each} is gone`)
          const log = await own.open()
          assert.deepEqual(await textsOf(log, from), Array.from({ length: end - from }, (_, n) => String(from + n)))
          await log.close()
        }
      }
    }
  })
})
