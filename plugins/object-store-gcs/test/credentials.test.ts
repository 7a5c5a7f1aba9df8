import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { pattern, rejectsWith } from '@streambed/conformance'
import { nodeEnvironment } from '@streambed/sdk/node'
import { RemoteObjectStore } from '@streambed/sdk/remote'
import { JWT } from 'google-auth-library'
import { GcsClient } from '../src/client.ts'
import { GoogleCredentials, findTokenSource } from '../src/credentials.ts'
import { GcsService } from '../src/gcs-service.ts'
import plugin from '../src/index.ts'
import { optionsSchema, type GcsOptions } from '../src/options.ts'
import { FakeGcs } from './fake-gcs.ts'

/** A store with tokens of the test's making. */
function storeWith (options: GcsOptions, token: () => string): RemoteObjectStore {
  const credentials = new GoogleCredentials(async () => ({ getRequestHeaders: async () => new Headers({ authorization: `Bearer ${token()}` }) }))
  return new RemoteObjectStore(new GcsService(new GcsClient(options, credentials), options, nodeEnvironment()), { conditionalCreate: 'atomic', multipart: false, objectBytesMax: 1e9, scope: 'region', latencyClass: 'C' }, { prefix: '', requestTimeoutMs: 10_000, bytesPerSecondMin: 1e6 }, nodeEnvironment())
}

describe('object-store-gcs credentials', () => {
  let fake: FakeGcs
  let options: GcsOptions
  beforeEach(async () => {
    fake = await FakeGcs.start()
    options = optionsSchema.parse({ bucket: fake.bucket, endpoint: fake.endpoint })
  })
  const variable = 'GOOGLE_APPLICATION_CREDENTIALS'
  const given = process.env[variable]
  afterEach(async () => {
    if (given === undefined) delete process.env[variable]
    else process.env[variable] = given
    await fake.stop()
  })

  it('a token that ran out is worth another try, with a fresh one; one that never was good is refused', async () => {
    let token = 'first'
    fake.token = 'first'
    await using store = storeWith(options, () => token)
    await store.put('a', pattern(1))
    fake.token = 'second'
    await rejectsWith(store.get('a'), 'UNAVAILABLE')
    token = 'second'
    await store.get('a')
    token = 'wrong'
    await rejectsWith(store.get('a'), 'UNAVAILABLE')
    await rejectsWith(store.get('a'), 'PERMISSION_DENIED')
  })

  it('workload identity federation, a file that names a token service, works by GOOGLE_APPLICATION_CREDENTIALS alone', async () => {
    const sts = http.createServer((request, response) => {
      request.resume().on('end', () => { response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ access_token: 'federated', issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer', expires_in: 3600 })) })
    })
    sts.listen(0, '127.0.0.1')
    await once(sts, 'listening')
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streambed-gcs-'))
    const subject = path.join(folder, 'subject')
    fs.writeFileSync(subject, 'a token of the cluster')
    const keyFile = path.join(folder, 'federation.json')
    fs.writeFileSync(keyFile, JSON.stringify({
      type: 'external_account', audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `http://127.0.0.1:${(sts.address() as AddressInfo).port}/v1/token`, credential_source: { file: subject }
    }))
    fake.token = 'federated'
    process.env[variable] = keyFile
    try {
      await using store = await plugin.open(options, nodeEnvironment())
      await store.put('a', pattern(1))
      assert.equal(fake.objects.size, 1)
    } finally {
      sts.closeAllConnections()
      sts.close()
      fs.rmSync(folder, { recursive: true, force: true })
    }
  })

  it('a file of credentials that is not there is PERMISSION_DENIED, with what to do', async () => {
    process.env[variable] = '/nowhere/key.json'
    await using store = await plugin.open(options, nodeEnvironment())
    await assert.rejects(store.get('a'), { code: 'PERMISSION_DENIED', message: /Give credentials.*\/nowhere\/key\.json/ })
  })

  it("a service account's key is given to Google's library", async () => {
    const { serviceAccountKey } = optionsSchema.parse({ bucket: fake.bucket, serviceAccountKey: JSON.stringify({ type: 'service_account', client_email: 'broker@test.example', private_key: '-----BEGIN PRIVATE KEY-----', private_key_id: '7' }) })
    const source = await findTokenSource({ ...options, serviceAccountKey })
    assert.ok(source instanceof JWT)
    assert.deepEqual({ email: source.email, keyId: source.keyId }, { email: 'broker@test.example', keyId: '7' })
  })

  it('a token service that cannot be reached is UNAVAILABLE, and is asked again by the next call', async () => {
    let fetches = 0
    const credentials = new GoogleCredentials(async () => { fetches++; throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) })
    const client = new GcsClient(options, credentials)
    await using store = new RemoteObjectStore(new GcsService(client, options, nodeEnvironment()), { conditionalCreate: 'atomic', multipart: false, objectBytesMax: 1e9, scope: 'region', latencyClass: 'C' }, { prefix: '', requestTimeoutMs: 10_000, bytesPerSecondMin: 1e6 }, nodeEnvironment())
    await rejectsWith(store.get('a'), 'UNAVAILABLE')
    await rejectsWith(store.get('a'), 'UNAVAILABLE')
    assert.equal(fetches, 2)
  })
})
