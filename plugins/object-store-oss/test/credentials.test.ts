import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pattern, rejectsWith } from '@streambed/conformance'
import { nodeEnvironment } from '@streambed/sdk/node'
import { RemoteObjectStore } from '@streambed/sdk/remote'
import { VirtualClock } from '@streambed/sdk/testing'
import { OssClient } from '../src/client.ts'
import { ChainCredentials, type Chain } from '../src/credentials.ts'
import plugin from '../src/index.ts'
import { optionsSchema, type OssOptions } from '../src/options.ts'
import { OssService } from '../src/oss-service.ts'
import { FakeOss } from './fake-oss.ts'

const variables = ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'ALIBABA_CLOUD_SECURITY_TOKEN', 'ALIBABA_CLOUD_CREDENTIALS_FILE', 'ALIBABA_CLOUD_CLI_PROFILE_DISABLED']

describe('object-store-oss credentials', () => {
  let fake: FakeOss
  let options: OssOptions
  const given = variables.map(variable => [variable, process.env[variable]] as const)
  beforeEach(async () => {
    fake = await FakeOss.start()
    options = optionsSchema.parse({ bucket: fake.bucket, region: fake.region, endpoint: fake.endpoint, pathStyle: true })
    for (const variable of variables) delete process.env[variable]
  })
  afterEach(async () => {
    for (const [variable, value] of given) {
      if (value === undefined) delete process.env[variable]
      else process.env[variable] = value
    }
    await fake.stop()
  })

  function storeWith (credentials: ChainCredentials): RemoteObjectStore {
    const client = new OssClient(options, nodeEnvironment().clock, credentials)
    return new RemoteObjectStore(new OssService(client, options, nodeEnvironment()), { conditionalCreate: 'atomic', multipart: false, objectBytesMax: 1e9, scope: 'zone', latencyClass: 'C' }, { prefix: '', requestTimeoutMs: 10_000, bytesPerSecondMin: 1e6 }, nodeEnvironment())
  }

  it("the environment's keys are found without configuration, with a token where there is one", async () => {
    fake.securityToken = 'token'
    Object.assign(process.env, { ALIBABA_CLOUD_ACCESS_KEY_ID: fake.accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: fake.accessKeySecret, ALIBABA_CLOUD_SECURITY_TOKEN: 'token' })
    await using store = await plugin.open(options, nodeEnvironment())
    await store.put('a', pattern(1))
    assert.equal(fake.objects.size, 1)
  })

  it('a file of profiles is found', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streambed-oss-'))
    const file = path.join(folder, 'credentials')
    fs.writeFileSync(file, `[default]\ntype = access_key\naccess_key_id = ${fake.accessKeyId}\naccess_key_secret = ${fake.accessKeySecret}\n`)
    Object.assign(process.env, { ALIBABA_CLOUD_CREDENTIALS_FILE: file, ALIBABA_CLOUD_CLI_PROFILE_DISABLED: 'true' })
    try {
      await using store = await plugin.open(options, nodeEnvironment())
      await store.put('a', pattern(1))
      assert.equal(fake.objects.size, 1)
    } finally {
      fs.rmSync(folder, { recursive: true, force: true })
    }
  })

  it('keys that ran out are worth another try, with fresh ones', async () => {
    fake.securityToken = 'first'
    let token = 'first'
    await using store = storeWith(new ChainCredentials(nodeEnvironment().clock, async () => ({ getCredential: async () => ({ accessKeyId: 'id', accessKeySecret: 'secret', securityToken: token }) })))
    await store.put('a', pattern(1))
    fake.securityToken = token = 'second'
    await rejectsWith(store.get('a'), 'UNAVAILABLE')
    await store.get('a')
  })

  it('keys are kept for a minute, and a chain that failed is not kept at all', async () => {
    const clock = new VirtualClock()
    let chains = 0
    let asked = 0
    let fails = true
    const newChain = async (): Promise<Chain> => {
      chains++
      return { getCredential: async () => {
        asked++
        if (fails) throw new Error('no link of the chain has keys')
        return { accessKeyId: 'id', accessKeySecret: 'secret' }
      } }
    }
    const credentials = new ChainCredentials(clock, newChain)
    await assert.rejects(credentials.keys(), /no link/)
    fails = false
    assert.deepEqual(await credentials.keys(), { accessKeyId: 'id', accessKeySecret: 'secret' })
    assert.deepEqual({ chains, asked }, { chains: 2, asked: 2 })
    await clock.run(59_999)
    await credentials.keys()
    assert.equal(asked, 2)
    await clock.run(1)
    await credentials.keys()
    assert.deepEqual({ chains, asked }, { chains: 2, asked: 3 })
  })

  it('no keys at all are PERMISSION_DENIED, with what to do', async () => {
    await using store = storeWith(new ChainCredentials(nodeEnvironment().clock, async () => ({ getCredential: async () => { throw new Error('unable to get credentials from any of the providers in the chain') } })))
    await assert.rejects(store.get('a'), { code: 'PERMISSION_DENIED', message: /Give credentials: ALIBABA_CLOUD_ACCESS_KEY_ID.*any of the providers/ })
    assert.equal(fake.requests.length, 0)
  })
})
