import { objectStoreConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { makeBucket, ownPrefix, serviceFromEnvironment } from './service.ts'

const service = serviceFromEnvironment()

describe('object-store-oss on a real service', () => {
  if (service === undefined) {
    it('did not run: STREAMBED_TEST_OSS is not set (npm run test:interop starts a service)')
    return
  }
  before(async () => { await makeBucket(service) })

  objectStoreConformance({ describe, it }, {
    name: 'oss',
    capabilities: capabilitiesOf(plugin, service),
    prepare: async () => {
      const options = ownPrefix(service)
      return {
        open: async () => await plugin.open(options, nodeEnvironment()),
        cleanUp: async () => {
          await using store = await plugin.open(options, nodeEnvironment())
          for (;;) {
            const { isLast, objects } = await store.list('')
            await store.delete(objects.map(({ key }) => key))
            if (isLast) return
          }
        }
      }
    }
  })
})
