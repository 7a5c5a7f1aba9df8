import { describe, it } from 'node:test'
import { walConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'

let places = 0

walConformance({ describe, it }, {
  name: 'plugin-name',
  capabilities: capabilitiesOf(plugin, { name: 'any' }),
  prepare: async () => {
    const options = { name: `check-${++places}` }
    return {
      open: async (writer, opening) => await plugin.open(options, nodeEnvironment(), { writer, opening }),
      cleanUp: async () => {}
    }
  }
})
