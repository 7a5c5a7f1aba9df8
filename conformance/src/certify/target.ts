import { createHash } from 'node:crypto'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire, findPackageJSON } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  StreambedError, apiVersion, capabilitiesOf, type Environment, type Finding, type LatencyClass, type MetadataLog, type MetadataLogCapabilities, type MetadataRepair, type ObjectStore, type ObjectStoreCapabilities,
  type ObjectStorePlugin, type Plugin, type PriceTable, type Wal, type WalCapabilities, type WalOpening, type WalWriter
} from '@streambed/sdk'
import { References } from '@streambed/sdk/node'

type Options = Readonly<Record<string, unknown>>
export type Instance = ObjectStore | Wal | MetadataLog
export type Capabilities = ObjectStoreCapabilities | WalCapabilities | MetadataLogCapabilities

/** What stands in options for the place of one check, so that checks and runs do not meet. */
export const placeholder = '{run}'
/** What stands in options for an endpoint that a fault proxy may be put in front of: `{proxy:http://127.0.0.1:9000}`. */
const proxyPlaceholder = /\{proxy:(https?:\/\/[^{}]+)\}/g

/** A plugin as a process can bring it again: where it is, and the options given to it. */
export interface Part { readonly url: string, readonly options: Options }

export interface TargetSpec {
  /** A package name, or a path. */
  readonly plugin: string
  /** As given; references `{ env: NAME }` and `{ file: PATH }` are followed. `store` in it describes the object store for a plugin that needs one. */
  readonly options: Options
  /** Relative names are resolved from here. */
  readonly baseFolder: string
  readonly variables: Readonly<Record<string, string | undefined>>
}

interface Loaded { readonly plugin: Plugin, readonly part: Part, readonly file: string }

/** What is certified: a plugin with the options of one deployment. */
export class Target {
  readonly name: string
  readonly plugin: Plugin
  readonly capabilities: Capabilities
  /** The endpoint that the options name as {proxy:URL}. */
  readonly endpoint: URL | undefined
  /** Values that the options hold by reference: nobody may ever read them in a log or an error. */
  readonly secrets: readonly string[]
  readonly #subject: Loaded
  readonly #store: Loaded | undefined

  private constructor (name: string, subject: Loaded, store: Loaded | undefined, capabilities: Capabilities, facts: Pick<Target, 'endpoint' | 'secrets'>) {
    this.name = name
    this.plugin = subject.plugin
    this.capabilities = capabilities
    this.endpoint = facts.endpoint
    this.secrets = facts.secrets
    this.#subject = subject
    this.#store = store
  }

  /** The latency class that the plugin promises, where it promises one. */
  get declaredClass (): LatencyClass | undefined { return (this.capabilities as { readonly latencyClass?: LatencyClass }).latencyClass }

  /** MISCONFIGURED says what is wrong with the plugin or its options, and what was expected. */
  static async load ({ baseFolder, options: { store, ...options }, plugin: name, variables }: TargetSpec): Promise<Target> {
    const references = new References(variables, baseFolder)
    const load = async (plugin: string, given: Options, where: string): Promise<Loaded> => {
      const found = await importPlugin(plugin, baseFolder)
      return { ...found, part: { url: found.url, options: await references.follow(given, key => where + key) } }
    }
    const subject = await load(name, options, '')
    const isOnStore = subject.plugin.kind !== 'objectStore' && subject.plugin.needsObjectStore
    if (isOnStore !== (store !== undefined)) {
      throw misconfigured(isOnStore ? `the plugin '${name}' lives in an object store: describe it under 'store', with its 'plugin' and options` : `the plugin '${name}' lives in no object store: leave 'store' out`)
    }
    if (store !== undefined && (typeof store !== 'object' || store === null || typeof (store as { plugin?: unknown }).plugin !== 'string')) throw misconfigured("'store' must hold 'plugin', the name of an object store plugin, and its options")
    const { plugin: storeName, ...storeOptions } = (store ?? {}) as { readonly plugin?: string } & Options
    const storePart = storeName === undefined ? undefined : await load(storeName, storeOptions, 'store.')
    if (storePart !== undefined && storePart.plugin.kind !== 'objectStore') throw misconfigured(`'store.plugin' must name an object store, '${storeName}' is of kind ${storePart.plugin.kind}`)
    if (!JSON.stringify([subject.part.options, storePart?.part.options]).includes(placeholder)) {
      throw misconfigured(`no option contains ${placeholder}. Each check needs an empty place of its own; write, for example, "path: /mnt/certify/${placeholder}" or "prefix: certify-${placeholder}/"`)
    }
    const validated = await validatedAt(subject, 'probe')
    if (storePart !== undefined) await validatedAt(storePart, 'probe')
    const endpoint = endpointOf([subject.part.options, storePart?.part.options])
    const secrets = [...secretsOf(options, subject.part.options), ...secretsOf(storeOptions, storePart?.part.options ?? {})]
    return new Target(name, subject, storePart, capabilitiesOf(subject.plugin as { readonly capabilities: Capabilities }, validated), { endpoint, secrets })
  }

