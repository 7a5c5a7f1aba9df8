import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { loadBackends } from '../../src/main/backends.ts'
import { loadConfig } from '../../src/main/config/load-config.ts'
import { storeNameFor } from '../../src/main/object-stores.ts'

const folder = path.join(import.meta.dirname, '../../../examples/configurations')

describe('the example configurations', () => {
  const names = readdirSync(folder)
  it('are there', () => { assert.ok(names.length >= 4) })
  for (const name of names) {
    it(`${name} is valid, plugins and their options included`, async () => {
      const config = await loadConfig({ file: path.join(folder, name), environment: { CEPH_ACCESS_KEY: 'key', CEPH_SECRET_KEY: 'secret' } })
      const { metadata, wal } = await loadBackends(config)
      if (metadata.plugin.needsObjectStore) assert.ok(storeNameFor('metadata', config.storage.metadata, config) in config.storage.stores)
      if (wal.plugin.needsObjectStore) assert.ok(storeNameFor('wal', config.storage.wal, config) in config.storage.stores)
    })
  }
})

describe('settings of produced batches', () => {
  it('come from the environment too, and are named when they are wrong', async () => {
    const { produce } = await loadConfig({ environment: { STREAMBED_PRODUCE__TRUST_COMPRESSED: 'true', STREAMBED_PRODUCE__DECOMPRESSED_BYTES_MAX: '16MiB' } })
    assert.deepEqual(produce, { trustCompressed: true, decompressedBytesMax: 16 * 2 ** 20 })
    assert.deepEqual((await loadConfig({ environment: {} })).produce, { trustCompressed: false, decompressedBytesMax: 64 * 2 ** 20 })
    await assert.rejects(loadConfig({ environment: { STREAMBED_PRODUCE__TRUST_COMPRESSED: 'maybe' } }), /produce\.trustCompressed: expected true or false, got "maybe"/)
  })
})
