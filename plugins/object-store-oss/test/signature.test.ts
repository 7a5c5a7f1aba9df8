import assert from 'node:assert/strict'
import fc from 'fast-check'
import { originOf } from '../src/client.ts'
import { optionsSchema } from '../src/options.ts'
import { pathOf, queryOf, signedHeaders } from '../src/signature.ts'
import { signer } from './sdk.ts'

const keys = { accessKeyId: 'LTAI****', accessKeySecret: 'yourAccessKeySecret' }
const nowMs = Date.UTC(2023, 11, 3, 12, 12, 12, 999)

describe('object-store-oss signatures', () => {
  it("agree with Alibaba Cloud's own signer, whatever is signed", () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).filter(text => text.isWellFormed() && !text.startsWith('/'))
    const word = fc.stringMatching(/^[a-z][a-z-]{0,8}$/)
    const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)
    fc.assert(fc.property(fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'), fc.option(name, { nil: undefined }), fc.dictionary(word, fc.string({ maxLength: 20 })), fc.dictionary(word, value), fc.option(value, { nil: undefined }), fc.boolean(),
      (method, object, query, metadata, securityToken, hasBody) => {
        const headers: Record<string, string> = { ...Object.fromEntries(Object.entries(metadata).map(([header, text]) => [`x-oss-meta-${header}`, text])), range: 'bytes=1-2', ...hasBody ? { 'content-type': 'text/plain', 'content-md5': 'MD5==' } : {} }
        const signed = signedHeaders({ method, bucket: 'examplebucket', name: object, query, headers }, { ...keys, securityToken }, { nowMs, region: 'cn-hangzhou' })
        const queries = Object.fromEntries(Object.entries(query).map(([key, text]) => [key, text === '' ? null as never : text]))
        const { authorization, ...others } = signed
        assert.equal(authorization, signer.authorizationV4(keys.accessKeyId, keys.accessKeySecret, 'cn-hangzhou', method, { headers: others, queries }, 'examplebucket', object))
        assert.equal(signed['x-oss-date'], '20231203T121212Z')
        assert.equal(signed['x-oss-security-token'], securityToken)
      }), { numRuns: 300 })
  })

  it('paths and queries are sent as they are signed', () => {
    assert.equal(pathOf('b', "a b/ä'(*)!~.."), '/b/a%20b/%C3%A4%27%28%2A%29%21~..')
    assert.equal(pathOf('b', undefined), '/b/')
    assert.equal(queryOf({ prefix: 'a/b', 'list-type': '2', uploads: '' }), 'list-type=2&prefix=a%2Fb&uploads')
  })

  for (const { options, origin } of [
    { options: {}, origin: 'https://records.oss-cn-hangzhou.aliyuncs.com' },
    { options: { internal: true }, origin: 'https://records.oss-cn-hangzhou-internal.aliyuncs.com' },
    { options: { endpoint: 'http://oss.example.com:8080' }, origin: 'http://records.oss.example.com:8080' },
    { options: { endpoint: 'http://127.0.0.1:8080', pathStyle: true }, origin: 'http://127.0.0.1:8080' }
  ]) {
    it(`requests go to ${origin} for ${JSON.stringify(options)}`, () => {
      assert.equal(originOf(optionsSchema.parse({ bucket: 'records', region: 'cn-hangzhou', ...options })).origin, origin)
    })
  }
})
