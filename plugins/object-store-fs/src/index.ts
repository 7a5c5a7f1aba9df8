import { defineObjectStore } from '@streambed/sdk'
import { FsObjectStore, capabilities } from './object-store.ts'
import { optionDocs, optionsSchema } from './options.ts'
import type { FsObjectStoreOptions } from './options.ts'

export default defineObjectStore<FsObjectStoreOptions>({
  name: 'fs',
  options: optionsSchema,
  optionDocs,
  capabilities,
  open: (options, environment) => FsObjectStore.open(options, environment)
})

export type { FsObjectStoreOptions } from './options.ts'
