import { walConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import plugin from '../src/index.ts'
import { MiB, simulated } from './support.ts'

let places = 0
const capabilities = capabilitiesOf(plugin, { path: '/a/wal' })

walConformance({ describe, it }, {
  name: 'regional-disk, on the real file system',
  capabilities,
  prepare: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wal-'))
    const environment = nodeEnvironment()
    return {
      open: async (writer, opening) => await plugin.open({ path: join(folder, 'made', 'here'), capacity: 4 * MiB }, environment, { writer, opening }),
      cleanUp: async () => { await rm(folder, { recursive: true }) }
    }
  }
})

walConformance({ describe, it }, {
  name: 'regional-disk, on a simulated file system',
  capabilities,
  prepare: async () => {
    const { environment } = simulated(`place-${++places}`)
    return {
      open: async (writer, opening) => await plugin.open({ path: '/a/wal', capacity: 4 * MiB }, environment, { writer, opening }),
      cleanUp: async () => {}
    }
  }
})

walConformance({ describe, it }, {
  name: 'regional-disk, on a simulated block device',
  capabilities,
  prepare: async () => {
    const { environment, files } = simulated(`place-${++places}`)
    files.addBlockDevice('/disk', 4 * MiB)
    return {
      open: async (writer, opening) => await plugin.open({ path: '/disk' }, environment, { writer, opening }),
      cleanUp: async () => {}
    }
  }
})
