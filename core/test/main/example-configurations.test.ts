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
