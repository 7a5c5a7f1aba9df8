import assert from 'node:assert/strict'
import plugin from '../src/index.ts'
import { crc32cIn, base64Of } from '../src/object-metadata.ts'
import { optionsSchema } from '../src/options.ts'
import { pricesOf } from '../src/prices.ts'

const base = { bucket: 'records' }

describe('object-store-gcs', () => {
  for (const { options, says } of [
    { options: {}, says: /bucket/ },
    { options: { bucket: 'Records' }, says: /3 to 222 lower-case/ },
    { options: { ...base, endpoint: 'storage.googleapis.com' }, says: /must be a URL/ },
    { options: { ...base, endpoint: 'https://example.com/storage' }, says: /no path/ },
    { options: { ...base, scope: 'host' }, says: /one of zone, region, multiRegion/ },
    { options: { ...base, credentials: 'none', serviceAccountKey: JSON.stringify({ type: 'service_account', client_email: 'a', private_key: 'PRIVATE KEY' }) }, says: /cannot be used together/ },
    { options: { ...base, encryptionKeyId: 'my-key' }, says: /cryptoKeys/ },
    { options: { ...base, storageClass: 'GLACIER' }, says: /storageClass/ },
    { options: { ...base, prefix: 'no-slash' }, says: /end with/ },
    { options: { ...base, keyFile: 'key.json' }, says: /keyFile/ }
  ]) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.match(JSON.stringify(optionsSchema.safeParse(options).error?.issues), says)
    })
  }

  it('says what is wrong with a key, and nothing of the key', () => {
    for (const serviceAccountKey of ['hush hush', JSON.stringify({ type: 'authorized_user', refresh_token: 'hush hush' }), JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: 'hush hush' })]) {
      const told = JSON.stringify(optionsSchema.safeParse({ ...base, serviceAccountKey }).error?.issues)
      assert.match(told, /type: service_account/)
      assert.doesNotMatch(told, /hush/)
    }
  })

  it('documents each option', () => {
    assert.deepEqual(Object.keys(plugin.optionDocs).sort(), Object.keys(optionsSchema.shape).sort())
  })

  it('prices Google, not emulators', () => {
    assert.equal(pricesOf(optionsSchema.parse(base)).perGbMonth, 0.02)
    assert.equal(pricesOf(optionsSchema.parse({ ...base, endpoint: 'http://127.0.0.1:1' })).perGbMonth, 0)
  })

  it('reads the checksum out of the header in each of its forms', () => {
    assert.equal(base64Of(0xe3069283), '4waSgw==')
    for (const header of ['crc32c=4waSgw==,md5=abc', 'md5=abc==, crc32c=4waSgw==', 'crc32c=4waSgw==', ['crc32c=4waSgw==', 'md5=abc']]) assert.equal(crc32cIn(header), 0xe3069283)
    for (const header of [undefined, 'md5=abc', 'xcrc32c=4waSgw==', 'crc32c=short==']) assert.equal(crc32cIn(header), undefined)
  })
})
