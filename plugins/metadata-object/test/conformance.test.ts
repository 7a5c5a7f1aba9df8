import { metadataLogConformance } from '@streambed/conformance'
import fileStore from '@streambed/object-store-fs'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { MemoryObjectMedium, MemoryObjectStore, testEnvironment } from '@streambed/sdk/testing'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import plugin from '../src/index.ts'
import { defaultOptions } from '../src/options.ts'

const capabilities = capabilitiesOf(plugin, defaultOptions)

metadataLogConformance({ describe, it }, {
  name: 'object, in memory',
  capabilities,
  canRepair: true,
  canDamage: true,
  prepare: async () => {
    const environment = testEnvironment()
    const medium = new MemoryObjectMedium()
    const objectStore = new MemoryObjectStore({ clock: environment.clock, medium })
    return {
      open: () => plugin.open(defaultOptions, environment, { objectStore }),
      repair: () => plugin.repair!(defaultOptions, environment, { objectStore }),
      damage: async position => {
        const { bytes } = medium.objects.get(`metadata/log/${String(position).padStart(16, '0')}`)!
        bytes[bytes.length - 1]! ^= 1
      },
      cleanUp: () => objectStore.close()
    }
  }
})

metadataLogConformance({ describe, it }, {
  name: 'object, in files',
  capabilities,
  canRepair: true,
  canDamage: true,
  prepare: async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'streambed-metadata-object-'))
    const environment = nodeEnvironment()
    const objectStore = await fileStore.open({ path: folder }, environment)
    return {
      open: () => plugin.open(defaultOptions, environment, { objectStore }),
      repair: () => plugin.repair!(defaultOptions, environment, { objectStore }),
      // The store finds such damage by itself, and gives out no whole object.
      damage: async position => {
        const names = await readdir(folder, { recursive: true })
        const file = path.join(folder, names.find(name => path.basename(name).includes(String(position).padStart(16, '0')))!)
        const bytes = await readFile(file)
        bytes[bytes.indexOf('SBML') + 68]! ^= 1
        await writeFile(file, bytes)
      },
      cleanUp: async () => {
        await objectStore.close()
        await rm(folder, { recursive: true })
      }
    }
  }
})
