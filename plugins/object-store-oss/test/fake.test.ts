import assert from 'node:assert/strict'
import { objectStoreConformance, pattern, rejectsWith, sameBytes } from '@streambed/conformance'
import { capabilitiesOf, type ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsSchema, type OssOptions } from '../src/options.ts'
import { FakeOss } from './fake-oss.ts'

const optionsOf = (fake: FakeOss, more: object = {}): OssOptions => optionsSchema.parse({
  bucket: fake.bucket, region: fake.region, endpoint: fake.endpoint, pathStyle: true, conditionalMultipart: true, accessKeyId: fake.accessKeyId, accessKeySecret: 'secret', prefix: 'pre/', ...more
})

describe('object-store-oss on a double of the service', () => {
  objectStoreConformance({ describe, it }, {
    name: 'oss',
    capabilities: capabilitiesOf(plugin, optionsSchema.parse({ bucket: 'any', region: 'cn-hangzhou' })),
    prepare: async () => {
      const fake = await FakeOss.start()
      return { open: async () => await plugin.open(optionsOf(fake), nodeEnvironment()), cleanUp: async () => { await fake.stop() } }
    }
  })

  let fake: FakeOss
  let store: ObjectStore
  beforeEach(async () => {
    fake = await FakeOss.start()
    store = await plugin.open(optionsOf(fake), nodeEnvironment())
  })
  afterEach(async () => {
    await store.close()
    await fake.stop()
  })

  it('asks once whether the bucket has versioning, before it creates anything', async () => {
    await store.put('plain', pattern(1))
    await store.put('a', pattern(1), { ifAbsent: true })
    await store.put('b', pattern(1), { ifAbsent: true })
    assert.deepEqual(fake.requests.map(({ headers, name, query }) => `${name}${Object.keys(query).join()} ${headers['x-oss-forbid-overwrite'] ?? ''}`), ['pre/plain ', 'versioning ', 'pre/a true', 'pre/b true'])
  })

  for (const status of ['Enabled', 'Suspended'] as const) {
    it(`creates nothing where versioning is ${status}: what must not be overwritten would be`, async () => {
      await store.put('a', pattern(1))
      fake.versioning = status
      await assert.rejects(store.put('a', pattern(2), { ifAbsent: true }), { code: 'MISCONFIGURED', message: new RegExp(`never had versioning.*${status}`) })
      sameBytes(await store.get('a'), pattern(1))
      const upload = await store.startMultipart('a', { ifAbsent: true })
      await upload.uploadPart(1, pattern(3))
      await rejectsWith(upload.complete(), 'MISCONFIGURED')
      await upload.abort()
      sameBytes(await store.get('a'), pattern(1))
    })

    it(`notices by the answer to its next create that versioning was ${status} since`, async () => {
      await store.put('a', pattern(1), { ifAbsent: true })
      fake.versioning = status
      await rejectsWith(store.put('b', pattern(2), { ifAbsent: true }), 'MISCONFIGURED')
      const upload = await store.startMultipart('c', { ifAbsent: true })
      await upload.uploadPart(1, pattern(3))
      await rejectsWith(upload.complete(), 'MISCONFIGURED')
    })
  }

  it('creates where it may not ask for versioning, with a warning, and judges by the answers', async () => {
    fake.forbidden.add('versioning')
    const warnings: string[] = []
    const environment = nodeEnvironment()
    await using careful = await plugin.open(optionsOf(fake), { ...environment, logger: { ...environment.logger, warn: message => { warnings.push(message) } } })
    await careful.put('a', pattern(1), { ifAbsent: true })
    await careful.put('b', pattern(1), { ifAbsent: true })
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /oss:GetBucketVersioning/)
    fake.versioning = 'Suspended'
    await rejectsWith(careful.put('a', pattern(2), { ifAbsent: true }), 'MISCONFIGURED')
  })

  it('a range past the end is OUT_OF_RANGE, and one that ends past it is cut, neither the whole object', async () => {
    await store.put('a', pattern(100))
    await rejectsWith(store.get('a', { range: { start: 101, end: 200 } }), 'OUT_OF_RANGE')
    sameBytes(await store.get('a', { range: { start: 90, end: 200 } }), pattern(100).subarray(90))
    // Without it the whole object would come, if only to be cut here.
    assert.deepEqual(fake.requests.slice(-2).map(({ headers }) => headers['x-oss-range-behavior']), ['standard', 'standard'])
  })

  it('nothing is stored that changed on the way up: of puts, of parts, and of lists of what to delete', async () => {
    await store.put('kept', pattern(10))
    const upload = await store.startMultipart('b')
    fake.spoils = true
    await rejectsWith(store.put('a', pattern(10)), 'UNAVAILABLE')
    await rejectsWith(upload.uploadPart(1, pattern(10)), 'UNAVAILABLE')
    await rejectsWith(store.delete(['kept']), 'UNAVAILABLE')
    assert.deepEqual([...fake.objects.keys()], ['pre/kept'])
    await using careless = await plugin.open(optionsOf(fake, { checksum: 'none' }), nodeEnvironment())
    await careless.put('c', pattern(10))
    await rejectsWith(careless.get('c'), 'CORRUPT')
  })

  it('finds a byte that changed in the store', async () => {
    await store.put('a', pattern(1000))
    fake.objects.get('pre/a')!.bytes[500]! ^= 1
    await rejectsWith(store.get('a'), 'CORRUPT')
  })

  it('tells of each deletion in a batch what became of it; of one that the answer leaves out, that it is not known', async () => {
    const keys = ['a', 'b & <c>', 'd', 'e', 'missing']
    for (const key of keys.slice(0, 4)) await store.put(key, pattern(1))
    fake.undeletable.add('pre/b & <c>')
    fake.unmentioned.add('pre/d')
    const outcomes = await store.delete(keys)
    assert.deepEqual(outcomes.map(({ key, kind }) => [key, kind]), [['a', 'deleted'], ['b & <c>', 'failed'], ['d', 'failed'], ['e', 'deleted'], ['missing', 'deleted']])
    for (const outcome of outcomes) if (outcome.kind === 'failed') await rejectsWith(Promise.reject(outcome.error), 'UNAVAILABLE')
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

  it('tells a missing bucket from a missing key, also by HEAD, whose answer has no body', async () => {
    await using lost = await plugin.open(optionsOf(fake, { bucket: 'another' }), nodeEnvironment())
    for (const call of [() => lost.head('a'), () => lost.get('a'), () => lost.put('a', pattern(1)), () => lost.list('')]) await rejectsWith(call(), 'MISCONFIGURED')
    await rejectsWith(store.head('a'), 'NOT_FOUND')
  })

  it('names a wrong secret, and a clock that is off', async () => {
    await using secret = await plugin.open(optionsOf(fake, { accessKeySecret: 'wrong' }), nodeEnvironment())
    await assert.rejects(secret.get('a'), { code: 'PERMISSION_DENIED', message: /Check the access key.*SignatureDoesNotMatch/ })
    fake.nowMs += 20 * 60_000
    await assert.rejects(store.get('a'), { code: 'UNAVAILABLE', message: /Set this machine's clock/ })
  })

  it('refuses a key that OSS cannot name', async () => {
    await using bare = await plugin.open(optionsOf(fake, { prefix: '' }), nodeEnvironment())
    await rejectsWith(bare.put('\\a', pattern(1)), 'INVALID_ARGUMENT')
  })
})
