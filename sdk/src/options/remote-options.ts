import * as z from 'zod'
import type { OptionDoc } from '../plugin.ts'
import type { RemoteStoreOptions } from '../remote/remote-calls.ts'
import { bytes, duration } from './quantities.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30

/** What every store on the network lets its operator choose. */
export interface RemoteOptions {
  readonly prefix: string
  /** Milliseconds. */
  readonly requestTimeout: number
  /** Bytes a second. */
  readonly throughputMin: number
  readonly connectionsMax: number
}

/** The shape of `RemoteOptions`, to spread into a plugin's own schema. */
export const remoteOptions = {
  prefix: z.string().refine(prefix => Buffer.byteLength(prefix) <= 100 && !prefix.startsWith('/') && (prefix === '' || prefix.endsWith('/')), 'must be empty, or end with / and have at most 100 bytes').default(''),
  requestTimeout: duration(100, 600_000).default(10_000),
  throughputMin: bytes(KiB, GiB).default(MiB),
  connectionsMax: z.int().min(1).max(10_000).default(256)
}

export const remoteOptionDocs: Readonly<Record<keyof RemoteOptions, OptionDoc>> = Object.freeze({
  prefix: { type: 'string', default: "''", description: 'In front of all keys, with a `/` at its end. Clusters that share a bucket need one each.' },
  requestTimeout: { type: 'duration', default: '10s', description: 'For an answer; moving bytes adds their time at throughputMin.' },
  throughputMin: { type: 'bytes', default: '1MiB', description: 'Bytes a second that a request is given time for.' },
  connectionsMax: { type: 'number', default: '256', description: 'Connections to the service at a time.' }
})

/** What `RemoteObjectStore` takes, of the options that an operator gave. */
export function remoteStoreOptions ({ prefix, requestTimeout, throughputMin }: RemoteOptions): RemoteStoreOptions {
  return { prefix, requestTimeoutMs: requestTimeout, bytesPerSecondMin: throughputMin }
}
