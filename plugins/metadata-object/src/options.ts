import type { DurabilityScope, OptionDoc } from '@streambed/sdk'
import { duration, durabilityScope } from '@streambed/sdk/options'
import { z } from 'zod'

export interface ObjectMetadataLogOptions {
  readonly prefix: string
  readonly pollIntervalMsMin: number
  readonly pollIntervalMsMax: number
  readonly putTimeoutMs: number
  readonly putDeadlineMs: number
  readonly scope: DurabilityScope
}

export const defaultOptions: ObjectMetadataLogOptions = Object.freeze({
  prefix: 'metadata',
  pollIntervalMsMin: 100,
  pollIntervalMsMax: 1_000,
  putTimeoutMs: 10_000,
  putDeadlineMs: 30_000,
  scope: 'host'
})

export const optionsSchema = z.strictObject({
  prefix: z.string().regex(/^[^/]+(\/[^/]+)*$/, { error: 'must be the beginning of a key, without a "/" at its ends and without an empty part' }).default(defaultOptions.prefix),
  pollIntervalMsMin: duration(1, 60_000).default(defaultOptions.pollIntervalMsMin),
  pollIntervalMsMax: duration(1, 600_000).default(defaultOptions.pollIntervalMsMax),
  putTimeoutMs: duration(100, 600_000).default(defaultOptions.putTimeoutMs),
  putDeadlineMs: duration(100, 3_600_000).default(defaultOptions.putDeadlineMs),
  scope: durabilityScope().default(defaultOptions.scope)
}).refine(({ pollIntervalMsMin, pollIntervalMsMax }) => pollIntervalMsMin <= pollIntervalMsMax, { error: 'must be at least pollIntervalMsMin', path: ['pollIntervalMsMax'] })

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  prefix: {
    type: 'string',
    default: defaultOptions.prefix,
    description: 'Where in the store the log is. All brokers of a cluster name the same one, no two clusters do.'
  },
  pollIntervalMsMin: {
    type: 'duration (100ms)',
    default: '100ms',
    description: 'How soon after the log grew it is asked again whether another broker has appended. While it does not grow, the interval doubles up to pollIntervalMsMax.'
  },
  pollIntervalMsMax: {
    type: 'duration (1s)',
    default: '1s',
    description: 'The longest such interval: how late a broker learns of a change by another one. Each asking is one HEAD request; at 1s an idle broker makes 2.6 million a month.'
  },
  putTimeoutMs: {
    type: 'duration (10s)',
    default: '10s',
    description: 'A put without an answer for this long is given up and sent again.'
  },
  putDeadlineMs: {
    type: 'duration (30s)',
    default: '30s',
    description: 'After this time of failed attempts an append is given up; whether it happened is settled by the next read.'
  },
  scope: {
    type: 'process, host, zone, region or multiRegion',
    default: 'host',
    description: 'What a loss may take without losing an entry: that of the object store in use, which the log cannot ask for. It is declared here and proves nothing; say no more than the store does.'
  }
})
