import { walConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { MiB, optionsOf, temporaryFolder } from './support.ts'

walConformance({ describe, it }, {
  name: 'sqlite',
  capabilities: capabilitiesOf(plugin, optionsOf('any')),
  prepare: async () => {
    const folder = await temporaryFolder()
    return {
      open: async (writer, opening) => await plugin.open(optionsOf(folder.path, { capacity: 4 * MiB }), nodeEnvironment(), { writer, opening }),
      cleanUp: async () => { await folder[Symbol.asyncDispose]() }
    }
  }
})
