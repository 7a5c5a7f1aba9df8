import type { OptionDoc } from '@streambed/sdk'
import { bytes, durabilityScope, duration } from '@streambed/sdk/options'
import { z } from 'zod'

const MiB = 2 ** 20
export const capacityBytesMin = 4 * MiB
export const segmentBytesMin = MiB
/** A log has few segments: each is named in the epoch file. */
export const segmentsOfCapacityMax = 256
export const deadlineMsMin = 100

const scopes = ['host', 'zone', 'region'] as const

export const optionsSchema = z.strictObject({
  path: z.string().min(1, { error: 'must name a folder' }),
  capacity: bytes(capacityBytesMin, 2 ** 50).default(1024 * MiB),
  segmentBytes: bytes(segmentBytesMin, 2 ** 50).default(64 * MiB),
  deadlineMs: duration(deadlineMsMin, 3_600_000).default(30_000),
  scope: durabilityScope(scopes).default('zone')
}).refine(({ capacity, segmentBytes }) => capacity / segmentBytes <= segmentsOfCapacityMax, {
  path: ['segmentBytes'],
  error: `must be at least capacity / ${segmentsOfCapacityMax}`
})

export interface EfsOptions {
  readonly path: string
  readonly capacity: number
  readonly segmentBytes: number
  readonly deadlineMs: number
  readonly scope: typeof scopes[number]
}

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  path: {
    type: 'string',
    description: 'A folder on the shared file system, made when absent. One broker each. The file system needs direct access (O_DIRECT), which NFS has; any mount options will do, `hard` among them.'
  },
  capacity: {
    type: 'bytes (4GiB)',
    default: '1GiB',
    description: 'Space for records that are not yet uploaded, at least 4MiB. It may change at a restart. The files take up to two segments more.'
  },
  segmentBytes: {
    type: 'bytes (64MiB)',
    default: '64MiB',
    description: `Size of one file, at least 1MiB and at least capacity / ${segmentsOfCapacityMax}. Trimmed records free disk space a file at a time.`
  },
  deadlineMs: {
    type: 'milliseconds (30s)',
    default: '30s',
    description: 'How long one call of the file system may take, at least 100. After it the mount counts as lost: appends fail with UNAVAILABLE and the log has to be opened again. Longer than a failover of the file server (EFS: seconds; NFS servers with a grace period: 90s), or each one interrupts the broker.'
  },
  scope: {
    type: 'host, zone or region',
    default: 'zone',
    description: 'What the service survives: EFS Regional, FSx Multi-AZ and Filestore Regional are `region`; a file server in one zone is `zone`. It is declared here and proves nothing.'
  }
})
