import type { BatchChecks } from '../../broker/partition/batch-checks.ts'
import type { StorageOptions } from '../../storage/options.ts'
import type { ServerLimits } from '../../server/limits.ts'
import type { Origin } from './origin.ts'
import type { References } from '@streambed/sdk/node'

/** One storage backend as the operator chose it: a plugin by alias, package name or path, and its own options. */
export interface BackendConfig {
  readonly plugin: string
  /** Of a WAL or metadata log that lives in an object store: that store's name, where the operator gave it. */
  readonly store?: string
  readonly options: Readonly<Record<string, unknown>>
}

export interface ListenerConfig {
  /** Upper-case name, unique; `PLAINTEXT` by default. */
  readonly name: string
  /** Where the broker listens. */
  readonly host: string
  /** 0: a free one, for tests. */
  readonly port: number
  /** What clients are told; the same as above where absent. */
  readonly advertised?: { readonly host: string, readonly port: number }
}

/** A validated configuration: every field present, nothing unknown. Made by `loadConfig` alone. */
export interface BrokerConfig {
  readonly node: { readonly id: number, readonly rack: string | null, readonly listeners: readonly ListenerConfig[] }
  readonly storage: {
    readonly wal: BackendConfig
    /** By name; new objects go to `engine.store`. */
    readonly stores: Readonly<Record<string, BackendConfig>>
    readonly metadata: BackendConfig
    readonly engine: StorageOptions
  }
  /** Broker settings by their Kafka names, as text; validated against the table in broker/config. */
  readonly kafka: Readonly<Record<string, string>>
  readonly produce: BatchChecks
  readonly limits: ServerLimits
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' }
  /** What errors blame for a setting. */
  readonly origin: Origin
  /** Follows references to secrets in the options of backends. */
  readonly references: References
  /** The folder that relative paths and plugin paths are resolved against. */
  readonly baseFolder: string
}
