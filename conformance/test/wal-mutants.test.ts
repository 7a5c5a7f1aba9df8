import { walConformance } from '@streambed/conformance'
import { StreambedError, type Wal, type WalCapabilities, type WalIdentity, type WalOpening, type WalWriter } from '@streambed/sdk'
import { MemoryWal, MemoryWalMedium, memoryWalCapabilities } from '@streambed/sdk/testing'
import assert from 'node:assert/strict'
import { broken, failuresOf, pause } from './mutating.ts'

interface Mutant {
  readonly defect: string
  /** The check that must name it. */
  readonly caughtBy: string
  readonly break?: (wal: Wal, medium: MemoryWalMedium, writer: WalWriter) => Partial<Wal>
  /** What the defect makes of who opens. */
  readonly opens?: (writer: WalWriter, medium: MemoryWalMedium, opening: WalOpening | undefined) => WalWriter
  /** What the defect makes of how it is opened. */
  readonly openedAs?: (opening: WalOpening | undefined, medium: MemoryWalMedium) => WalOpening | undefined
  /** What the defect makes of what the log says of itself. */
  readonly tells?: (identity: WalIdentity, medium: MemoryWalMedium, writer: WalWriter) => WalIdentity | undefined
  readonly declares?: Partial<WalCapabilities>
}

const mutants: readonly Mutant[] = [
  { defect: 'stores the first piece of a record', caughtBy: 'W-C01', break: wal => ({ append: chunks => wal.append(chunks.slice(0, 1)) }) },
  { defect: 'takes records larger than it says', caughtBy: 'W-C02', break: wal => ({ usage: () => ({ ...wal.usage(), recordBytesMax: wal.usage().recordBytesMax - 1 }) }) },
  { defect: 'counts positions anew when opened', caughtBy: 'W-C03', break: wal => { let next = 0; return { append: async chunks => { await wal.append(chunks); return next++ } } } },
  { defect: 'confirms as each write ends', caughtBy: 'W-C04', break: wal => { let count = 0; return { append: async chunks => { const isSlow = count++ % 3 === 0; const position = await wal.append(chunks); if (isSlow) await pause(); return position } } } },
  { defect: 'keeps the record that it is to trim', caughtBy: 'W-C07', break: wal => ({ trim: position => wal.trim(position - 1) }) },
  { defect: 'trims what is not there', caughtBy: 'W-C08', break: wal => ({ trim: position => wal.trim(position).catch(() => undefined) }) },
  { defect: 'overwrites the oldest when full', caughtBy: 'W-C10', break: (wal, medium) => ({ append: async chunks => {
    const size = chunks.reduce((sum, { length }) => sum + length, 32)
    while (medium.usedBytes + size > medium.capacityBytes && medium.records.length > 0) medium.usedBytes -= medium.records.shift()!.data.length + 32
    return await wal.append(chunks)
  } }) },
  { defect: 'damages records once it has gone round', caughtBy: 'W-C11', break: (wal, medium) => ({ append: async chunks => {
    const position = await wal.append(chunks)
    if (position > medium.capacityBytes) medium.records.at(-1)!.data[0]! ^= 1
    return position
  } }) },
  { defect: 'takes appends after close', caughtBy: 'W-C13', break: () => ({ close: async () => {} }) },
  { defect: "keeps the caller's buffer", caughtBy: 'W-C14', break: (wal, medium) => ({ append: async chunks => { const position = await wal.append(chunks); medium.records.splice(-1, 1, { position, data: chunks[0]! }); return position } }) },
  { defect: 'recovers a record that nobody appended', caughtBy: 'W-R01', break: (wal, medium) => ({ recover: async function * () { if (medium.records.length === 0) yield { position: 0, data: new Uint8Array(1) }; yield * wal.recover() } }) },
  { defect: 'recovers the first records alone', caughtBy: 'W-R02', break: wal => ({ recover: async function * () { let count = 0; for await (const record of wal.recover()) if (count++ < 30) yield record } }) },
  { defect: 'forgets what it has recovered', caughtBy: 'W-R08', break: (wal, medium) => ({ recover: async function * () { for await (const record of wal.recover()) { medium.records.shift(); yield record } } }) },
  { defect: 'shows one cluster the records of another', caughtBy: 'W-R12', opens: (writer, medium) => { medium.owner = undefined; return writer } },
  { defect: 'trims only what it appended itself', caughtBy: 'W-R13', break: (wal, medium) => { const recovered = medium.lastPosition; return { trim: async position => { if (position > recovered) await wal.trim(position) } } } },
  { defect: 'lets an older writer append', caughtBy: 'W-N01', break: (wal, medium, { writerEpoch }) => ({ append: async chunks => {
    const highest = medium.highestEpoch
    medium.highestEpoch = writerEpoch
    try { return await wal.append(chunks) } finally { medium.highestEpoch = highest }
  } }) },
  { defect: 'loses the last record on a takeover', caughtBy: 'W-N02', opens: (writer, medium) => { if (writer.writerEpoch > 1) medium.records.pop(); return writer } },
  { defect: 'lets several open with one epoch', caughtBy: 'W-N05', opens: (writer, medium) => ({ ...writer, writerEpoch: Math.max(writer.writerEpoch, medium.highestEpoch + 1) }) },
  { defect: 'lets a lower epoch in', caughtBy: 'W-N06', opens: (writer, medium) => { medium.highestEpoch = Math.min(medium.highestEpoch, writer.writerEpoch - 1); return writer } },
  { defect: 'declares a lock and has none', caughtBy: 'W-N11', declares: { fencing: 'lock' } },
  { defect: 'mints an identity at each opening', caughtBy: 'W-I01', tells: (identity, _, { writerEpoch }) => ({ ...identity, id: `${identity.id}-${writerEpoch}` }) },
  { defect: 'gives all logs one identity', caughtBy: 'W-I01', tells: identity => ({ ...identity, id: 'wal' }) },
  { defect: 'declares an identity and tells none', caughtBy: 'W-I01', tells: () => undefined },
  { defect: 'makes a log whatever the mode', caughtBy: 'W-I02', openedAs: () => undefined },
  { defect: 'makes a log in a takeover', caughtBy: 'W-I02', openedAs: opening => opening?.mode === 'takeover' ? { mode: 'create' } : opening },
  { defect: 'leaves a claim where it refuses to make a log', caughtBy: 'W-I02', opens: (writer, medium) => { medium.highestEpoch = Math.max(medium.highestEpoch, writer.writerEpoch - 1); return writer } },
  { defect: 'leaves a half-made log where it refuses to make one', caughtBy: 'W-I02', opens: (writer, medium, opening) => { if (opening?.mode === 'own') medium.owner ??= writer; return writer } },
  { defect: 'does not look which log it opens', caughtBy: 'W-I03', openedAs: opening => opening === undefined ? undefined : { mode: opening.mode } },
  { defect: 'fences the log that it refuses', caughtBy: 'W-I03', opens: (writer, medium, opening) => { if (opening?.mode === 'takeover' && opening.expectedId !== medium.id) medium.highestEpoch = Math.max(medium.highestEpoch, writer.writerEpoch); return writer } },
  { defect: 'makes a new log of the one that is there', caughtBy: 'W-I04', opens: (writer, medium, opening) => { if (opening?.mode === 'create' && medium.id !== undefined) { medium.id = 'again'; medium.records.length = 0 } return writer } },
  { defect: 'refuses with create the log that is there', caughtBy: 'W-I04', openedAs: (opening, medium) => opening?.mode === 'create' && medium.id !== undefined ? { mode: 'own', expectedId: 'none' } : opening },
  { defect: 'tells its own epoch for that of the writer before', caughtBy: 'W-I05', tells: (identity, _, { writerEpoch }) => ({ ...identity, writerEpoch }) },
  { defect: 'tells of the first record for the last', caughtBy: 'W-I05', tells: (identity, { records }) => ({ ...identity, last: records[0]?.position ?? identity.last }) },
  { defect: 'forgets where it ended once all is trimmed', caughtBy: 'W-I05', tells: (identity, { records }) => ({ ...identity, last: records.at(-1)?.position ?? -1 }) },
  { defect: 'calls trimmed what is not', caughtBy: 'W-I05', tells: identity => ({ ...identity, trimmed: identity.last }) },
  { defect: 'calls nothing trimmed', caughtBy: 'W-I05', tells: identity => ({ ...identity, trimmed: -1 }) },
  { defect: 'opens the log of another node as its own', caughtBy: 'W-I06', opens: (writer, medium, opening) => { if (opening !== undefined && medium.owner !== undefined) medium.owner = writer; return writer } },
  { defect: 'fences the log of another node before it refuses it', caughtBy: 'W-I06', opens: (writer, medium) => { if (medium.owner !== undefined && medium.owner.nodeId !== writer.nodeId) medium.highestEpoch = Math.max(medium.highestEpoch, writer.writerEpoch); return writer } },
  { defect: 'gives each of several creators an identity of its own', caughtBy: 'W-I09', tells: (identity, _, { writerEpoch }) => ({ ...identity, id: `${identity.id}-${writerEpoch}` }) },
  { defect: 'tells an identity that it does not declare', caughtBy: 'W-I07', declares: { identity: false } }
]

