import assert from 'node:assert/strict'
import { listAll, pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import type { ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { WebHdfsClient } from '../src/client.ts'
import { headerBytes } from '../src/header.ts'
import { optionsSchema } from '../src/options.ts'
import { WebHdfsService } from '../src/webhdfs-service.ts'
import { FakeWebHdfs } from './fake-webhdfs.ts'

describe('webhdfs', () => {
  let fake: FakeWebHdfs
  let store: ObjectStore
  const open = async (more: object = {}): Promise<ObjectStore> => await plugin.open(optionsSchema.parse({ endpoint: fake.endpoint, path: '/streambed', user: 'me', ...more }), nodeEnvironment())
  beforeEach(async () => {
    fake = await FakeWebHdfs.start()
    store = await open()
  })
  afterEach(async () => {
    await store.close()
    await fake.stop()
  })

  it('sends bytes to datanodes alone, and says who it is to both', async () => {
    await store.put('a', pattern(100), { ifAbsent: true })
    assert.deepEqual(fake.requests.map(({ op, server }) => `${op}@${server}`).slice(2), ['CREATE@namenode', 'CREATE@datanode', 'GETFILESTATUS@namenode', 'OPEN@namenode', 'OPEN@datanode', 'RENAME@namenode'])
    for (const { query } of fake.requests) assert.equal(query.get('user.name'), 'me')
  })

  it('nothing is visible before it is renamed, and what fails before leaves nothing behind', async () => {
    for (const op of ['CREATE', 'CREATE@datanode', 'GETFILESTATUS', 'OPEN', 'OPEN@datanode']) {
      fake.planted = [{ op, status: 500, exception: 'RuntimeException' }]
      await rejectsWith(store.put('a', pattern(100), { ifAbsent: true }), 'UNAVAILABLE')
      assert.deepEqual([...fake.files.keys()], [], op)
    }
    await store.put('a', pattern(100), { ifAbsent: true })
  })

  it('an answer to a rename that is lost: the winner learns that it won', async () => {
    fake.planted = [{ op: 'RENAME', status: 200, exception: '', takesEffect: true, dropsAnswer: true }]
    await store.put('a', pattern(100), { ifAbsent: true })
    sameBytes(await store.get('a'), pattern(100))
    await using other = await open()
    fake.planted = [{ op: 'RENAME', status: 200, exception: '', takesEffect: true, dropsAnswer: true }]
    await rejectsWith(other.put('a', pattern(100), { ifAbsent: true }), 'ALREADY_EXISTS')
    sameBytes(await store.get('a'), pattern(100))
  })

  it('a rename that failed without saying whether: OUTCOME_UNKNOWN where nothing is there', async () => {
    fake.planted = [{ op: 'RENAME', status: 500, exception: 'RuntimeException' }]
    await rejectsWith(store.put('a', pattern(100), { ifAbsent: true }), 'OUTCOME_UNKNOWN')
  })

  for (const { says, status } of [
    { status: 200, says: { type: 'text/html', text: '<!DOCTYPE html><html><body>Sign in</body></html>' } },
    { status: 404, says: { type: 'text/html', text: '<!DOCTYPE html><html><body>Not Found</body></html>' } },
    { status: 200, says: { type: 'application/json', text: '{}' } },
    { status: 200, says: { type: 'application/json', text: '{"DirectoryListing":{"partialListing":{"FileStatuses":{"FileStatus":[]}},"remainingEntries":3}}' } }
  ]) {
    it(`believes no ${status} with ${says.text.slice(0, 30)} in the place of an answer`, async () => {
      await store.put('a', pattern(100), { ifAbsent: true })
      const odd = (op: string): void => { fake.planted = [{ op, status, exception: '', says }] }
      for (const { ask, ops } of [
        { ops: ['OPEN'], ask: () => store.get('a') },
        { ops: ['OPEN', ...says.type === 'text/html' ? ['OPEN@datanode'] : []], ask: () => store.get('a', { range: { start: 0, end: 50 } }) },
        { ops: ['GETFILESTATUS'], ask: () => store.head('a') },
        { ops: ['LISTSTATUS_BATCH'], ask: () => store.list('') }
      ]) {
        for (const op of ops) {
          odd(op)
          const failed = await Promise.resolve(ask()).then(() => 'resolved', (error: { readonly code?: string }) => error.code)
          assert.equal(failed, 'UNAVAILABLE', op)
        }
      }
      odd('DELETE')
      const [outcome] = await store.delete(['a'])
      assert.equal(outcome?.kind === 'failed' && (outcome.error as { readonly code?: string }).code, 'UNAVAILABLE')
      odd('RENAME')
      await rejectsWith(store.put('a', pattern(50)), 'OUTCOME_UNKNOWN')
      sameBytes(await store.get('a'), pattern(100))
    })
  }

  it('a range that is shorter than asked must end where the file does', async () => {
    await store.put('a', pattern(100))
    sameBytes(await store.get('a', { range: { start: 90, end: 500 } }), pattern(100).subarray(90))
    fake.planted = [{ op: 'OPEN@datanode', status: 200, exception: '', says: { type: 'application/octet-stream', text: 'short' } }]
    await rejectsWith(store.get('a', { range: { start: 0, end: 50 } }), 'UNAVAILABLE')
  })

  it('tells how many bytes of an object have come, so that a large one has time', async () => {
    await store.put('a', pattern(1_000_000))
    const options = optionsSchema.parse({ endpoint: fake.endpoint, path: '/streambed', user: 'me' })
    const service = new WebHdfsService(new WebHdfsClient(options), false, nodeEnvironment())
    for (const { come, range } of [{ range: undefined, come: headerBytes + 1_000_000 }, { range: { start: 10, end: 200_010 }, come: 200_000 }, { range: { start: 999_000, end: 2_000_000 }, come: 1000 }]) {
      const told: number[] = []
      await service.get('a', range, new AbortController().signal, count => { told.push(count) })
      assert.equal(told.reduce((sum, count) => sum + count, 0), come)
    }
    service.close()
  })

  it('bytes that changed on the way up are not made visible', async () => {
    fake.spoils = true
    await rejectsWith(store.put('a', pattern(100)), 'UNAVAILABLE')
    assert.deepEqual([...fake.files.keys()], [])
    await using careless = await open({ verifyWrites: false })
    await careless.put('a', pattern(100))
    await rejectsWith(careless.get('a'), 'CORRUPT')
  })

  it('bytes that changed in HDFS are found, in the header too', async () => {
    await store.put('a', pattern(100))
    const [file] = fake.files.values()
    for (const at of [0, 9, 20, 60]) {
      file!.bytes[at]! ^= 1
      await rejectsWith(store.get('a'), 'CORRUPT')
      file!.bytes[at]! ^= 1
    }
    sameBytes(await store.get('a'), pattern(100))
  })

  it('long keys and short ones are listed in order, from any start, in batches of any size', async () => {
    const long = 'k'.repeat(100)
    const keys = ['a', long, `${long}-`, `${long}/x`, `${long}0`, `${long}${long}`, `${long}${long}z`, `${long.slice(1)}`, 'k', 'kk', 'l', ...Array.from({ length: 20 }, (_, index) => `${long}m${index}`)]
    const sorted = keys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
    for (const key of keys) await store.put(key, Buffer.from(key))
    for (const prefix of ['', 'k', long, long.slice(1), `${long}m`, `${long}${long}`, `${long}${long}z`, 'z', '0']) assert.deepEqual(await listAll(store, prefix, 3), sorted.filter(key => key.startsWith(prefix)), `prefix of ${prefix.length}`)
    for (const startAfter of [...keys, `${long}m99`, 'j', 'kkkk', 'z']) {
      const expected = sorted.filter(key => Buffer.compare(Buffer.from(key), Buffer.from(startAfter)) > 0)
      assert.deepEqual((await store.list('', { startAfter })).objects.map(({ key }) => key), expected, startAfter)
      assert.deepEqual((await store.list(long, { startAfter })).objects.map(({ key }) => key), expected.filter(key => key.startsWith(long)), `below, ${startAfter}`)
    }
  })

  it('finds what writers that died left behind', async () => {
    fake.nowMs = 1
    await store.put('a', pattern(1))
    fake.files.set('/streambed/uploads/dead', { bytes: Buffer.alloc(1), fileId: 1, modificationTime: 1 })
    assert.match((await store.preflight())[0]!.problem, /^1 files older than a day/)
  })

  const verdicts = [
    { exception: 'StandbyException', status: 403, code: 'UNAVAILABLE', message: /not the active one/ },
    { exception: 'SafeModeException', status: 403, code: 'UNAVAILABLE', message: /safe mode/ },
    { exception: 'AccessControlException', status: 403, code: 'PERMISSION_DENIED', message: /below `path`/ },
    { exception: 'DSQuotaExceededException', status: 403, code: 'OUT_OF_SPACE', message: /quota/ },
    { exception: 'Whatever', status: 401, code: 'PERMISSION_DENIED', message: /token/ }
  ]
  for (const { code, exception, message, status } of verdicts) {
    it(`HDFS's ${exception} is ${code}, with what to do`, async () => {
      fake.planted = [{ op: 'CREATE', status, exception }]
      await assert.rejects(store.put('a', pattern(1)), { code, message })
    })
  }

  it('names an endpoint that is not there', async () => {
    await using lost = await open({ endpoint: 'http://127.0.0.1:1' })
    await assert.rejects(lost.get('a'), { code: 'UNAVAILABLE', message: /Check that the namenode runs/ })
  })
})
