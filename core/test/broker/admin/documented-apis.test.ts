import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { ApiKey, apis } from '../../../src/protocol/messages/apis.ts'
import { BrokerFixture } from '../broker-fixture.ts'

describe('docs/apis.md', () => {
  it('names the APIs and versions that a broker advertises, and no others', async () => {
    await using broker = await new BrokerFixture().open()
    const { apiKeys } = await broker.request(ApiKey.ApiVersions, 0, {})
    const advertised = apiKeys.map(({ apiKey, maxVersion, minVersion }) => {
      const range = minVersion === maxVersion ? String(minVersion) : `${minVersion}–${maxVersion}`
      return `| ${apiKey} | ${apis[apiKey as ApiKey].name} | ${range} |`
    })
    const text = await readFile(new URL('../../../../docs/apis.md', import.meta.url), 'utf8')
    const documented = text.split('\n').flatMap(line => /^\| \d+ \| \w+ \| [\d–]+ \|/.exec(line)?.[0] ?? [])
    assert.deepEqual(documented, advertised)
  })
})
