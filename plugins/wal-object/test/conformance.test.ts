import { walConformance } from '@streambed/conformance'
import fileStore from '@streambed/object-store-fs'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { MemoryObjectMedium, MemoryObjectStore, SeededRandom, testEnvironment } from '@streambed/sdk/testing'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'
import { defaultOptions } from '../src/options.ts'

// One place for all writers: so that the log of another one is met at all.
const options = { ...defaultOptions, prefix: 'logs/one', capacity: 4 * 2 ** 20 }
let places = 0
const capabilities = capabilitiesOf(plugin, options)

walConformance({ describe, it }, {
  name: 'object, in memory',
  capabilities,
  prepare: async () => {
    const environment = testEnvironment({ random: new SeededRandom(++places) })
    const objectStore = new MemoryObjectStore({ clock: environment.clock, medium: new MemoryObjectMedium() })
    return {
      open: async (writer, opening) => await plugin.open(options, environment, { writer, opening, objectStore }),
      cleanUp: async () => { await objectStore.close() }
    }
  }
})

walConformance({ describe, it }, {
  name: 'object, in files',
  capabilities,
  prepare: async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-wal-object-'))
    const environment = nodeEnvironment()
    const objectStore = await fileStore.open({ path: folder }, environment)
    return {
      open: async (writer, opening) => await plugin.open(options, environment, { writer, opening, objectStore }),
      cleanUp: async () => {
        await objectStore.close()
        await rm(folder, { recursive: true })
      }
    }
  }
})
