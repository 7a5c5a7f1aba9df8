import path from 'node:path'
import { objectStoreConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { keyLine, optionsOf, temporaryFolder } from './support.ts'

const given = (folder: string): object => ({ keys: keyLine('k1', 1), store: { plugin: '@streambed/object-store-fs', path: path.join(folder, 'objects') } })

objectStoreConformance({ describe, it }, {
  name: 'encrypting, over files',
  capabilities: capabilitiesOf(plugin, await optionsOf(given('any'))),
  prepare: async () => {
    const folder = await temporaryFolder()
    const options = await optionsOf(given(folder.path))
    return {
      open: async () => await plugin.open(options, nodeEnvironment()),
      cleanUp: async () => { await folder[Symbol.asyncDispose]() }
    }
  }
})
