import type { Environment } from './environment.ts'
import type { MetadataLog, MetadataLogCapabilities } from './metadata-log.ts'
import type { ObjectStore, ObjectStoreCapabilities } from './object-store.ts'
import type { Wal, WalCapabilities, WalOpening, WalWriter } from './wal.ts'

/** The major version of the contracts. A host refuses a plugin of another one. */
export const apiVersion = 1

/**
 * The part of the Standard Schema specification (standardschema.dev, version 1) that the host uses. zod, valibot and
 * arktype schemas have it; the SDK depends on none of them.
 */
export interface OptionsSchema<Options> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Options> | Promise<SchemaResult<Options>>
    readonly types?: { readonly input: unknown, readonly output: Options } | undefined
  }
}
export type SchemaResult<Options> =
  | { readonly value: Options, readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What an operator reads of one option, in `streambed config reference`. */
export interface OptionDoc {
  readonly type: string
  /** As written in YAML; absent when the option is required. */
  readonly default?: string
  readonly description: string
}

interface PluginBase<Options> {
  /** The name that configuration and certificates use: lower-case words joined by `-`. */
  readonly name: string
  readonly options: OptionsSchema<Options>
  /** One entry an option, for the generated reference. */
  readonly optionDocs: Readonly<Record<string, OptionDoc>>
}

/** What the author claims: of every instance, or of one with these options. */
export type Declared<Capabilities, Options> = Capabilities | ((options: Options) => Capabilities)

/** The capabilities of an instance that `plugin` opens with `options` (already validated). */
export function capabilitiesOf<Capabilities extends object, Options> (plugin: { readonly capabilities: Declared<Capabilities, Options> }, options: Options): Capabilities {
  const { capabilities } = plugin
  return typeof capabilities === 'function' ? capabilities(options) : capabilities
}

/** List prices of a service, for estimates: what they were, when, and where that is written. Money per unit named. */
export interface PriceTable {
  readonly currency: string
  /** The region or tier they hold for. */
  readonly region: string
  /** The month they were read, YYYY-MM. */
  readonly readOn: string
  readonly source: string
  readonly perThousand: { readonly put: number, readonly get: number, readonly list: number, readonly delete: number }
  /** Per GB (10^9 bytes) moved in and out of the service, from within its region. */
  readonly perGb: { readonly written: number, readonly read: number }
  readonly perGbMonth: number
}

export interface ObjectStorePlugin<Options = unknown> extends PluginBase<Options> {
  readonly kind: 'objectStore'
  readonly apiVersion: number
  readonly capabilities: Declared<ObjectStoreCapabilities, Options>
  /** Absent where using the service costs nothing by the request or byte. */
  readonly prices?: (options: Options) => PriceTable
  /** Resolves with a working store or rejects with nothing left open. */
  open (options: Options, environment: Environment): Promise<ObjectStore>
}

export interface WalPlugin<Options = unknown> extends PluginBase<Options> {
  readonly kind: 'wal'
  readonly apiVersion: number
  readonly capabilities: Declared<WalCapabilities, Options>
  /** Whether `open` is given the cluster's object store. */
  readonly needsObjectStore: boolean
  open (options: Options, environment: Environment, context: WalContext): Promise<Wal>
}
export interface WalContext {
  readonly writer: WalWriter
  /** Absent: `create`. */
  readonly opening?: WalOpening | undefined
  /** Present exactly when the plugin declares `needsObjectStore`. */
  readonly objectStore?: ObjectStore
}

export interface MetadataLogPlugin<Options = unknown> extends PluginBase<Options> {
  readonly kind: 'metadataLog'
  readonly apiVersion: number
  readonly capabilities: Declared<MetadataLogCapabilities, Options>
  readonly needsObjectStore: boolean
  open (options: Options, environment: Environment, context: MetadataLogContext): Promise<MetadataLog>
  /**
   * Makes a log usable again that `open`, or reading it, refuses with CORRUPT: an operator's last resort, when there is no copy to
   * put back. Nobody has the log open, or opens it, meanwhile; a log of one process is LOCKED while somebody does.
   *
   * It keeps the longest readable beginning: the newest snapshot that can be read, and the entries that follow it without a gap. All
   * else ends up under a name that `open` and `repair` pass over, in the same folder or under the same prefix; nothing is
   * deleted. It changes nothing of a sound log, nor of none. It may be stopped at any point, and is then called again: until it
   * is done the log is refused as before, or opens as it will be.
   *
   * Rejects with UNSUPPORTED at a format newer than this program's, and as `open` does. Absent: this log knows no way out.
   */
  repair? (options: Options, environment: Environment, context: MetadataLogContext): Promise<MetadataRepair>
}
export interface MetadataLogContext { readonly objectStore?: ObjectStore }
/** What a repair has left. */
export interface MetadataRepair {
  /** The position after the last entry that is kept: the next one gets it. */
  readonly end: number
  /** Where what this call cut off lies now: file names in the log's folder, or object keys. */
  readonly setAside: readonly string[]
  /** `end`, when entries from there on were lost or may have been; undefined: none was. */
  readonly lostFrom: number | undefined
}

export type Plugin = ObjectStorePlugin | WalPlugin | MetadataLogPlugin

type Definition<P> = Omit<P, 'kind' | 'apiVersion'>

/** Makes a plugin package's default export; the type parameter ties `open` to what the schema yields. */
export function defineObjectStore<Options> (definition: Definition<ObjectStorePlugin<Options>>): ObjectStorePlugin<Options> {
  return Object.freeze({ ...definition, kind: 'objectStore' as const, apiVersion })
}
/** Makes the default export of a WAL's package; see `defineObjectStore`. */
export function defineWal<Options> (definition: Definition<WalPlugin<Options>>): WalPlugin<Options> {
  return Object.freeze({ ...definition, kind: 'wal' as const, apiVersion })
}
/** Makes the default export of a metadata log's package; see `defineObjectStore`. */
export function defineMetadataLog<Options> (definition: Definition<MetadataLogPlugin<Options>>): MetadataLogPlugin<Options> {
  return Object.freeze({ ...definition, kind: 'metadataLog' as const, apiVersion })
}
