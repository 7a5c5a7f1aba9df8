import assert from 'node:assert/strict'
import { objectStoreConformance, pattern, sameBytes } from '@streambed/conformance'
import { capabilitiesOf, type ObjectStore } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsSchema, type AzureBlobOptions } from '../src/options.ts'
import { FakeAzure } from './fake-azure.ts'

const optionsOf = (fake: FakeAzure, more: object = {}): AzureBlobOptions => optionsSchema.parse({
  container: fake.container, account: fake.account, endpoint: fake.endpoint, accountKey: 'a2V5', prefix: 'pre/', ...more
})

describe('object-store-azure-blob on a double of the service', () => {
  objectStoreConformance({ describe, it }, {
    name: 'azure-blob',
    capabilities: capabilitiesOf(plugin, optionsSchema.parse({ container: 'any', account: 'account' })),
    prepare: async () => {
      const fake = await FakeAzure.start()
      return { open: async () => await plugin.open(optionsOf(fake), nodeEnvironment()), cleanUp: async () => { await fake.stop() } }
    }
  })

  let fake: FakeAzure
  let store: ObjectStore
  beforeEach(async () => {
    fake = await FakeAzure.start()
    store = await plugin.open(optionsOf(fake), nodeEnvironment())
  })
  afterEach(async () => {
    await store.close()
    await fake.stop()
  })

  it('tells of keys that were not deleted, and of those that the answer does not tell of', async () => {
    for (const key of ['a', 'b', 'c']) await store.put(key, pattern(10))
    fake.undeletable.add('pre/a')
    const outcomes = await store.delete(['a', 'b', 'c', 'd'])
    assert.deepEqual(outcomes.map(outcome => outcome.kind === 'failed' ? (outcome.error as { readonly code?: string }).code : outcome.kind), ['PERMISSION_DENIED', 'deleted', 'deleted', 'deleted'])
  })

  it('reads a blob that was copied without its metadata by the MD5 of the service', async () => {
    fake.put('pre/a', Buffer.from(pattern(1000)))
    sameBytes(await store.get('a'), pattern(1000))
  })

  it('lists no folders of a hierarchical namespace, and everything else that is there', async () => {
    for (const name of ['pre', 'pre/log', 'pre/log/1', 'pre/wal']) fake.put(name, Buffer.alloc(0), { hdi_isfolder: 'true' })
    fake.put('pre/mark/', Buffer.alloc(0))
    fake.put('pre/empty', Buffer.alloc(0))
    fake.put('pre/named', Buffer.from(pattern(1)), { hdi_isfolder: 'true' })
    await store.put('log/1/a', pattern(10))
    for (const limit of [1, 1000]) {
      const keys: string[] = []
      for (let startAfter: string | undefined; ;) {
        const { isLast, objects } = await store.list('', { limit, ...startAfter === undefined ? {} : { startAfter } })
        keys.push(...objects.map(({ key }) => key))
        if (isLast) break
        startAfter = objects.at(-1)!.key
      }
      assert.deepEqual(keys, ['empty', 'log/1/a', 'named'])
    }
  })
})
