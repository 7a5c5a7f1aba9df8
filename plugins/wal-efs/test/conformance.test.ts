import { walConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import plugin from '../src/index.ts'
import { nfsFromEnvironment } from './nfs.ts'
import { MiB, simulated } from './support.ts'

const options = { path: '/a/wal', capacity: 4 * MiB, segmentBytes: MiB, deadlineMs: 30_000, scope: 'zone' } as const
let places = 0
const capabilities = capabilitiesOf(plugin, options)
const nfs = nfsFromEnvironment()

walConformance({ describe, it }, {
  name: nfs === undefined ? 'efs, on the real file system' : 'efs, on NFS',
  capabilities,
  prepare: async () => {
    const folder = await mkdtemp(join(nfs?.first ?? tmpdir(), 'wal-'))
    const environment = nodeEnvironment()
    return {
      open: async (writer, opening) => await plugin.open({ ...options, path: join(folder, 'made', 'here') }, environment, { writer, opening }),
      cleanUp: async () => { await rm(folder, { recursive: true }) }
    }
  }
})

walConformance({ describe, it }, {
  name: 'efs, on a simulated file system',
  capabilities,
  prepare: async () => {
    const { environment } = simulated(`place-${++places}`)
    return {
      open: async (writer, opening) => await plugin.open(options, environment, { writer, opening }),
      cleanUp: async () => {}
    }
  }
})
