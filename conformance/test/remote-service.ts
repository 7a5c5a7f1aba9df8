import { objectStoreConformance } from '@streambed/conformance'
import { capabilitiesOf, type ObjectStorePlugin } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'

/** A plugin on a service that the environment names, if it does. */
export interface ServiceUnderTest<Options> {
  readonly plugin: ObjectStorePlugin<Options>
  /** The variable that holds its options. */
  readonly variable: string
  readonly service: Options | undefined
  /** Makes the bucket, if it is not there. */
  readonly prepare: (service: Options) => Promise<void>
  /** The same service, below a prefix that nobody has used. */
  readonly ownPrefix: (service: Options) => Options
}

/** The whole suite on a real service; each check in a place of its own, which is emptied after it. */
export function conformanceOnService<Options> ({ ownPrefix, plugin, prepare, service, variable }: ServiceUnderTest<Options>): void {
  describe(`object-store-${plugin.name} on a real service`, () => {
    if (service === undefined) {
      it(`did not run: ${variable} is not set (npm run test:interop starts a service)`)
      return
    }
    before(async () => { await prepare(service) })

    objectStoreConformance({ describe, it }, {
      name: plugin.name,
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
}
