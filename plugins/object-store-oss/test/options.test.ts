import assert from 'node:assert/strict'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'
import { pricesOf } from '../src/prices.ts'

const base = { bucket: 'records', region: 'cn-hangzhou' }

describe('object-store-oss', () => {
  for (const { options, says } of [
    { options: { bucket: 'records' }, says: /region/ },
    { options: { ...base, bucket: 'Records' }, says: /3 to 63 lower-case/ },
    { options: { ...base, region: 'oss-cn-hangzhou' }, says: /without oss- in front/ },
    { options: { ...base, endpoint: 'oss.example.com' }, says: /must be a URL/ },
    { options: { ...base, endpoint: 'https://example.com/oss' }, says: /no path/ },
    { options: { ...base, endpoint: 'https://example.com', internal: true }, says: /cannot be used together with endpoint/ },
    { options: { ...base, scope: 'host' }, says: /one of zone, region/ },
    { options: { ...base, accessKeyId: 'id' }, says: /belong together/ },
    { options: { ...base, securityToken: 'token' }, says: /belongs to an accessKeyId/ },
    { options: { ...base, storageClass: 'Archive' }, says: /storageClass/ },
    { options: { ...base, prefix: 'no-slash' }, says: /end with/ },
    { options: { ...base, accessKey: 'id' }, says: /accessKey/ }
  ]) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.match(JSON.stringify(optionsSchema.safeParse(options).error?.issues), says)
    })
  }

  it('documents each option', () => {
    assert.deepEqual(Object.keys(plugin.optionDocs).sort(), Object.keys(optionsSchema.shape).sort())
  })

  it('prices Alibaba Cloud, not services of others', () => {
    assert.equal(pricesOf(optionsSchema.parse(base)).perGbMonth, 0.0173)
    assert.equal(pricesOf(optionsSchema.parse({ ...base, endpoint: 'https://oss-cn-hangzhou-internal.aliyuncs.com' })).perGbMonth, 0.0173)
    assert.equal(pricesOf(optionsSchema.parse({ ...base, endpoint: 'http://127.0.0.1:1' })).perGbMonth, 0)
  })
})
