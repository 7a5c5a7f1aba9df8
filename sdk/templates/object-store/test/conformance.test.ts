import { describe, it } from 'node:test'
import { objectStoreConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'

let places = 0

objectStoreConformance({ describe, it }, {
  name: 'plugin-name',
  capabilities: capabilitiesOf(plugin, { name: 'any' }),
  prepare: async () => {
    const options = { name: `check-${++places}` }
    return {
      open: async () => await plugin.open(options, nodeEnvironment()),
      cleanUp: async () => {}
    }
  }
})
