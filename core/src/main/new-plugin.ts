import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import path from 'node:path'
import { StreambedError } from '@streambed/sdk'

export const pluginKinds = ['object-store', 'wal', 'metadata-log'] as const
export type PluginKind = typeof pluginKinds[number]

export interface NewPlugin {
  readonly kind: PluginKind
  /** Lower-case words joined by `-`. */
  readonly name: string
  /** Made if it does not exist; must be empty. */
  readonly folder: string
}

interface Manifest { readonly version: string, readonly dependencies: Readonly<Record<string, string>> }

/**
 * Writes the package of a new plugin: the SDK's reference implementation of the contract, in memory, to be replaced piece by
 * piece. From a checkout the package depends on the checkout, otherwise on published versions. MISCONFIGURED: nothing was written.
 */
export function newPlugin ({ folder, kind, name }: NewPlugin): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) throw misconfigured(`a plugin's name is lower-case words joined by '-', such as 'my-disk'; got '${name}'`)
  if (existsSync(folder) && readdirSync(folder).length > 0) throw misconfigured(`${folder} is not empty; name another folder with --folder, or empty this one`)
  const sdkManifest = realpathSync(findPackageJSON('@streambed/sdk', import.meta.url)!)
  const sdk = path.dirname(sdkManifest)
  const { dependencies: { zod }, version } = JSON.parse(readFileSync(sdkManifest, 'utf8')) as Manifest
  const isPublished = sdk.split(path.sep).includes('node_modules')
  if (!isPublished && !existsSync(path.join(sdk, 'dist/index.js'))) throw misconfigured(`the SDK in ${sdk} is not built; run 'npm run build' in ${path.dirname(sdk)} first`)

  mkdirSync(folder, { recursive: true })
  for (const template of ['common', kind]) cpSync(path.join(sdk, 'templates', template), folder, { recursive: true })
  renameSync(path.join(folder, 'gitignore'), path.join(folder, '.gitignore'))
  const reference = `memory-${kind}.ts`
  writeFileSync(path.join(folder, 'src', reference), outsideSdk(readFileSync(path.join(sdk, 'src/testing', reference), 'utf8')))

  const packageName = `streambed-${kind}-${name}`
  const filled = (text: string): string => text.replaceAll('package-name', packageName).replaceAll('plugin-name', name).replaceAll('plugin-kind', kind)
  for (const file of ['README.md', 'package.json', 'src/index.ts', 'test/conformance.test.ts']) edit(path.join(folder, file), filled)

  const of = (part: string): string => isPublished ? `^${version}` : `file:${path.relative(folder, path.join(path.dirname(sdk), part))}`
  edit(path.join(folder, 'package.json'), text => {
    const { devDependencies, ...manifest } = JSON.parse(text) as { readonly devDependencies: Readonly<Record<string, string>> }
    return JSON.stringify({
      ...manifest,
      dependencies: { '@streambed/sdk': of('sdk'), zod },
      devDependencies: { '@streambed/conformance': of('conformance'), '@streambed/core': of('core'), ...devDependencies }
    }, null, 2) + '\n'
  })
}

/** A source file of the SDK as one that imports the SDK: its own modules become the package. */
function outsideSdk (source: string): string { return source.replaceAll(/from '\.\.\/[a-z-]+\.ts'/g, "from '@streambed/sdk'") }

function edit (file: string, change: (text: string) => string): void { writeFileSync(file, change(readFileSync(file, 'utf8'))) }

function misconfigured (message: string): StreambedError { return new StreambedError('MISCONFIGURED', message) }
