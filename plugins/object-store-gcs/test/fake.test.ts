import assert from 'node:assert/strict'
import { objectStoreConformance, pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import { capabilitiesOf, type ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsSchema, type GcsOptions } from '../src/options.ts'
import { FakeGcs } from './fake-gcs.ts'

const optionsOf = (fake: FakeGcs, more: object = {}): GcsOptions => optionsSchema.parse({ bucket: fake.bucket, endpoint: fake.endpoint, credentials: 'none', prefix: 'pre/', multipart: true, ...more })

describe('object-store-gcs on a double of the service', () => {
  objectStoreConformance({ describe, it }, {
    name: 'gcs',
    capabilities: capabilitiesOf(plugin, optionsSchema.parse({ bucket: 'any', multipart: true })),
    prepare: async () => {
      const fake = await FakeGcs.start()
      return { open: async () => await plugin.open(optionsOf(fake), nodeEnvironment()), cleanUp: async () => { await fake.stop() } }
    }
  })

  let fake: FakeGcs
  let store: ObjectStore
  beforeEach(async () => {
    fake = await FakeGcs.start()
    store = await plugin.open(optionsOf(fake), nodeEnvironment())
  })
  afterEach(async () => {
    await store.close()
    await fake.stop()
  })

  it('puts in one request, its length told, and deletes nothing when the service finds the bytes altered', async () => {
    await store.put('a', [pattern(1000), pattern(24)])
    assert.deepEqual(fake.requests.map(({ method, url }) => `${method} ${url.split('?')[0]}`), [`POST /upload/storage/v1/b/${fake.bucket}/o`])
    const { headers } = fake.requests[0]!
    assert.ok(Number(headers['content-length']) > 1024 && headers['transfer-encoding'] === undefined)
    // Google's own client deletes the object here, whoever wrote it.
    const wrong = { ...nodeEnvironment(), crc32c: () => 7 }
    await using broken = await plugin.open(optionsOf(fake), wrong)
    await rejectsWith(broken.put('a', pattern(10)), 'UNAVAILABLE')
    assert.deepEqual(fake.requests.filter(({ method }) => method === 'DELETE'), [])
    sameBytes(await store.get('a'), Buffer.concat([pattern(1000), pattern(24)]))
  })

  it('asks for a key that is free by generation 0', async () => {
    await store.put('a', pattern(1), { ifAbsent: true })
    await store.put('b', pattern(1))
    assert.deepEqual(fake.requests.map(({ url }) => new URL(url, 'http://x').searchParams.get('ifGenerationMatch')), ['0', null])
  })

  it('goes on past pages that are short or empty, and starts after a name, not at it, with one request a page', async () => {
    const keys = ['a', 'a ', 'a !', 'b', 'c']
    await Promise.all(keys.map(key => store.put(key, pattern(1))))
    fake.requests.length = 0
    assert.deepEqual((await store.list('', { startAfter: 'a', limit: 3 })).objects.map(({ key }) => key), ['a ', 'a !', 'b'])
    assert.equal(fake.requests.length, 1)
    fake.pageMax = 2
    fake.startsEmpty = true
    const seen: string[] = []
    for (let startAfter = '', isLast = false; !isLast;) {
      const page = await store.list('', { startAfter, limit: 3 })
      assert.ok(page.objects.length === 3 || page.isLast)
      seen.push(...page.objects.map(({ key }) => key))
      startAfter = seen.at(-1)!
      isLast = page.isLast
    }
    assert.deepEqual(seen, keys)
  })

  it('tells of each deletion in a batch what became of it, whatever the order of the answers', async () => {
    const keys = Array.from({ length: 230 }, (_, index) => `k${index}`)
    await Promise.all(keys.filter((_, index) => index % 2 === 0).map(key => store.put(key, pattern(1))))
    fake.undeletable.add('pre/k20').add('pre/k144')
    const outcomes = await store.delete(keys)
    assert.deepEqual(outcomes.map(({ key }) => key), keys)
    const failed = outcomes.filter(outcome => outcome.kind === 'failed')
    assert.deepEqual(failed.map(({ key }) => key), ['k20', 'k144'])
    for (const { error } of failed) await rejectsWith(Promise.reject(error), 'UNAVAILABLE')
    assert.deepEqual([...fake.objects.keys()], ['pre/k20', 'pre/k144'])
    assert.equal(fake.requests.filter(({ url }) => url === '/batch/storage/v1').length, 3)
  })

  it('a second write to a key within a second, which Google refuses, is THROTTLED, and the first stays', async () => {
    fake.limitsWrites = true
    await store.put('a', pattern(10))
    await rejectsWith(store.put('a', pattern(11)), 'THROTTLED')
    sameBytes(await store.get('a'), pattern(10))
    fake.nowMs += 1000
    await store.put('a', pattern(11))
    sameBytes(await store.get('a'), pattern(11))
  })

  it('finds damage in an object that was uploaded in parts, by the checksum of the service', async () => {
    const upload = await store.startMultipart('a')
    await upload.uploadPart(1, pattern(5 * 1024 * 1024))
    await upload.uploadPart(2, pattern(10))
    const { versionToken } = await upload.complete()
    assert.equal(versionToken, (await store.head('a')).versionToken)
    sameBytes(await store.get('a'), Buffer.concat([pattern(5 * 1024 * 1024), pattern(10)]))
    const wrong = { ...nodeEnvironment(), crc32c: () => 7 }
    await using broken = await plugin.open(optionsOf(fake), wrong)
    await rejectsWith(broken.get('a'), 'CORRUPT')
    const damaged = await broken.startMultipart('b')
    await rejectsWith(damaged.uploadPart(1, pattern(10)), 'UNAVAILABLE')
    await damaged.abort()
  })

  it('sweeps uploads that were left behind, of every page, and spares younger ones and those of others', async () => {
    for (const key of ['a', 'b ö &<', 'c', 'd', 'e']) await store.startMultipart(key)
    await using other = await plugin.open(optionsOf(fake, { prefix: 'other/' }), nodeEnvironment())
    await other.startMultipart('a')
    fake.nowMs += 60_000
    await store.startMultipart('young')
    assert.equal(await store.sweepUploads('', fake.nowMs), 5)
    assert.deepEqual([...fake.uploads.values()].map(({ name }) => name), ['other/a', 'pre/young'])
  })

  it('has no uploads in parts at an endpoint of others, unless told', async () => {
    await using plain = await plugin.open(optionsOf(fake, { multipart: undefined }), nodeEnvironment())
    await rejectsWith(plain.startMultipart('a'), 'UNSUPPORTED')
  })

  it('says that the bucket is missing, where a key could be meant', async () => {
    await using lost = await plugin.open(optionsOf(fake, { bucket: 'another' }), nodeEnvironment())
    await rejectsWith(lost.put('a', pattern(1)), 'MISCONFIGURED')
    await rejectsWith(lost.list(''), 'MISCONFIGURED')
    const [outcome] = await lost.delete(['a'])
    assert.ok(outcome?.kind === 'failed')
    await rejectsWith(Promise.reject(outcome.error), 'MISCONFIGURED')
  })
})