describe('the WAL suite catches broken plugins', () => {
  const failures = (only: string | undefined, { break: defects = () => ({}), declares = {}, openedAs = opening => opening, opens = writer => writer, tells = identity => identity }: Partial<Mutant>): Promise<string[]> => failuresOf(only, runner => {
    walConformance(runner, {
      name: 'mutant',
      capabilities: { ...memoryWalCapabilities, ...declares },
      prepare: async () => {
        const medium = new MemoryWalMedium({ capacityBytes: 4 * 2 ** 20 })
        return {
          open: async (writer, opening) => {
            const wal = await MemoryWal.open(medium, opens(writer, medium, opening), openedAs(opening, medium))
            const identity = tells(wal.identity, medium, writer)
            return broken<Wal>(wal, { ...identity === undefined ? {} : { identity }, ...defects(wal, medium, writer) })
          },
          cleanUp: async () => {}
        }
      }
    })
  })

  it('and nothing else', async () => { assert.deepEqual(await failures(undefined, {}), []) })

  for (const mutant of mutants) {
    it(`one that ${mutant.defect}, by ${mutant.caughtBy}`, async () => {
      assert.deepEqual(await failures(mutant.caughtBy, mutant), [mutant.caughtBy])
    })
  }

  it('has a mutant for each of its checks', async () => {
    const ids = new Set<string>()
    for (const declared of [{ fencing: 'lock' }, { fencing: 'epochFile' }, { identity: false }] as const) {
      walConformance({ describe: (_, body) => { body() }, it: name => { ids.add(name.split(' ')[0]!) } },
        { name: '', capabilities: { ...memoryWalCapabilities, ...declared }, prepare: () => Promise.reject(new StreambedError('CLOSED', 'not run')) })
    }
    assert.deepEqual([...ids].sort(), [...new Set(mutants.map(({ caughtBy }) => caughtBy))].sort())
  })
})
