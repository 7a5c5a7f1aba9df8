import { metadataLogConformance } from '@streambed/conformance'
import fileStore from '@streambed/object-store-fs'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { MemoryObjectMedium, MemoryObjectStore, testEnvironment } from '@streambed/sdk/testing'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'
import { defaultOptions } from '../src/options.ts'

const capabilities = capabilitiesOf(plugin, defaultOptions)

metadataLogConformance({ describe, it }, {
  name: 'object, in memory',
  capabilities,
  prepare: async () => {
    const environment = testEnvironment()
    const objectStore = new MemoryObjectStore({ clock: environment.clock, medium: new MemoryObjectMedium() })
    return { open: () => plugin.open(defaultOptions, environment, { objectStore }), cleanUp: () => objectStore.close() }
  }
})

metadataLogConformance({ describe, it }, {
  name: 'object, in files',
  capabilities,
  prepare: async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-metadata-object-'))
    const environment = nodeEnvironment()
    const objectStore = await fileStore.open({ path: folder }, environment)
    return {
      open: () => plugin.open(defaultOptions, environment, { objectStore }),
      cleanUp: async () => {
        await objectStore.close()
        await rm(folder, { recursive: true })
      }
    }
  }
})
