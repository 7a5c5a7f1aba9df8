import type { OptionDoc } from '@streambed/sdk'
import { z } from 'zod'

const unitBytes: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }

export const capacityBytesMin = 4 * 2 ** 20
export const defaultCapacityBytes = 2 ** 30

/** `4GiB` to 4294967296; numbers are bytes; what is neither is left for the schema to refuse. */
export function parseBytes (value: unknown): unknown {
  if (typeof value !== 'string') return value
  const match = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|TiB)?$/.exec(value)
  return match === null ? value : Number(match[1]) * unitBytes[match[2] ?? '']!
}

const capacity = z.preprocess(parseBytes, z.int({ error: issue => `expected bytes, as a number or as "4GiB", got ${JSON.stringify(issue.input)}` })
  .min(capacityBytesMin, { error: issue => `must be at least ${capacityBytesMin} (4MiB), got ${String(issue.input)}` }))

export const optionsSchema = z.strictObject({
  path: z.string().min(1, { error: 'must name a folder or a block device' }),
  capacity: capacity.optional(),
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
