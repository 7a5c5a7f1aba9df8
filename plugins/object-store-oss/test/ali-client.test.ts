// Alibaba Cloud's own client against our double: what it sends is understood and its signatures are good, so that the double speaks OSS's
// language as far as it goes; what it writes we read, and what we write it reads.
import assert from 'node:assert/strict'
import { pattern, sameBytes } from '@streambed/conformance'
import type { ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsSchema, type OssOptions } from '../src/options.ts'
import { FakeOss } from './fake-oss.ts'
import { aliOss, type AliOss } from './sdk.ts'
import { makeBucket, ownPrefix, serviceFromEnvironment } from './service.ts'

const service = serviceFromEnvironment()

describe("object-store-oss beside Alibaba Cloud's own client", () => {
  let fake: FakeOss
  before(async () => { fake = await FakeOss.start() })
  after(async () => { await fake.stop() })

  together('on our double', () => optionsSchema.parse({ bucket: fake.bucket, region: fake.region, endpoint: fake.endpoint, pathStyle: true, accessKeyId: fake.accessKeyId, accessKeySecret: fake.accessKeySecret, prefix: 'pre/' }))
  if (service?.accessKeyId === undefined) it('did not run on a real service: STREAMBED_TEST_OSS, with an accessKeyId, is not set (npm run test:interop starts one)')
  else together('on a real service', () => ownPrefix(service))
})

function together (where: string, optionsOf: () => OssOptions): void {
  describe(where, () => {
    let store: ObjectStore
    let client: AliOss
    let prefix: string
    before(async () => {
      const options = optionsOf()
      if (where !== 'on our double') await makeBucket(options)
      prefix = options.prefix
      store = await plugin.open(options, nodeEnvironment())
      const { accessKeyId, accessKeySecret, bucket, endpoint, internal, pathStyle, region } = options
      client = aliOss({ bucket, region, pathStyle, endpoint: endpoint ?? `https://oss-${region}${internal ? '-internal' : ''}.aliyuncs.com`, accessKeyId: accessKeyId!, accessKeySecret: accessKeySecret! })
    })
    after(async () => {
      const { objects } = await store.list('')
      await store.delete(objects.map(({ key }) => key))
      await store.close()
    })

    it('reads what we put: bytes, owner, tag', async () => {
      await store.put('ours/ä b+c', pattern(100_000))
      const { content } = await client.get(`${prefix}ours/ä b+c`)
      sameBytes(content, pattern(100_000))
      const { meta, res } = await client.head(`${prefix}ours/ä b+c`)
      assert.match(meta!['streambedowner']!, /^[0-9a-f]{32}$/)
      assert.equal((await store.head('ours/ä b+c')).versionToken, res.headers['etag']!.replaceAll('"', ''))
    })

    it('writes what we read; its condition and ours are one', async () => {
      await client.put(`${prefix}theirs`, Buffer.from(pattern(5000)), { headers: { 'x-oss-forbid-overwrite': 'true' } })
      sameBytes(await store.get('theirs'), pattern(5000))
      sameBytes(await store.get('theirs', { range: { start: 10, end: 20 } }), pattern(5000).subarray(10, 20))
      await assert.rejects(store.put('theirs', pattern(1), { ifAbsent: true }), { code: 'ALREADY_EXISTS' })
      await store.put('ours/taken', pattern(1), { ifAbsent: true })
      await assert.rejects(client.put(`${prefix}ours/taken`, Buffer.from('x'), { headers: { 'x-oss-forbid-overwrite': 'true' } }), { code: 'FileAlreadyExists' })
    })

    it('lists and deletes what we do', async () => {
      for (const key of ['list/a', 'list/b', 'list/c & d']) await store.put(key, pattern(1))
      const { objects } = await client.listV2({ prefix: `${prefix}list/`, 'max-keys': '10' })
      assert.deepEqual(objects?.map(({ name }) => name), ['a', 'b', 'c & d'].map(name => `${prefix}list/${name}`))
      await client.delete(`${prefix}list/a`)
      await client.deleteMulti([`${prefix}list/b`])
      assert.deepEqual((await store.list('list/')).objects.map(({ key }) => key), ['list/c & d'])
    })

    it('uploads in parts what we read, and reads what we upload in parts', async () => {
      await client.multipartUpload(`${prefix}parts/theirs`, Buffer.from(pattern(300_000)), { partSize: 102_400 })
      sameBytes(await store.get('parts/theirs'), pattern(300_000))
      const upload = await store.startMultipart('parts/ours')
      await upload.uploadPart(1, pattern(5 * 1024 * 1024))
      await upload.uploadPart(2, pattern(7))
      await upload.complete()
      const { content } = await client.get(`${prefix}parts/ours`)
      sameBytes(content, Buffer.concat([pattern(5 * 1024 * 1024), pattern(7)]))
    })
  })
}
