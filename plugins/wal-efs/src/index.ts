import { defineWal, type WalPlugin } from '@streambed/sdk'
import { openWal } from './open-wal.ts'
import { optionDocs, optionsSchema, type EfsOptions } from './options.ts'

/**
 * A write-ahead log on a file system that several hosts mount: NFSv4, such as EFS, FSx, Filestore and Azure NetApp Files.
 * It outlives the broker's host; how much more it outlives is the service's affair, and the operator says so in `scope`.
 */
const efs: WalPlugin<EfsOptions> = defineWal<EfsOptions>({
  name: 'efs',
  options: optionsSchema,
  optionDocs,
  capabilities: ({ scope }) => ({ scope, latencyClass: 'B', fencing: 'epochFile', remoteTakeover: true, identity: true }),
  needsObjectStore: false,
  open: async (options, environment, context) => await openWal(options, environment, context)
})

export default efs
export type { EfsOptions } from './options.ts'
