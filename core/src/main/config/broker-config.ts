import type { StorageOptions } from '../../storage/options.ts'
import type { ServerLimits } from '../../server/limits.ts'
import type { Origin } from './origin.ts'

/** One storage backend as the operator chose it: a plugin by alias, package name or path, and its own options. */
export interface BackendConfig {
  readonly plugin: string
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
    readonly objects: BackendConfig
    readonly metadata: BackendConfig
    readonly engine: StorageOptions
  }
  /** Broker settings by their Kafka names, as text; validated against the table in broker/config. */
  readonly kafka: Readonly<Record<string, string>>
  readonly limits: ServerLimits
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' }
  /** What errors blame for a setting. */
  readonly origin: Origin
  /** The folder that relative paths and plugin paths are resolved against. */
  readonly baseFolder: string
}