  /** Version of the plugin's package and SHA-256 of its entry file. */
  identity (): { readonly package: string, readonly version: string, readonly sha256: string } {
    const { file, part: { url } } = this.#subject
    const manifest = findPackageJSON(url)
    const { name = this.name, version = 'none' } = manifest === undefined ? {} : JSON.parse(readFileSync(manifest, 'utf8')) as { readonly name?: string, readonly version?: string }
    return { package: name, version, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }
  }

  /** The place named `run`, for whoever opens it: this process or another. `endpoint`: instead of the one that is named as {proxy:URL}. */
  place (run: string, endpoint?: string): Place {
    const at = ({ part: { options, url } }: Loaded): Part => ({ url, options: placed(options, run, endpoint) as Options })
    return { subject: at(this.#subject), ...this.#store === undefined ? {} : { store: at(this.#store) } }
  }

  /** `opening`: of a log; absent: `create`. */
  async open (place: Place, environment: Environment, writer?: WalWriter, { opening, wrapStore }: HowOpened = {}): Promise<Instance> {
    return await openPlace(this.plugin, place, environment, writer, { opening, wrapStore })
  }

  /** Of a metadata log that has a repair. Nothing is open at the place. */
  async repair (place: Place, environment: Environment): Promise<MetadataRepair> {
    const { plugin } = this
    if (plugin.kind !== 'metadataLog' || plugin.repair === undefined) throw misconfigured(`the plugin '${this.name}' has no repair`)
    const options = await validate(plugin, place.subject.options)
    if (place.store === undefined) return await plugin.repair(options, environment, {})
    await using objectStore = await openStore(place.store, environment)
    return await plugin.repair(options, environment, { objectStore })
  }

  /** Whether it lives in an object store. */
  get isOnStore (): boolean { return this.#store !== undefined }

  /** Empties the place `run` and removes the folders and files that its options name. */
  async cleanUp (run: string, environment: Environment): Promise<void> {
    const place = this.place(run)
    const holder = this.plugin.kind === 'objectStore' ? place.subject : place.store
    if (holder !== undefined) {
      await using store = await openStore(holder, environment)
      for (let isLast = false; !isLast;) {
        const page = await store.list('')
        await store.delete(page.objects.map(({ key }) => key))
        isLast = page.isLast
      }
    }
    for (const loaded of [this.#subject, this.#store]) {
      if (loaded !== undefined) for (const local of localPlaces(loaded.part.options, run)) rmSync(local, { recursive: true, force: true })
    }
  }

  /** Whether the service answers, and what its own checks find. Errors come first. */
  async preflight (run: string, environment: Environment, signal: AbortSignal): Promise<readonly Finding[]> {
    const place = this.place(run)
    const holder = this.plugin.kind === 'objectStore' ? place.subject : place.store
    if (holder === undefined) return []
    await using store = await openStore(holder, environment)
    return [...await store.preflight({ signal })].sort((left, right) => Number(right.severity === 'error') - Number(left.severity === 'error'))
  }

  /** List prices of the service that holds the bytes; undefined where there are none. */
  async prices (): Promise<PriceTable | undefined> {
    const holder = this.plugin.kind === 'objectStore' ? this.#subject : this.#store
    return holder === undefined ? undefined : (holder.plugin as ObjectStorePlugin).prices?.(await validatedAt(holder, 'probe'))
  }
}

export interface Place { readonly subject: Part, readonly store?: Part }

export interface HowOpened {
  readonly opening?: WalOpening | undefined
  readonly wrapStore?: ((store: ObjectStore) => ObjectStore) | undefined
}

/** Opens what `place` describes, in any process that has imported `plugin`. Closing the instance closes its store. */
export async function openPlace (plugin: Plugin, { store: storePart, subject }: Place, environment: Environment, writer?: WalWriter, { opening, wrapStore = store => store }: HowOpened = {}): Promise<Instance> {
  const options = await validate(plugin, subject.options)
  if (plugin.kind === 'objectStore') return await plugin.open(options, environment)
  const store = storePart === undefined ? undefined : wrapStore(await openStore(storePart, environment))
  try {
    const context = store === undefined ? {} : { objectStore: store }
    const instance = plugin.kind === 'wal'
      ? await plugin.open(options, environment, { writer: writer!, opening, ...context })
      : await plugin.open(options, environment, context)
    return store === undefined ? instance : closingBoth(instance, store)
  } catch (error) {
    await store?.close()
    throw error
  }
}

async function openStore ({ options, url }: Part, environment: Environment): Promise<ObjectStore> {
  const plugin = (await import(url) as { readonly default: ObjectStorePlugin }).default
  return await plugin.open(await validate(plugin, options), environment)
}

function closingBoth<T extends Wal | MetadataLog> (instance: T, store: ObjectStore): T {
  const close = async (): Promise<void> => {
    await instance.close()
    await store.close()
  }
  return new Proxy(instance, {
    get: (target, name) => {
      if (name === 'close' || name === Symbol.asyncDispose) return close
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    }
  })
}

async function importPlugin (name: string, baseFolder: string): Promise<{ readonly plugin: Plugin, readonly url: string, readonly file: string }> {
  let file: string
  try {
    file = createRequire(path.join(path.resolve(baseFolder), '_')).resolve(name)
  } catch {
    try {
      file = createRequire(import.meta.url).resolve(name)
    } catch (cause) {
      throw misconfigured(`the plugin '${name}' cannot be found from ${path.resolve(baseFolder)}; expected an installed package such as @streambed/object-store-s3, or a path`, cause)
    }
  }
  const url = pathToFileURL(file).href
  let exported: { readonly default?: Partial<Plugin> }
  try {
    exported = await import(url) as typeof exported
  } catch (cause) {
    throw misconfigured(`the plugin '${name}' cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
  const plugin = exported.default
  if (plugin?.kind === undefined || typeof plugin.open !== 'function') throw misconfigured(`'${name}' has no Streambed plugin as its default export; defineObjectStore, defineWal and defineMetadataLog make one`)
  if (plugin.apiVersion !== apiVersion) throw misconfigured(`the plugin '${name}' is made for contract version ${plugin.apiVersion}, this suite checks version ${apiVersion}; install a suite and a plugin that match`)
  return { plugin: plugin as Plugin, url, file }
}

async function validatedAt ({ part, plugin }: Loaded, run: string): Promise<unknown> { return await validate(plugin, placed(part.options, run) as Options) }

async function validate (plugin: Plugin, options: Options): Promise<unknown> {
  const result = await plugin.options['~standard'].validate(options)
  if (result.issues === undefined) return result.value
  throw misconfigured(result.issues.map(({ message, path: at = [] }) => `option ${at.map(part => String(typeof part === 'object' ? part.key : part)).join('.') || '(all)'}: ${message}`).join('\n'))
}

function placed (value: unknown, run: string, endpoint?: string): unknown {
  if (typeof value === 'string') return value.replaceAll(placeholder, run).replace(proxyPlaceholder, (_, url: string) => endpoint ?? url)
  if (Array.isArray(value)) return value.map(item => placed(item, run, endpoint))
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, placed(item, run, endpoint)]))
  return value
}

/** The one endpoint that options name as {proxy:URL}. */
function endpointOf (options: unknown): URL | undefined {
  const named = new Set([...JSON.stringify(options).matchAll(proxyPlaceholder)].map(([, url]) => url!))
  if (named.size > 1) throw misconfigured(`{proxy:…} names ${[...named].join(' and ')}; expected one endpoint, behind which all requests go`)
  const [url] = named
  if (url === undefined) return undefined
  if (!URL.canParse(url)) throw misconfigured(`{proxy:${url}} names no endpoint; expected a URL such as {proxy:http://127.0.0.1:9000}`)
  return new URL(url)
}

/** What `followed` holds where `given` refers to it. */
function secretsOf (given: Options, followed: Options): string[] {
  return Object.entries(given).flatMap(([key, value]) => typeof value === 'object' && value !== null && typeof followed[key] === 'string' ? [followed[key]] : [])
}

/** Folders and files of this machine that options name with the placeholder: made for the run, so ours to remove. */
function localPlaces (options: Options, run: string): string[] {
  return textsIn(options).flatMap(value => {
    if (!value.includes(placeholder)) return []
    const parts = value.split('/')
    const local = parts.slice(0, parts.findIndex(part => part.includes(placeholder)) + 1).join('/').replaceAll(placeholder, run)
    const found = statSync(local, { throwIfNoEntry: false })
    return found?.isDirectory() === true || found?.isFile() === true ? [local] : []
  })
}

/** Every text in options, at any depth. */
export function textsIn (value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

function misconfigured (message: string, cause?: unknown): StreambedError { return new StreambedError('MISCONFIGURED', message, { cause }) }
