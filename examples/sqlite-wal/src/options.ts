import type { DurabilityScope, OptionDoc } from '@streambed/sdk'
import { bytes, duration, durabilityScope } from '@streambed/sdk/options'
import * as z from 'zod'

export interface SqliteWalOptions {
  readonly path: string
  /** Bytes of records and what each takes beside its data. */
  readonly capacity: number
  /** Milliseconds. */
  readonly lockTimeout: number
  readonly scope: DurabilityScope
}

const MiB = 2 ** 20

export const optionsSchema = z.strictObject({
  path: z.string().min(1),
  capacity: bytes(MiB, 2 ** 40).default(1024 * MiB),
  lockTimeout: duration(1, 60_000).default(5_000),
  scope: durabilityScope(['host', 'zone', 'region']).default('host')
})

export const optionDocs: Readonly<Record<keyof SqliteWalOptions, OptionDoc>> = {
  path: { type: 'string', description: 'The database file, on a local disk; its folder exists.' },
  capacity: { type: 'bytes', default: '1GiB', description: 'Of records not yet in objects. The file grows to a little more, and stays so large.' },
  lockTimeout: { type: 'duration', default: '5s', description: 'How long to wait for another process that is within a transaction. The broker stands still meanwhile.' },
  scope: { type: 'string', default: 'host', description: 'What the disk survives: host, zone or region.' }
}
