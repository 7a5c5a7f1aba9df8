import { StreambedError, defineMetadataLog, type MetadataLogPlugin, type ObjectStore } from '@streambed/sdk'
import { entryBytesMax } from './format.ts'
import { ObjectMetadataLog } from './metadata-log.ts'
import { optionDocs, optionsSchema, type ObjectMetadataLogOptions } from './options.ts'
import { repairLog } from './repair.ts'

/** A metadata log on any object store, shared by all brokers that are given the store and prefix. */
const object: MetadataLogPlugin<ObjectMetadataLogOptions> = defineMetadataLog<ObjectMetadataLogOptions>({
  name: 'object',
  options: optionsSchema,
  optionDocs,
  capabilities: ({ scope }) => ({ scope, isShared: true, entryBytesMax }),
  needsObjectStore: true,
  open: async (options, environment, { objectStore }) => await ObjectMetadataLog.open(options, environment, given(objectStore)),
  repair: async (options, environment, { objectStore }) => await repairLog(options, environment, given(objectStore))
})

function given (objectStore: ObjectStore | undefined): ObjectStore {
  if (objectStore === undefined) throw new StreambedError('MISCONFIGURED', 'the metadata log on object storage was given no object store; configure one')
  return objectStore
}

export default object
export type { ObjectMetadataLogOptions } from './options.ts'
