import type { OptionDoc } from '@streambed/sdk'
import { bytes, durabilityScope, duration } from '@streambed/sdk/options'
import { z } from 'zod'

export const capacityBytesMin = 4 * 2 ** 20
export const defaultCapacityBytes = 2 ** 30

const scopes = ['host', 'zone', 'region'] as const

const timeoutMsMin = 100
const timeoutMsMax = 3_600_000
const attachTimeoutMs = 60_000
const reservationTimeoutMs = 30_000

/** fetch refuses them, and errors and the metadata log show a URL. */
function hasNoCredentials (url: string): boolean {
  const { password, username } = new URL(url)
  return username === '' && password === ''
}

const attachSchema = z.union([
  z.strictObject({ command: z.array(z.string()).min(1, { error: 'must name a program' }).refine(([program]) => program !== '', 'must name a program'), timeout: duration(timeoutMsMin, timeoutMsMax).default(attachTimeoutMs), url: z.undefined().optional() }),
  z.strictObject({ url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL', abort: true }).refine(hasNoCredentials, 'must hold no user or password; use attachToken'), timeout: duration(timeoutMsMin, timeoutMsMax).default(attachTimeoutMs), command: z.undefined().optional() })
], { error: 'must be { command: [program, argument, ...], timeout } or { url: http(s)://..., timeout }' })

const reservationSchema = z.strictObject({
  protocol: z.enum(['scsi', 'nvme'], { error: ({ input }) => `must be scsi or nvme, got ${JSON.stringify(input)}` }),
  tool: z.string().min(1).optional(),
  timeout: duration(timeoutMsMin, timeoutMsMax).default(reservationTimeoutMs)
})

export const optionsSchema = z.strictObject({
  path: z.string().min(1, { error: 'must name a folder or a block device' }),
  capacity: bytes(capacityBytesMin, 2 ** 50).optional(),
  lockFile: z.string().min(1).optional(),
  attach: attachSchema.optional(),
  attachToken: z.string().min(1).optional(),
  reservation: reservationSchema.optional(),
  scope: durabilityScope(scopes).optional()
}).refine(({ attach, attachToken }) => attachToken === undefined || attach?.url !== undefined, {
  path: ['attachToken'],
  error: 'is for "attach: { url }" alone'
})

/** Exactly one of `command` and `url`. `timeout`: milliseconds. */
export type AttachOptions =
  | { readonly command: readonly string[], readonly timeout: number, readonly url?: undefined }
  | { readonly url: string, readonly timeout: number, readonly command?: undefined }

export interface ReservationOptions {
  readonly protocol: 'scsi' | 'nvme'
  /** Default: `sg_persist` or `nvme`, wherever the system finds it. */
  readonly tool?: string | undefined
  /** Milliseconds that one call of the tool may take. */
  readonly timeout: number
}

export interface RegionalDiskOptions {
  readonly path: string
  readonly capacity?: number | undefined
  readonly lockFile?: string | undefined
  readonly attach?: AttachOptions | undefined
  readonly attachToken?: string | undefined
  readonly reservation?: ReservationOptions | undefined
  /** Default 'host'. */
  readonly scope?: typeof scopes[number] | undefined
}

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  path: {
    type: 'string',
    description: 'A folder, made when absent, or a raw block device. One broker each. A device must be empty (zeros) or hold this log.'
  },
  capacity: {
    type: 'bytes (4GiB)',
    default: '1GiB in a folder; the whole device',
    description: 'Space for records that are not yet uploaded, at least 4MiB; of a device half of it, the other half being kept for takeovers. A folder takes a new size at the next start; a device keeps the size it was formatted with. The disk space is not reserved ahead.'
  },
  lockFile: {
    type: 'string',
    default: '<path>.streambed-lock',
    description: 'For a block device: begins the names of the files by which processes of this host know of each other. Refused for a folder, which holds its own.'
  },
  attach: {
    type: 'hook',
    default: 'none',
    description: 'Brings the disk to this host and takes it from any other, before it is opened: `{ command: [program, argument, ...], timeout: 60s }` or `{ url: https://..., timeout: 60s }`. See docs/recipes/regional-disks.md for what it is told and must do.'
  },
  attachToken: {
    type: 'string',
    default: 'none',
    description: 'For `attach: { url }`: sent as bearer token. Give a reference, `{ env: NAME }` or `{ file: PATH }`.'
  },
  reservation: {
    type: 'reservation',
    default: 'none',
    description: 'For a block device that several hosts have at once: `{ protocol: scsi }` (SCSI-3 persistent reservations, by `sg_persist`) or `{ protocol: nvme }` (by `nvme`), with `tool: path of the program` and `timeout: 30s`, of one call. The device then refuses writes of every other host.'
  },
  scope: {
    type: 'host, zone or region',
    default: 'host',
    description: 'What the disk survives: one inside the machine is `host`; a network disk of one zone (EBS, a zonal persistent disk) is `zone`; Azure zone-redundant disks, Google regional persistent disks and Alibaba regional ESSD are `region`. It is declared here and proves nothing.'
  }
})
