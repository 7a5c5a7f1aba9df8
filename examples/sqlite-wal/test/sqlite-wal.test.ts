import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { rejectsWith } from '@streambed/conformance'
import type { Wal } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { errorOf } from '../src/errors.ts'
import plugin from '../src/index.ts'
import { idOf, optionsOf, recordOf, recovered, temporaryFolder, writerOf, type Folder } from './support.ts'

describe('a log in SQLite', () => {
  let folder: Folder
  let database: DatabaseSync
  let wal: Wal
  const open = async (epoch: number): Promise<Wal> => await plugin.open(optionsOf(folder.path, { lockTimeout: 20 }), nodeEnvironment(), { writer: writerOf(epoch) })
  beforeEach(async () => {
    folder = await temporaryFolder()
    wal = await open(1)
    for (let id = 0; id < 5; id++) await wal.append([recordOf(id, 100)])
    // Somebody else's hand in the same file.
    database = new DatabaseSync(optionsOf(folder.path).path)
  })
  afterEach(async () => {
    database.close()
    await wal.close()
    await folder[Symbol.asyncDispose]()
  })

  it('appends of one turn share a transaction, and so a flush', async () => {
    const version = (): number => (database.prepare('PRAGMA data_version').get() as { readonly data_version: number }).data_version
    const before = version()
    await Promise.all(Array.from({ length: 50 }, (_, index) => wal.append([recordOf(index, 10)])))
    const afterMany = version()
    assert.notEqual(afterMany, before)
    const seen = new Set<number>()
    const appends = Array.from({ length: 50 }, (_, index) => wal.append([recordOf(index, 10)]))
    for (const append of appends) {
      await append
      seen.add((database.prepare('SELECT lastPosition FROM log').get() as { readonly lastPosition: number }).lastPosition)
    }
    assert.deepEqual([...seen], [105], 'none was confirmed before all were stored')
  })

  const damages = [
    { name: 'a changed byte', statement: "UPDATE records SET data = CAST(substr(data, 1, 99) || X'FF' AS BLOB) WHERE position = 3", readable: [0, 1] },
    { name: 'a record that is gone', statement: 'DELETE FROM records WHERE position = 3', readable: [0, 1] },
    { name: 'a last record that is gone', statement: 'DELETE FROM records WHERE position = 5', readable: [0, 1, 2, 3] }
  ]
  for (const { name, readable, statement } of damages) {
    it(`${name} is CORRUPT, after the records before it, and never skipped (W-5)`, async () => {
      database.exec(statement)
      const heir = await open(2)
      const ids: number[] = []
      const reading = (async () => { for await (const { data } of heir.recover()) ids.push(idOf(data)) })()
      await rejectsWith(reading, 'CORRUPT')
      assert.deepEqual(ids, readable)
      await heir.close()
    })
  }

  it('a takeover that commits between two batches lets none of the later ones in (W-7)', async () => {
    const appends = [wal.append([recordOf(5, 10)]), wal.append([recordOf(6, 10)])]
    database.exec('UPDATE log SET writerEpoch = 9')
    for (const append of appends) await rejectsWith(append, 'FENCED')
    await rejectsWith(wal.append([recordOf(7, 10)]), 'FENCED')
    await rejectsWith(wal.trim(1), 'FENCED')
    const heir = await open(10)
    assert.deepEqual((await recovered(heir)).map(({ data }) => idOf(data)), [0, 1, 2, 3, 4])
    await heir.close()
  })

  it('a rival that holds the database and does not go on makes the log say so, until it is opened again', async () => {
    database.exec('BEGIN IMMEDIATE')
    await assert.rejects(wal.append([recordOf(5, 10)]), { code: 'UNAVAILABLE', message: /Another process holds the database.*lockTimeout/ })
    await assert.rejects(open(2), { code: 'UNAVAILABLE', message: /wal\.db/ })
    database.exec('COMMIT')
    await rejectsWith(wal.append([recordOf(5, 10)]), 'UNAVAILABLE')
    const heir = await open(2)
    assert.equal((await recovered(heir)).length, 5)
    assert.equal(await heir.append([recordOf(5, 10)]), 6)
    await heir.close()
  })

  it('a batch that fails takes all that was appended after it along: no holes (W-3)', async () => {
    database.exec("CREATE TRIGGER refuse BEFORE INSERT ON records WHEN new.position = 7 BEGIN SELECT raise(ABORT, 'refused'); END")
    const large = recordOf(5, 9 * 2 ** 20)
    // The first is a batch of its own, for its size; the second fails; the third would have followed.
    const appends = [wal.append([large]), wal.append([recordOf(6, 10)])]
    assert.equal(await appends[0], 6)
    const third = wal.append([recordOf(7, 10)])
    await rejectsWith(appends[1]!, 'UNAVAILABLE')
    await rejectsWith(third, 'UNAVAILABLE')
    database.exec('DROP TRIGGER refuse')
    await rejectsWith(wal.append([recordOf(8, 10)]), 'UNAVAILABLE')
    const heir = await open(2)
    assert.deepEqual((await recovered(heir)).map(({ data }) => idOf(data)), [0, 1, 2, 3, 4, 5])
    await heir.close()
  })

  const verdicts = [
    { errcode: 13, isInDoubt: true, code: 'OUT_OF_SPACE' },
    { errcode: 10 | 4 << 8, isInDoubt: true, code: 'OUTCOME_UNKNOWN' }, // IOERR_FSYNC
    { errcode: 10, isInDoubt: false, code: 'UNAVAILABLE' },
    { errcode: 11, isInDoubt: true, code: 'CORRUPT' },
    { errcode: 14, isInDoubt: false, code: 'MISCONFIGURED' }
  ] as const
  for (const { code, errcode, isInDoubt } of verdicts) {
    it(`SQLite's ${errcode}${isInDoubt ? ' to a commit' : ''} is ${code}`, () => {
      assert.equal(errorOf('append', { errcode, message: 'm' }, { isInDoubt }).code, code)
    })
  }

  it('names a folder that is not there', async () => {
    await assert.rejects(plugin.open(optionsOf('/nowhere/at/all'), nodeEnvironment(), { writer: writerOf(1) }), { code: 'MISCONFIGURED', message: /folder of `path` must exist/ })
  })
})
