import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreambedError, apiVersion, type ObjectStorePlugin } from '@streambed/sdk'
import { References } from '@streambed/sdk/node'
import * as z from 'zod'

/** One of the three: its plugin, and the options that its own schema passed. */
export interface InnerStore { readonly plugin: ObjectStorePlugin, readonly options: unknown }

/**
 * `{ plugin: <package or path>, …its options }`. The plugin is loaded while the options are validated, as what the three can do together
 * depends on it; names and paths are taken from the folder that the broker is started in, as the broker does.
 */
export const innerStore = z.looseObject({ plugin: z.string().min(1) }).transform(async ({ plugin: name, ...given }, context): Promise<InnerStore> => {
  const refuse = (message: string, at: readonly PropertyKey[]): never => {
    context.addIssue({ code: 'custom', message, path: [...at] })
    return z.NEVER
  }
  const plugin = await load(name).catch((error: unknown) => refuse(`cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, ['plugin'])) as Partial<ObjectStorePlugin>
  if (context.issues.length > 0) return z.NEVER
  if (plugin.kind !== 'objectStore' || plugin.apiVersion !== apiVersion || plugin.options === undefined) {
    return refuse(`must name an object store's package for contract version ${apiVersion}, got ${plugin.kind} for ${plugin.apiVersion}`, ['plugin'])
  }
  try {
    // The host follows the references of our own options; those within them are ours to follow.
    const followed = await new References(process.env, process.cwd()).follow(given, key => key)
    const checked = await plugin.options['~standard'].validate(followed)
    if (checked.issues === undefined) return { plugin: plugin as ObjectStorePlugin, options: checked.value }
    for (const { message, path: at = [] } of checked.issues) refuse(message, at.map(part => typeof part === 'object' ? part.key : part))
    return z.NEVER
  } catch (error) {
    if (!StreambedError.is(error, 'MISCONFIGURED')) throw error
    return refuse(error.message, [])
  }
})

async function load (name: string): Promise<unknown> {
  const resolved = createRequire(path.join(process.cwd(), '_')).resolve(name)
  const { default: plugin } = await import(pathToFileURL(resolved).href) as { readonly default?: unknown }
  return plugin ?? {}
}
