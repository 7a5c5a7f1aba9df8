import { metadataLogConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'

metadataLogConformance({ describe, it }, {
  name: 'metadata-file',
  capabilities: capabilitiesOf(plugin, { path: '/a' }),
  canRepair: true,
  canDamage: true,
  prepare: async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-ml-'))
    return {
      open: () => plugin.open({ path: folder }, nodeEnvironment(), {}),
      repair: () => plugin.repair!({ path: folder }, nodeEnvironment(), {}),
      damage: async position => {
        const file = path.join(folder, 'log-0000000000000000')
        const bytes = await readFile(file)
        // Its frame: 24 bytes, the entry's size, and the entry, which is one digit.
        bytes[32 + position * 29 + 28]! ^= 1
        await writeFile(file, bytes)
      },
      cleanUp: () => rm(folder, { recursive: true })
    }
  }
})
