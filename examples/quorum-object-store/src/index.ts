import { capabilitiesOf, defineObjectStore, type DurabilityScope, type LatencyClass, type ObjectStore, type ObjectStoreCapabilities, type ObjectStorePlugin } from '@streambed/sdk'
import { duration } from '@streambed/sdk/options'
import * as z from 'zod'
import { headerBytes } from './copy.ts'
import { innerStore, type InnerStore } from './inner-store.ts'
import { QuorumObjectStore } from './quorum-object-store.ts'

interface Options {
  readonly stores: readonly [InnerStore, InnerStore, InnerStore]
  /** Milliseconds. */
  readonly patience: number
}

const optionsSchema = z.strictObject({
  stores: z.tuple([innerStore, innerStore, innerStore]).superRefine((stores, context) => {
    for (const [index, store] of stores.entries()) {
      if (capabilitiesOf(store.plugin, store.options).conditionalCreate !== 'atomic') context.addIssue({ code: 'custom', message: 'must be a store that creates atomically (conditionalCreate)', path: [index] })
    }
  }),
  patience: duration(1, 600_000).default(5_000)
})

const scopes: readonly DurabilityScope[] = ['process', 'host', 'zone', 'region', 'multiRegion']
const classes: readonly LatencyClass[] = ['A', 'B', 'C']

/** As good as the second best of the three: that many a loss leaves. How far apart they are, they cannot know. */
function capabilities ({ stores }: Options): ObjectStoreCapabilities {
  const inner = stores.map(({ options, plugin }) => capabilitiesOf(plugin, options))
  const second = <T>(order: readonly T[], values: readonly T[]): T => order[values.map(value => order.indexOf(value)).sort((left, right) => left - right)[1]!]!
  return {
    conditionalCreate: 'atomic',
    multipart: false,
    objectBytesMax: Math.min(256 * 2 ** 20, ...inner.map(({ objectBytesMax }) => objectBytesMax - headerBytes)),
    scope: second(scopes, inner.map(({ scope }) => scope)),
    latencyClass: second(classes, inner.map(({ latencyClass }) => latencyClass))
  }
}

/** Objects in three stores of any plugins, of which any one may fail. */
const plugin: ObjectStorePlugin<Options> = defineObjectStore<Options>({
  name: 'quorum',
  options: optionsSchema,
  optionDocs: {
    stores: { type: 'list of three', description: 'Each `plugin`, a package or path, and its options. Their order is part of the data: never change it, nor point two at one place.' },
    patience: { type: 'duration', default: '5s', description: 'How long one store is waited for before the other two go on without it.' }
  },
  capabilities,
  open: async (options, environment) => {
    await using opened = new AsyncDisposableStack()
    const stores: ObjectStore[] = []
    for (const { options: inner, plugin } of options.stores) {
      const store = await plugin.open(inner, environment)
      opened.defer(async () => { await store.close() })
      stores.push(store)
    }
    opened.move()
    return new QuorumObjectStore([stores[0]!, stores[1]!, stores[2]!], { patienceMs: options.patience, objectBytesMax: capabilities(options).objectBytesMax }, environment)
  }
})

export default plugin
export { QuorumObjectStore } from './quorum-object-store.ts'
