import assert from 'node:assert/strict'
import type { Finding } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { OssClient } from '../src/client.ts'
import { harmOf, ruleOf } from '../src/lifecycle.ts'
import { optionsSchema } from '../src/options.ts'
import { preflight } from '../src/preflight.ts'
import { FakeOss } from './fake-oss.ts'

describe('object-store-oss preflight', () => {
  let fake: FakeOss
  beforeEach(async () => { fake = await FakeOss.start() })
  afterEach(async () => { await fake.stop() })

  const look = async (more: object = {}, skewMs = 0): Promise<readonly Finding[]> => {
    const options = optionsSchema.parse({ bucket: fake.bucket, region: fake.region, endpoint: fake.endpoint, pathStyle: true, accessKeyId: 'id', accessKeySecret: 'secret', prefix: 'ours/', ...more })
    const clock = { ...nodeEnvironment().clock, wallMs: () => fake.nowMs + skewMs }
    const client = new OssClient(options, clock)
    try {
      return await preflight(client, options, options.prefix, clock, new AbortController().signal)
    } finally {
      client.close()
    }
  }

  it('finds nothing wrong with a plain bucket', async () => {
    assert.deepEqual(await look({ scope: 'region' }), [])
  })

  for (const status of ['Enabled', 'Suspended'] as const) {
    it(`refuses versioning that is ${status}`, async () => {
      fake.versioning = status
      const [finding] = await look()
      assert.equal(finding!.severity, 'error')
      assert.match(finding!.problem, new RegExp(`versioning \\(${status}\\)`))
      assert.match(finding!.remedy, /never had versioning/)
    })
  }

  for (const { name, setting, xml, severity = 'error', says } of [
    { name: 'a retention policy', setting: 'worm', xml: '<WormConfiguration><WormId>1</WormId><State>Locked</State><RetentionPeriodInDays>1</RetentionPeriodInDays></WormConfiguration>', says: /retention policy, Locked/ },
    { name: 'a retention policy that can still be taken back', setting: 'worm', xml: '<WormConfiguration><State>InProgress</State></WormConfiguration>', says: /InProgress/ },
    { name: 'retention of each new object', setting: 'objectWorm', xml: '<ObjectWormConfiguration><ObjectWormEnabled>Enabled</ObjectWormEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectWormConfiguration>', says: /default retention/ },
    { name: 'a rule that deletes', setting: 'lifecycle', xml: '<LifecycleConfiguration><Rule><ID>old</ID><Prefix></Prefix><Status>Enabled</Status><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>', says: /rule 'old' deletes objects below our prefix/ },
    { name: 'a rule that archives', setting: 'lifecycle', xml: '<LifecycleConfiguration><Rule><ID>cold</ID><Prefix>ours/</Prefix><Status>Enabled</Status><Transition><Days>30</Days><StorageClass>IA</StorageClass></Transition><Transition><Days>60</Days><StorageClass>ColdArchive</StorageClass></Transition></Rule></LifecycleConfiguration>', says: /archives objects \(ColdArchive\)/ },
    { name: 'a rule that moves to IA', setting: 'lifecycle', xml: '<LifecycleConfiguration><Rule><ID>ia</ID><Prefix>ou</Prefix><Status>Enabled</Status><Transition><Days>30</Days><StorageClass>IA</StorageClass></Transition></Rule></LifecycleConfiguration>', severity: 'warning', says: /charges for reading/ },
    { name: 'one zone where a region is declared', setting: 'bucketInfo', xml: '<BucketInfo><Bucket><DataRedundancyType>LRS</DataRedundancyType></Bucket></BucketInfo>', says: /redundancy=LRS scope=region/ }
  ] as const) {
    it(`finds ${name}`, async () => {
      fake.settings[setting] = xml
      const findings = await look({ scope: 'region' })
      assert.deepEqual(findings.map(finding => finding.severity), [severity])
      assert.match(findings[0]!.problem, says)
      assert.notEqual(findings[0]!.remedy, '')
    })
  }

  it('finds a missing bucket, keys that are refused, a clock that is off', async () => {
    const [missing] = await look({ bucket: 'nobody-has-this' })
    assert.match(missing!.problem, /does not exist\. bucket=nobody-has-this/)
    const [keys] = await look({ accessKeySecret: 'wrong' })
    assert.match(keys!.problem, /cannot be reached: PERMISSION_DENIED/)
    assert.match(keys!.remedy, /Check the access key/)
    const [clock] = await look({}, -600_000)
    assert.match(clock!.problem, /-\d+ s off/)
  })

  it('says what it may not see, and how to let it', async () => {
    for (const setting of ['versioning', 'worm', 'lifecycle']) fake.forbidden.add(setting)
    const findings = await look()
    assert.deepEqual(findings.map(({ severity }) => severity), ['warning', 'warning', 'warning'])
    assert.deepEqual(findings.map(({ remedy }) => remedy), ['oss:GetBucketVersioning', 'oss:GetBucketWorm', 'oss:GetBucketLifecycle'].map(permission => `Allow ${permission} on the bucket.`))
  })

  for (const { rule, harms } of [
    { rule: '<Prefix></Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>', harms: true },
    { rule: '<Prefix>ours/wal/</Prefix><Status>Enabled</Status><Expiration><CreatedBeforeDate>2026-01-01T00:00:00.000Z</CreatedBeforeDate></Expiration>', harms: true },
    { rule: '<Prefix>ours/</Prefix><Status>Enabled</Status><Filter><Not><Prefix>ours/keep/</Prefix></Not></Filter><Expiration><Days>1</Days></Expiration>', harms: true },
    { rule: '<Prefix>theirs/</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>', harms: false },
    { rule: '<Prefix></Prefix><Status>Disabled</Status><Expiration><Days>1</Days></Expiration>', harms: false },
    { rule: '<Prefix></Prefix><Tag><Key>a</Key><Value>b</Value></Tag><Status>Enabled</Status><Expiration><Days>1</Days></Expiration>', harms: false },
    { rule: '<Prefix></Prefix><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>', harms: false },
    { rule: '<Prefix></Prefix><Status>Enabled</Status><AbortMultipartUpload><Days>1</Days></AbortMultipartUpload>', harms: false },
    { rule: '<Prefix></Prefix><Status>Enabled</Status><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>', harms: false }
  ]) {
    it(`the rule ${rule} ${harms ? 'harms' : 'does no harm'}`, () => {
      assert.equal(harmOf(ruleOf(`<ID>x</ID>${rule}`), 'ours/') !== undefined, harms)
    })
  }
})
