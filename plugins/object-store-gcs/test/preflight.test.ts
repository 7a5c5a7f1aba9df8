import assert from 'node:assert/strict'
import type { Finding } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { GcsClient } from '../src/client.ts'
import { GoogleCredentials } from '../src/credentials.ts'
import { harmOf } from '../src/lifecycle.ts'
import { optionsSchema } from '../src/options.ts'
import { preflight } from '../src/preflight.ts'
import { FakeGcs } from './fake-gcs.ts'

describe("object-store-gcs preflight", () => {
  let fake: FakeGcs
  beforeEach(async () => { fake = await FakeGcs.start() })
  afterEach(async () => { await fake.stop() })

  const look = async (more: object = {}, skewMs = 0): Promise<readonly Finding[]> => {
    const options = optionsSchema.parse({ bucket: fake.bucket, endpoint: fake.endpoint, prefix: 'ours/', ...more })
    const credentials = new GoogleCredentials(async () => ({ getRequestHeaders: async () => new Headers({ authorization: 'Bearer t' }) }))
    const client = new GcsClient(options, credentials)
    try {
      return await preflight(client, options, options.prefix, { ...nodeEnvironment().clock, wallMs: () => fake.nowMs + skewMs }, new AbortController().signal)
    } finally {
      client.close()
    }
  }

  it('finds nothing wrong with a plain bucket', async () => {
    assert.deepEqual(await look({ location: 'europe-west3' }), [])
  })

  for (const { name, settings, more = {}, severity = 'error', says } of [
    { name: 'a retention policy', settings: { retentionPolicy: { retentionPeriod: '86400' } }, says: /86400 s \(retention policy\)/ },
    { name: 'a default hold', settings: { defaultEventBasedHold: true }, says: /hold on every new object/ },
    { name: 'versioning', settings: { versioning: { enabled: true } }, severity: 'warning', says: /old versions/ },
    { name: 'soft delete', settings: { softDeletePolicy: { retentionDurationSeconds: '604800' } }, severity: 'warning', says: /for 7 days/ },
    { name: 'a rule that deletes', settings: { lifecycle: { rule: [{ action: { type: 'Delete' }, condition: { age: 30 } }] } }, says: /deletes objects below our prefix.*"age":30/ },
    { name: 'a rule that archives', settings: { lifecycle: { rule: [{ action: { type: 'SetStorageClass', storageClass: 'ARCHIVE' }, condition: { age: 30 } }] } }, severity: 'warning', says: /ARCHIVE, which charges/ },
    { name: 'another region', settings: { location: 'US-EAST1' }, more: { location: 'europe-west3' }, says: /in US-EAST1, not in europe-west3/ },
    { name: 'a zone where a region is declared', settings: { locationType: 'zone' }, says: /Declare scope: zone|survives the loss of less/ },
    { name: 'one region where several are declared', settings: { locationType: 'region' }, more: { scope: 'multiRegion' }, says: /locationType=region scope=multiRegion/ }
  ] as const) {
    it(`finds ${name}`, async () => {
      fake.settings = settings
      const findings = await look(more)
      assert.deepEqual(findings.map(finding => finding.severity), [severity])
      assert.match(findings[0]!.problem, says)
      assert.notEqual(findings[0]!.remedy, '')
    })
  }

  it('does not mind soft delete or versioning that are off', async () => {
    fake.settings = { softDeletePolicy: { retentionDurationSeconds: '0' }, versioning: { enabled: false }, location: 'EU', locationType: 'multi-region' }
    assert.deepEqual(await look(), [])
  })

  it('finds a missing bucket, missing permissions, a clock that is off', async () => {
    const [missing] = await look({ bucket: 'nobody-has-this' })
    assert.match(missing!.problem, /does not exist\. bucket=nobody-has-this/)
    assert.match(missing!.remedy, /Create the bucket/)
    fake.permissions = ['storage.objects.get', 'storage.objects.list']
    const [permissions] = await look()
    assert.match(permissions!.problem, /storage\.objects\.create, storage\.objects\.delete/)
    fake.permissions = ['create', 'get', 'list', 'delete'].map(verb => `storage.objects.${verb}`)
    const [clock] = await look({}, -600_000)
    assert.match(clock!.problem, /-\d+ s off/)
  })

  it('names credentials that are refused', async () => {
    fake.token = 'another'
    const findings = await look()
    assert.equal(findings.length, 1)
    assert.match(findings[0]!.problem, /cannot be reached: PERMISSION_DENIED/)
    assert.match(findings[0]!.remedy, /Give credentials/)
  })

  for (const { condition, harms } of [
    { condition: {}, harms: true },
    { condition: { age: 1, isLive: true }, harms: true },
    { condition: { age: 1, isLive: false }, harms: false },
    { condition: { numNewerVersions: 3 }, harms: false },
    { condition: { daysSinceNoncurrentTime: 1 }, harms: false },
    { condition: { daysSinceCustomTime: 1 }, harms: false },
    { condition: { matchesPrefix: ['theirs/'] }, harms: false },
    { condition: { matchesPrefix: ['theirs/', 'ours/wal/'] }, harms: true },
    { condition: { matchesPrefix: ['our'] }, harms: true },
    { condition: { matchesSuffix: ['.tmp'] }, harms: true }
  ]) {
    it(`a rule with ${JSON.stringify(condition)} ${harms ? 'harms' : 'does no harm'}`, () => {
      assert.equal(harmOf({ action: { type: 'Delete' }, condition }, 'ours/') !== undefined, harms)
      assert.equal(harmOf({ action: { type: 'AbortIncompleteMultipartUpload' }, condition }, 'ours/'), undefined)
    })
  }
})
