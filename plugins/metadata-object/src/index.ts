import { StreambedError, defineMetadataLog, type MetadataLogPlugin } from '@streambed/sdk'
import { entryBytesMax } from './format.ts'
import { ObjectMetadataLog } from './metadata-log.ts'
import { optionDocs, optionsSchema, type ObjectMetadataLogOptions } from './options.ts'

/** A metadata log on any object store, shared by all brokers that are given the store and prefix. */
const object: MetadataLogPlugin<ObjectMetadataLogOptions> = defineMetadataLog<ObjectMetadataLogOptions>({
  name: 'object',
  options: optionsSchema,
  optionDocs,
  capabilities: ({ scope }) => ({ scope, isShared: true, entryBytesMax }),
  needsObjectStore: true,
  open: async (options, environment, { objectStore }) => {
    if (objectStore === undefined) throw new StreambedError('MISCONFIGURED', 'the metadata log on object storage was given no object store; configure one')
    return await ObjectMetadataLog.open(options, environment, objectStore)
  }
})

export default object
export type { ObjectMetadataLogOptions } from './options.ts'
