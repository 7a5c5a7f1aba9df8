import { defineWal, type WalPlugin } from '@streambed/sdk'
import { openWal } from './open-wal.ts'
import { optionDocs, optionsSchema, type RegionalDiskOptions } from './options.ts'

/** A write-ahead log on a disk: a folder, or a raw block device. Its scope is that of the disk, which the operator declares. */
const regionalDisk: WalPlugin<RegionalDiskOptions> = defineWal<RegionalDiskOptions>({
  name: 'regional-disk',
  options: optionsSchema,
  optionDocs,
  capabilities: ({ attach, reservation, scope = 'host' }) => ({
    scope,
    latencyClass: 'A',
    fencing: reservation === undefined ? 'epochFile' : 'reservation',
    remoteTakeover: attach !== undefined || reservation !== undefined,
    identity: true
  }),
  needsObjectStore: false,
  open: async (options, environment, context) => await openWal(options, environment, context)
})

export default regionalDisk
export type { RegionalDiskOptions } from './options.ts'
