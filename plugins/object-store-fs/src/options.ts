import type { OptionDoc } from '@streambed/sdk'
import * as z from 'zod'

export interface FsObjectStoreOptions {
  readonly path: string
}

export const optionsSchema = z.strictObject({
  path: z.string().min(1, 'must name a folder')
})

export const optionDocs: Readonly<Record<string, OptionDoc>> = {
  path: {
    type: 'string',
    description: 'Folder that holds the objects; made when absent. Its file system needs hard links (ext4, xfs, btrfs, NFS). Several brokers may share it.'
  }
}
