import { randomBytes } from 'node:crypto'
import { objectStoreConformance } from '@streambed/conformance'
import { capabilitiesOf } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import plugin from '../src/index.ts'
import { optionsSchema } from '../src/options.ts'
import { FakeWebHdfs } from './fake-webhdfs.ts'

const real = process.env.STREAMBED_TEST_WEBHDFS

describe('webhdfs on a double of HDFS', () => {
  objectStoreConformance({ describe, it }, {
    name: 'webhdfs',
    capabilities: capabilitiesOf(plugin, optionsSchema.parse({ endpoint: 'http://any:1', path: '/any' })),
    prepare: async () => {
      const fake = await FakeWebHdfs.start()
      const options = optionsSchema.parse({ endpoint: fake.endpoint, path: '/user/streambed', user: 'streambed' })
      return { open: async () => await plugin.open(options, nodeEnvironment()), cleanUp: async () => { await fake.stop() } }
    }
  })
})

describe('webhdfs on a real HDFS', () => {
  if (real === undefined || real === '') {
    it('did not run: STREAMBED_TEST_WEBHDFS is not set; it holds the options as JSON: {"endpoint":"http://namenode:9870","path":"/tmp/streambed","user":"hdfs"}')
    return
  }
  const options = optionsSchema.parse(JSON.parse(real))
  objectStoreConformance({ describe, it }, {
    name: 'webhdfs',
    capabilities: capabilitiesOf(plugin, options),
    prepare: async () => {
      const own = { ...options, path: `${options.path}/test-${randomBytes(6).toString('hex')}` }
      return {
        open: async () => await plugin.open(own, nodeEnvironment()),
        cleanUp: async () => {
          await using store = await plugin.open(own, nodeEnvironment())
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
