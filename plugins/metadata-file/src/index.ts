import { defineMetadataLog } from '@streambed/sdk'
import { FileMetadataLog, capabilities } from './metadata-log.ts'
import { optionDocs, optionsSchema } from './options.ts'
import type { FileMetadataLogOptions } from './options.ts'
import { repairLog } from './repair.ts'

export default defineMetadataLog<FileMetadataLogOptions>({
  name: 'file',
  options: optionsSchema,
  optionDocs,
  capabilities,
  needsObjectStore: false,
  open: (options, environment) => FileMetadataLog.open(options, environment),
  repair: repairLog
})

export type { FileMetadataLogOptions } from './options.ts'
