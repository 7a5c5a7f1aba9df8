import { metadataLogConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'

metadataLogConformance({ describe, it }, {
  name: 'metadata-file',
  capabilities: capabilitiesOf(plugin, { path: '/a' }),
  prepare: async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-ml-'))
    return {
      open: () => plugin.open({ path: folder }, nodeEnvironment(), {}),
      cleanUp: () => rm(folder, { recursive: true })
    }
  }
})
