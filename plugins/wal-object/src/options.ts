import type { DurabilityScope, LatencyClass, OptionDoc } from '@streambed/sdk'
import { bytes, duration, durabilityScope } from '@streambed/sdk/options'
import { z } from 'zod'

const mib = 2 ** 20

export interface ObjectWalOptions {
  readonly prefix: string
  readonly capacity: number
  readonly batchBytesMax: number
  readonly batchIntervalMsMax: number
  readonly uploadsMax: number
  readonly putTimeoutMs: number
  readonly putDeadlineMs: number
  readonly hedgePercentile: number
  readonly hedgeShareMax: number
  readonly scope: DurabilityScope
  readonly latencyClass: LatencyClass
}

export const defaultOptions: ObjectWalOptions = Object.freeze({
  prefix: 'wal/{hash}/{cluster}/{node}',
  capacity: 8 * 2 ** 30,
  batchBytesMax: 4 * mib,
  batchIntervalMsMax: 100,
  uploadsMax: 8,
  putTimeoutMs: 10_000,
  putDeadlineMs: 3_600_000,
  hedgePercentile: 95,
  hedgeShareMax: 0.05,
  scope: 'host',
  latencyClass: 'C'
})

const prefix = z.string()
  .regex(/^(?!\/)[^{}]*(\{(hash|cluster|node)\}[^{}]*)*$/, { error: 'must be the beginning of a key, in which only {hash}, {cluster} and {node} stand for something' })
  .refine(text => text.length > 0 && !text.endsWith('/') && !text.includes('//'), { error: 'must be the beginning of a key, without a "/" at its end and without an empty part' })

export const optionsSchema = z.strictObject({
  prefix: prefix.default(defaultOptions.prefix),
  capacity: bytes(4 * mib, 2 ** 50).default(defaultOptions.capacity),
  batchBytesMax: bytes(1024, 64 * mib).default(defaultOptions.batchBytesMax),
  batchIntervalMsMax: duration(0, 10_000).default(defaultOptions.batchIntervalMsMax),
  uploadsMax: z.int().min(1).max(256).default(defaultOptions.uploadsMax),
  putTimeoutMs: duration(100, 600_000).default(defaultOptions.putTimeoutMs),
  putDeadlineMs: duration(100, 3_600_000).default(defaultOptions.putDeadlineMs),
  hedgePercentile: z.number().min(50).max(99.9).default(defaultOptions.hedgePercentile),
  hedgeShareMax: z.number().min(0).max(0.5).default(defaultOptions.hedgeShareMax),
  scope: durabilityScope().default(defaultOptions.scope),
  latencyClass: z.enum(['A', 'B', 'C']).default(defaultOptions.latencyClass)
})

export const optionDocs: Readonly<Record<string, OptionDoc>> = Object.freeze({
  prefix: {
    type: 'string',
    default: defaultOptions.prefix,
    description: 'Where in the store the log is. {hash} stands for eight hexadecimal digits that spread the logs of many nodes over a store that partitions by key, {cluster} and {node} for their ids. Without {cluster} and {node} every broker needs a prefix of its own; the log of another one is refused.'
  },
  capacity: {
    type: 'bytes (8GiB)',
    default: '8GiB',
    description: 'How much may wait here for its upload, at least 4MiB. Beyond it appends are refused until there is room.'
  },
  batchBytesMax: {
    type: 'bytes (4MiB)',
    default: '4MiB',
    description: 'A batch that has reached this size is sent at once. A single larger record makes a batch of its own.'
  },
  batchIntervalMsMax: {
    type: 'duration (100ms)',
    default: '100ms',
    description: 'How long records gather for the next batch while all uploads but one are in use; with fewer in use, in proportion less; with none, not at all. Larger: fewer puts, so less cost; smaller: less latency under load. 0: never.'
  },
  uploadsMax: {
    type: 'number',
    default: '8',
    description: 'Batches that are sent at a time, 1 to 256. They are confirmed in order. Sustained bytes per second are at most uploadsMax × batchBytesMax / latency of a put.'
  },
  putTimeoutMs: {
    type: 'duration (10s)',
    default: '10s',
    description: 'A put without an answer for this long is given up and sent again. Less than putDeadlineMs, or it is without effect.'
  },
  putDeadlineMs: {
    type: 'duration (1h)',
    default: '1h',
    description: 'A put is sent again for this long; then the log takes no more records until it is opened again. Until then what waits for it is neither confirmed nor refused, and goes on by itself once the store answers.'
  },
  hedgePercentile: {
    type: 'number',
    default: '95',
    description: 'A put that has taken longer than this percentile of the last ones is sent a second time, and the first answer counts. 50 to 99.9.'
  },
  hedgeShareMax: {
    type: 'number',
    default: '0.05',
    description: 'The share of puts that may be sent a second time, 0 to 0.5. 0: none.'
  },
  scope: {
    type: 'process, host, zone, region or multiRegion',
    default: 'host',
    description: 'What a loss may take without losing a record: that of the object store in use, which the log cannot ask for. It is declared here and proves nothing; say no more than the store does (its own entry names its scope).'
  },
  latencyClass: {
    type: 'A, B or C',
    default: 'C',
    description: 'The latency class of the object store in use, declared like the scope: standard object storage is C, express zones are B.'
  }
})
