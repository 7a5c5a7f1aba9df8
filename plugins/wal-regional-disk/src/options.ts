import type { OptionDoc } from '@streambed/sdk'
import { bytes } from '@streambed/sdk/options'
import { z } from 'zod'

export const capacityBytesMin = 4 * 2 ** 20
export const defaultCapacityBytes = 2 ** 30

export const optionsSchema = z.strictObject({
  path: z.string().min(1, { error: 'must name a folder or a block device' }),
  capacity: bytes(capacityBytesMin, 2 ** 50).optional(),
  lockFile: z.string().min(1).optional()
})

export interface RegionalDiskOptions {
  readonly path: string
  readonly capacity?: number | undefined
  readonly lockFile?: string | undefined
}

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  path: {
    type: 'string',
    description: 'A folder, made when absent, or a raw block device. One broker each. A device must be empty (zeros) or hold this log.'
  },
  capacity: {
    type: 'bytes (4GiB)',
    default: '1GiB in a folder; the whole device',
    description: 'Space for records that are not yet uploaded, at least 4MiB. A folder takes a new size at the next start; a device keeps the size it was formatted with. The disk space is not reserved ahead.'
  },
  lockFile: {
    type: 'string',
    default: '<path>.streambed-lock',
    description: 'For a block device: the file that keeps a second process of this host out. Refused for a folder, which holds its own.'
  }
})
