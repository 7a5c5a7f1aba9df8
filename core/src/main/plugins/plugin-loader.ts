import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreambedError, apiVersion, type OptionsSchema, type Plugin, type SchemaIssue } from '@streambed/sdk'
import type { BackendConfig, BrokerConfig } from '../config/broker-config.ts'
import type { Origin } from '../config/origin.ts'

type KindOf = { readonly wal: 'wal', readonly objects: 'objectStore', readonly metadata: 'metadataLog' }
export type BackendRole = keyof KindOf
export const backendRoles: readonly BackendRole[] = ['wal', 'objects', 'metadata']

/** Short names for our own packages. Anything else is a package name or, with a `.` or `/` in front, a path. */
const aliases: Readonly<Record<BackendRole, Readonly<Record<string, string>>>> = {
  wal: { 'regional-disk': '@streambed/wal-regional-disk', efs: '@streambed/wal-efs', object: '@streambed/wal-object', process: '@streambed/process/wal' },
  objects: {
    'azure-blob': '@streambed/object-store-azure-blob', fs: '@streambed/object-store-fs', gcs: '@streambed/object-store-gcs', oss: '@streambed/object-store-oss',
    process: '@streambed/process/object-store', s3: '@streambed/object-store-s3'
  },
  metadata: { file: '@streambed/metadata-file', object: '@streambed/metadata-object', process: '@streambed/process/metadata-log' }
}

const kinds: KindOf = { wal: 'wal', objects: 'objectStore', metadata: 'metadataLog' }

export type PluginOf<Role extends BackendRole> = Extract<Plugin, { readonly kind: KindOf[Role] }>

/** A plugin and its validated options. */
export interface LoadedBackend<Role extends BackendRole> { readonly plugin: PluginOf<Role>, readonly options: unknown }

/**
 * Brings the plugin that `backend` names, follows references in its options and validates them. `at`: the backend's key in the
 * configuration. MISCONFIGURED names the key, what was wrong, and the remedy.
 */
export async function loadBackend<Role extends BackendRole> (role: Role, backend: BackendConfig, at: readonly string[], config: Pick<BrokerConfig, 'baseFolder' | 'origin' | 'references'>): Promise<LoadedBackend<Role>> {
  const { baseFolder, origin, references } = config
  const plugin = await importPlugin(role, backend.plugin, baseFolder, `${origin.of([...at, 'plugin'])}: ${at.join('.')}`)
  if (backend.store !== undefined && !livesInStore(plugin)) {
    throw new StreambedError('MISCONFIGURED', `${origin.of([...at, 'store'])}: ${at.join('.')}.store: the plugin '${backend.plugin}' lives in no object store; leave it out`)
  }
  const options = await references.follow(backend.options, key => `${origin.of([...at, key])}: ${at.join('.')}.${key}`)
  return { plugin, options: await validateOptions(plugin.options, options, at, origin) }
}

function livesInStore (plugin: Plugin): boolean { return plugin.kind !== 'objectStore' && plugin.needsObjectStore }

/** The plugin that is known by a short name. */
export async function bundledPlugin<Role extends BackendRole> (role: Role, alias: string): Promise<PluginOf<Role>> { return await importPlugin(role, alias, '.', role) }

/** The short names that configuration may use for a role. */
export function knownAliases (role: BackendRole): readonly string[] { return Object.keys(aliases[role]) }

async function importPlugin<Role extends BackendRole> (role: Role, name: string, baseFolder: string, where: string): Promise<PluginOf<Role>> {
  const alias = aliases[role][name]
  const exported = alias === undefined ? await importFrom(name, baseFolder, where, role) : await import(alias) as { readonly default?: unknown }
  const plugin = exported.default as Partial<Plugin> | undefined
  if (typeof plugin !== 'object' || plugin === null || plugin.kind === undefined || typeof plugin.open !== 'function') {
    throw new StreambedError('MISCONFIGURED', `${where}.plugin must name a package whose default export is a Streambed plugin, got '${name}'`)
  }
  if (plugin.apiVersion !== apiVersion) {
    throw new StreambedError('MISCONFIGURED', `${where}.plugin '${name}' is made for contract version ${plugin.apiVersion}, this broker speaks ${apiVersion}; install a version of the plugin that matches`)
  }
  if (plugin.kind !== kinds[role]) throw new StreambedError('MISCONFIGURED', `${where}.plugin '${name}' is of kind ${plugin.kind}, expected ${kinds[role]}`)
  return plugin as PluginOf<Role>
}

async function importFrom (name: string, baseFolder: string, where: string, role: BackendRole): Promise<{ readonly default?: unknown }> {
  const require = createRequire(path.join(path.resolve(baseFolder), '_'))
  let resolved: string
  try {
    resolved = require.resolve(name)
  } catch (cause) {
    throw new StreambedError('MISCONFIGURED', `${where}.plugin '${name}' cannot be found from ${path.resolve(baseFolder)}; expected one of ${knownAliases(role).join(', ')}, an installed package, or a path`, { cause })
  }
  try {
    return await import(pathToFileURL(resolved).href) as { readonly default?: unknown }
  } catch (cause) {
    throw new StreambedError('MISCONFIGURED', `${where}.plugin '${name}' cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** Validates with the plugin's own schema. Values are never printed: they may be secret. */
async function validateOptions (schema: OptionsSchema<unknown>, options: unknown, at: readonly string[], origin: Origin): Promise<unknown> {
  const result = await schema['~standard'].validate(options)
  if (result.issues === undefined) return result.value
  const problems = result.issues.map(issue => {
    const path = [...at, ...pathOf(issue)]
    const [unknown] = unknownKeysOf(issue)
    const blamed = unknown === undefined ? origin.of(path) : origin.ofUnknown([...path, unknown])
    return `${blamed}: ${path.join('.')}: ${issue.message}`
  })
  throw new StreambedError('MISCONFIGURED', problems.join('\n'))
}

function pathOf (issue: SchemaIssue): string[] {
  return (issue.path ?? []).map(part => String(typeof part === 'object' ? part.key : part))
}

/** Keys that a schema does not know are not in the path of its issue; zod's issues list them apart. */
function unknownKeysOf (issue: SchemaIssue & { readonly keys?: unknown }): string[] {
  return Array.isArray(issue.keys) ? issue.keys.map(String) : []
}
