import assert from 'node:assert/strict'
import { listAll, objectStoreConformance, pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import { StreambedError, capabilitiesOf, type ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsSchema, type S3Options } from '../src/options.ts'
import { FakeS3 } from './fake-s3.ts'

const optionsOf = (fake: FakeS3, more: object = {}): S3Options => optionsSchema.parse({
  bucket: fake.bucket, endpoint: fake.endpoint, pathStyle: true, conditionalMultipart: true, accessKeyId: 'a', secretAccessKey: 'b', prefix: 'pre/', ...more
})

describe('object-store-s3 on a double of the service', () => {
  objectStoreConformance({ describe, it }, {
    name: 's3',
    capabilities: capabilitiesOf(plugin, optionsSchema.parse({ bucket: 'any' })),
    prepare: async () => {
      const fake = await FakeS3.start()
      return { open: async () => await plugin.open(optionsOf(fake), nodeEnvironment()), cleanUp: async () => { await fake.stop() } }
    }
  })

  let fake: FakeS3
  let store: ObjectStore
  beforeEach(async () => {
    fake = await FakeS3.start()
    store = await plugin.open(optionsOf(fake), nodeEnvironment())
  })
  afterEach(async () => {
    await store.close()
    await fake.stop()
  })

  it('deletes where a batch must come with Content-MD5, and sends no other checksum', async () => {
    fake.wantsMd5 = true
    await store.put('a', pattern(10))
    assert.deepEqual(await store.delete(['a']), [{ kind: 'deleted', key: 'a' }])
    assert.equal(fake.objects.size, 0)
    const { headers } = fake.requests.at(-1)!
    assert.deepEqual(Object.keys(headers).filter(name => /checksum/.test(name)), [], 'a service that knows no other checksum is sent another')
  })

  it('tells of keys that were not deleted, and of those that the answer does not tell of', async () => {
    for (const key of ['a', 'b', 'c']) await store.put(key, pattern(10))
    fake.undeletable.add('pre/a')
    fake.unmentioned.add('pre/b')
    const outcomes = await store.delete(['a', 'b', 'c'])
    assert.deepEqual(outcomes.map(outcome => outcome.kind === 'failed' ? (outcome.error as { readonly code?: string }).code : outcome.kind), ['PERMISSION_DENIED', 'UNAVAILABLE', 'deleted'])
  })

  it('names a region that is not the bucket\'s, and the right one, to whatever was asked', async () => {
    fake.region = 'eu-west-3'
    for (const ask of [() => store.head('a'), () => store.get('a'), () => store.put('a', pattern(1)), () => store.list(''), () => store.delete(['a'])]) {
      await assert.rejects(ask, error => StreambedError.is(error, 'MISCONFIGURED') && /Set `region: eu-west-3`/.test(error.message))
    }
    const [finding] = await store.preflight()
    assert.match(`${finding!.problem} ${finding!.remedy}`, /another region.*region=eu-west-3.*Set `region: eu-west-3`/)
    await using right = await plugin.open(optionsOf(fake, { region: 'eu-west-3' }), nodeEnvironment())
    await right.put('a', pattern(1))
  })

  it("says that another account's bucket may be set to Requester Pays", async () => {
    fake.isPaidByRequester = true
    await assert.rejects(store.head('a'), error => StreambedError.is(error, 'PERMISSION_DENIED') && /Requester Pays/.test(error.message))
    assert.match((await store.preflight())[0]!.remedy, /Requester Pays/)
  })

  it('asks for the bytes where a service says only by its status that an object is missing', async () => {
    fake.tellsRequestIds = false
    await rejectsWith(store.head('missing'), 'NOT_FOUND')
    assert.deepEqual(fake.requests.map(({ method }) => method), ['HEAD', 'GET'])
  })

  it('reads an object that was copied without its metadata by the MD5 of the service', async () => {
    fake.put('pre/a', Buffer.from(pattern(1000)))
    sameBytes(await store.get('a'), pattern(1000))
    sameBytes(await store.get('a', { range: { start: 10, end: 20 } }), pattern(1000).subarray(10, 20))
  })

  it('lists by the marks of a service that takes no notice of where a listing starts, and warns of it once', async () => {
    const warnings: string[] = []
    const environment = nodeEnvironment()
    await using careful = await plugin.open(optionsOf(fake), { ...environment, logger: { ...environment.logger, warn: message => { warnings.push(message) } } })
    const keys = Array.from({ length: 1050 }, (_, index) => `k${String(index).padStart(4, '0')}`)
    for (const key of keys) fake.put(`pre/${key}`, Buffer.from(key))
    fake.ignoresStartAfter = true
    assert.deepEqual(await listAll(careful, 'k', 300), keys)
    assert.deepEqual((await careful.list('k', { startAfter: 'k1049' })), { objects: [], isLast: true })
    assert.equal(warnings.filter(message => /start-after/.test(message)).length, 1)
  })

  it('lists no marks of folders, and everything else that is there', async () => {
    for (const name of ['pre/', 'pre/a/', 'pre/b/', 'pre/c/', 'pre/wal/']) fake.put(name, Buffer.alloc(0))
    fake.put('pre/c/one', Buffer.from(pattern(1)))
    fake.put('pre/z/', Buffer.from(pattern(1)))
    const keys = async (limit: number): Promise<string[]> => {
      const all: string[] = []
      for (let startAfter: string | undefined; ;) {
        const { isLast, objects } = await store.list('', { limit, ...startAfter === undefined ? {} : { startAfter } })
        all.push(...objects.map(({ key }) => key))
        if (isLast) return all
        startAfter = objects.at(-1)!.key
      }
    }
    for (const limit of [1, 2, 1000]) assert.deepEqual(await keys(limit), ['c/one', 'z/'])
  })
})
