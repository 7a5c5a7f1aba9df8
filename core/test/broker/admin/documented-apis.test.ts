import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { areas, effectsOf, type Effects } from '../../../src/broker/request-effects.ts'
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
    const documented = (await page()).split('\n').flatMap(line => /^\| \d+ \| \w+ \| [\d–]+ \|/.exec(line)?.[0] ?? [])
    assert.deepEqual(documented, advertised)
  })

  it('says of every other key of Kafka why it is not served', async () => {
    await using broker = await new BrokerFixture().open()
    const { apiKeys } = await broker.request(ApiKey.ApiVersions, 0, {})
    const lists = (await page()).split('\n').flatMap(line => /^\| ([\d–, ]+) \| [A-Z]\w+(?:, \w+)* \| [^|]*[a-z][^|]* \|$/.exec(line)?.[1] ?? [])
    const unserved = lists.flatMap(list => list.split(', ')).flatMap(range => {
      const [first, last = first] = range.split('–').map(Number) as [number, number?]
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
    const newestKey = 92
    assert.deepEqual([...apiKeys.map(({ apiKey }) => apiKey), ...unserved].sort((left, right) => left - right), Array.from({ length: newestKey + 1 }, (_, key) => key))
  })

  it('says which APIs read, append to and change what, as requests of one connection are ordered by', async () => {
    const apisThat = (kind: keyof Effects, area: Effects[typeof kind][number]): string => {
      const names = Object.values(ApiKey).filter(apiKey => effectsOf[apiKey][kind].includes(area)).map(apiKey => apis[apiKey].name)
      return names.length === 0 ? '–' : names.join(', ')
    }
    const expected = areas.map(area => `| ${area} | ${apisThat('reads', area)} | ${apisThat('appends', area)} | ${apisThat('changes', area)} |`)
    const isFree = ({ appends, changes, reads }: Effects): boolean => appends.length + changes.length + reads.length === 0
    const free = Object.values(ApiKey).filter(apiKey => isFree(effectsOf[apiKey])).map(apiKey => apis[apiKey].name)
    const text = await page()
    const isOfArea = new RegExp(`^\\| (?:${areas.join('|')}) \\|`)
    assert.deepEqual(text.split('\n').filter(line => isOfArea.test(line)), expected)
    assert.ok(text.includes(`${free.join(', ')} meet nothing.`), `expected: ${free.join(', ')} meet nothing.`)
  })
})

function page (): Promise<string> { return readFile(new URL('../../../../docs/apis.md', import.meta.url), 'utf8') }
