import { objectStoreConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'

objectStoreConformance({ describe, it }, {
  name: 'object-store-fs',
  capabilities: capabilitiesOf(plugin, { path: '/a' }),
  prepare: async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-os-'))
    return {
      open: () => plugin.open({ path: folder }, nodeEnvironment()),
      cleanUp: async () => {
        assert.deepEqual(await readdir(path.join(folder, 'temporary')), [], 'temporary files left behind')
        await rm(folder, { recursive: true })
      }
    }
  }
})
