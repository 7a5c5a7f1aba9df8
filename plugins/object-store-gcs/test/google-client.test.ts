// Google's own client against our double: what it sends is understood, so that the double speaks Google's language as far as it goes;
// what it writes we read, and what we write it reads.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { Storage, type Bucket, type File } from '@google-cloud/storage'
import { pattern, sameBytes } from '@streambed/conformance'
import type { ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsSchema, type GcsOptions } from '../src/options.ts'
import { FakeGcs } from './fake-gcs.ts'
import { makeBucket, ownPrefix, serviceFromEnvironment } from './service.ts'

const service = serviceFromEnvironment()

describe("object-store-gcs beside Google's own client", () => {
  let fake: FakeGcs
  before(async () => { fake = await FakeGcs.start() })
  after(async () => { await fake.stop() })

  together('on our double', () => optionsSchema.parse({ bucket: fake.bucket, endpoint: fake.endpoint, credentials: 'none', prefix: 'pre/' }))
  if (service === undefined) it('did not run on a real service: STREAMBED_TEST_GCS is not set (npm run test:interop starts one)')
  else together('on a real service', () => ownPrefix(service))
})

function together (where: string, optionsOf: () => GcsOptions): void {
  describe(where, () => {
    let store: ObjectStore
    let bucket: Bucket
    let prefix: string
    before(async () => {
      const options = optionsOf()
      await makeBucket(options)
      prefix = options.prefix
      store = await plugin.open(options, nodeEnvironment())
      bucket = new Storage({ retryOptions: { autoRetry: false }, ...options.endpoint === undefined ? {} : { apiEndpoint: options.endpoint, projectId: 'test' } }).bucket(options.bucket)
    })
    after(async () => {
      const { objects } = await store.list('')
      await store.delete(objects.map(({ key }) => key))
      await store.close()
    })

    it('reads what we put: bytes, checksum, owner', async () => {
      await store.put('ours/ä b', pattern(100_000))
      const file = bucket.file(`${prefix}ours/ä b`)
      const bytes = await downloaded(file)
      sameBytes(bytes, pattern(100_000))
      const [metadata] = await file.getMetadata()
      assert.match(String(metadata.metadata?.['streambedowner']), /^[0-9a-f]{32}$/)
      assert.equal((await store.head('ours/ä b')).versionToken, String(metadata.generation))
    })

    it('writes what we read; its condition and ours are one', async () => {
      const file = bucket.file(`${prefix}theirs`)
      await file.save(Buffer.from(pattern(5000)), { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } })
      sameBytes(await store.get('theirs'), pattern(5000))
      sameBytes(await store.get('theirs', { range: { start: 10, end: 20 } }), pattern(5000).subarray(10, 20))
      await assert.rejects(store.put('theirs', pattern(1), { ifAbsent: true }), { code: 'ALREADY_EXISTS' })
      await store.put('ours/taken', pattern(1), { ifAbsent: true })
      await assert.rejects(bucket.file(`${prefix}ours/taken`).save(Buffer.from('x'), { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } }), { code: 412 })
    })

    it('lists and deletes what we do', async () => {
      await store.put('list/a', pattern(1))
      await store.put('list/b', pattern(2))
      const [files] = await bucket.getFiles({ prefix: `${prefix}list/` })
      assert.deepEqual(files.map(({ name }) => name), [`${prefix}list/a`, `${prefix}list/b`])
      await files[0]!.delete()
      assert.deepEqual((await store.list('list/')).objects.map(({ key }) => key), ['list/b'])
    })
  })
}

/** Google's client puts one download through a chain of pipelines, all of which listen to one stream: more than Node takes for no leak. */
async function downloaded (file: File): Promise<Uint8Array> {
  const { defaultMaxListeners } = EventEmitter
  EventEmitter.defaultMaxListeners = 20
  try {
    const [bytes] = await file.download({ validation: 'crc32c' })
    return bytes
  } finally {
    EventEmitter.defaultMaxListeners = defaultMaxListeners
  }
}
