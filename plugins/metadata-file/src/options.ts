import type { OptionDoc } from '@streambed/sdk'
import * as z from 'zod'

export interface FileMetadataLogOptions {
  readonly path: string
}

export const optionsSchema = z.strictObject({
  path: z.string().min(1, 'must name a folder')
})

export const optionDocs: Readonly<Record<string, OptionDoc>> = {
  path: {
    type: 'string',
    description: 'Folder that holds the log; made when absent. One broker at a time uses it; a cluster of several needs another plugin.'
  }
}
