import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { StreambedError } from '@streambed/sdk'
import { References } from '@streambed/sdk/node'
import { YAMLParseError, parse } from 'yaml'
import type { z } from 'zod'
import { validateBrokerConfigs } from '../../broker/config/broker-configs.ts'
import type { BrokerConfig } from './broker-config.ts'
import { overridesFrom, withValue } from './environment-overrides.ts'
import { Origin } from './origin.ts'
import { embeddedObjects, fileSchema } from './schema.ts'
import { namedStores } from './stores.ts'

export interface ConfigSource {
  /** Absent: the embedded default. */
  readonly file?: string
  /** What a file would hold, from a program; instead of one. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Reads and validates a configuration. Every problem is named at once, with file, key, what was expected and what was given. */
export async function loadConfig ({ environment, file, settings = {} }: ConfigSource): Promise<BrokerConfig> {
  let content: unknown = file === undefined ? settings : parseFile(await readText(file), file)
  const overrides = overridesFrom(environment)
  for (const { path: keys, value } of overrides) content = withValue(content, keys, value)
  const origin = new Origin(file ?? 'the default configuration', overrides)
  const parsed = fileSchema.safeParse(content, { reportInput: true })
  if (!parsed.success) throw new StreambedError('MISCONFIGURED', parsed.error.issues.flatMap(issue => problemsOf(issue, origin)).join('\n'))
  try {
    validateBrokerConfigs(parsed.data.kafka)
  } catch (cause) {
    if (!StreambedError.is(cause)) throw cause
    const name = /^kafka\.([^:]*)/.exec(cause.message)?.[1] ?? ''
    throw new StreambedError(cause.code, `${origin.of(['kafka', name])}: ${cause.message}`, { cause })
  }
  return toBrokerConfig(parsed.data, origin, { environment, ...file === undefined ? {} : { file } })
}

function toBrokerConfig (data: z.output<typeof fileSchema>, origin: Origin, { environment, file }: ConfigSource): BrokerConfig {
  const { advertised, id, listeners, rack } = data.node
  const { defaultStore: chosenStore, metadata, objects, stores: furtherStores, wal, ...engine } = data.storage
  const { stores, defaultStore } = namedStores({ objects, stores: furtherStores, defaultStore: chosenStore }, embeddedObjects, origin)
  const baseFolder = file === undefined ? '.' : path.dirname(file)
  return {
    node: {
      id,
      rack,
      listeners: listeners.map(listener => ({ ...listener, ...advertised === null ? {} : { advertised: { host: advertised.host, port: advertised.port } } }))
    },
    storage: { wal, stores, metadata, engine: { store: defaultStore, ...engine } },
    kafka: data.kafka,
    produce: data.produce,
    limits: data.limits,
    log: data.log,
    origin,
    references: new References(environment, baseFolder),
    baseFolder
  }
}

async function readText (file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new StreambedError('MISCONFIGURED', `${file}: cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function parseFile (text: string, file: string): unknown {
  try {
    return parse(text) ?? {}
  } catch (cause) {
    if (cause instanceof YAMLParseError) throw new StreambedError('MISCONFIGURED', `${file}: ${cause.message}`, { cause })
    throw cause
  }
}

/** One line a problem, with what to blame for it. Unknown keys may have come from several places. */
function problemsOf (issue: z.core.$ZodIssue, origin: Origin): string[] {
  const path = issue.path.map(String)
  const at = path.length === 0 ? '' : `${path.join('.')}: `
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => `${origin.ofUnknown([...path, key])}: ${at}unknown key '${key}'; see 'streambed config reference'`)
  return [`${origin.of(path)}: ${at}${messageOf(issue)}`]
}

function messageOf (issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(value => `'${String(value)}'`).join(', ')}, got ${JSON.stringify(issue.input)}`
  return issue.message
}
