import { capabilitiesOf, defineObjectStore, type ObjectStoreCapabilities, type ObjectStorePlugin } from '@streambed/sdk'
import * as z from 'zod'
import { EncryptingObjectStore } from './encrypting-object-store.ts'
import { plainSizeOf } from './format.ts'
import { innerStore, type InnerStore } from './inner-store.ts'
import { KeyRing } from './key-ring.ts'

interface Options { readonly keys: KeyRing, readonly store: InnerStore }

const optionsSchema = z.strictObject({
  keys: z.string().transform((text, context) => {
    try {
      return KeyRing.parse(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
      return z.NEVER
    }
  }),
  store: innerStore
})

/** In memory, encrypted and not, at once. */
const objectBytesLimit = 512 * 2 ** 20

function capabilities ({ store }: Options): ObjectStoreCapabilities {
  const inner = capabilitiesOf(store.plugin, store.options)
  return { ...inner, multipart: false, objectBytesMax: Math.min(objectBytesLimit, plainSizeOf(inner.objectBytesMax)) }
}

/** Any object store, with the bodies of its objects encrypted before they leave the broker. */
const plugin: ObjectStorePlugin<Options> = defineObjectStore<Options>({
  name: 'encrypting',
  options: optionsSchema,
  optionDocs: {
    keys: { type: 'reference ({ env } or { file })', description: 'Keys, a line each: an id, a space, 32 random bytes in base64. The first encrypts; the others are there to read older objects.' },
    store: { type: 'mapping', description: 'The store that keeps the encrypted objects: `plugin`, a package or path, and its options.' }
  },
  capabilities,
  open: async (options, environment) => {
    const { keys, store } = options
    return new EncryptingObjectStore(await store.plugin.open(store.options, environment), keys, capabilities(options).objectBytesMax, environment)
  }
})

export default plugin
