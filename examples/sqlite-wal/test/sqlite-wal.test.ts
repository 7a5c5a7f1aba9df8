import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { rejectsWith } from '@streambed/conformance'
import type { Wal, WalOpening } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { errorOf } from '../src/errors.ts'
import plugin from '../src/index.ts'
import { idOf, optionsOf, recordOf, recovered, temporaryFolder, writerOf, type Folder } from './support.ts'

describe('a database that is not the log it was', () => {
  let folder: Folder
  const open = async (epoch: number, opening: WalOpening): Promise<Wal> => await plugin.open(optionsOf(folder.path), nodeEnvironment(), { writer: writerOf(epoch), opening })
  beforeEach(async () => { folder = await temporaryFolder() })
  afterEach(async () => { await folder[Symbol.asyncDispose]() })

  it('is refused without a file being made where there is none', async () => {
    for (const mode of ['own', 'takeover'] as const) await assert.rejects(open(1, { mode }), { code: 'WRONG_MEDIUM', message: /wal\.db expectedId=any/ })
    assert.deepEqual(await readdir(folder.path), [])
  })

  it('is refused where it holds no log, or another, and stays as it is', async () => {
    const file = optionsOf(folder.path).path
    const other = new DatabaseSync(file)
    other.exec('CREATE TABLE something (a INTEGER)')
    other.close()
    const before = await readFile(file)
    await assert.rejects(open(1, { mode: 'own' }), { code: 'WRONG_MEDIUM' })
    assert.deepEqual(await readFile(file), before)
    const wal = await open(1, { mode: 'create' })
    await wal.append([recordOf(1, 10)])
    await assert.rejects(open(9, { mode: 'takeover', expectedId: 'another' }), { code: 'WRONG_MEDIUM', message: new RegExp(`id=${wal.identity?.id}`) })
    await wal.append([recordOf(2, 10)])
    await wal.close()
  })

  it('opens with nothing lost when it is from before identities, and has one then', async () => {
    const old = new DatabaseSync(optionsOf(folder.path).path)
    old.exec(`CREATE TABLE log (only INTEGER PRIMARY KEY CHECK (only = 1), clusterId TEXT NOT NULL, nodeId INTEGER NOT NULL,
        writerEpoch INTEGER NOT NULL, trimmedTo INTEGER NOT NULL, lastPosition INTEGER NOT NULL) STRICT;
      CREATE TABLE records (position INTEGER PRIMARY KEY, data BLOB NOT NULL, crc32c INTEGER NOT NULL) STRICT;
      INSERT INTO log VALUES (1, 'cluster-a', 1, 3, 1, 2)`)
    old.prepare('INSERT INTO records VALUES (2, ?, ?)').run(recordOf(2, 10), nodeEnvironment().crc32c(recordOf(2, 10)))
    old.close()
    const wal = await open(4, { mode: 'own' })
    assert.deepEqual({ ...wal.identity, id: '' }, { id: '', writerEpoch: 3, last: 2, trimmed: 1 })
    assert.deepEqual((await recovered(wal)).map(({ data }) => idOf(data)), [2])
    await wal.close()
    const again = await open(5, { mode: 'own', expectedId: wal.identity!.id })
    assert.equal((await recovered(again)).length, 1)
    await again.close()
  })
})

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
