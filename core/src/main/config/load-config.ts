import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { StreambedError } from '@streambed/sdk'
import { YAMLParseError, parse } from 'yaml'
import type { z } from 'zod'
import { validateBrokerConfigs } from '../../broker/config/broker-configs.ts'
import type { BrokerConfig } from './broker-config.ts'
import { overridesFrom, withValue } from './environment-overrides.ts'
import { fileSchema } from './schema.ts'

export interface ConfigSource {
  /** Absent: the embedded default. */
  readonly file?: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Reads and validates a configuration. Every problem is named at once, with file, key, what was expected and what was given. */
export async function loadConfig ({ environment, file }: ConfigSource): Promise<BrokerConfig> {
  let content: unknown = file === undefined ? {} : parseFile(await readText(file), file)
  const source = file ?? 'the default configuration'
  const overrides = overridesFrom(environment)
  for (const { path: keys, value } of overrides) content = withValue(content, keys, value)
  const parsed = fileSchema.safeParse(content, { reportInput: true })
  const where = (keys: string): string => {
    const override = overrides.find(({ path: overridden }) => keys.startsWith(overridden.join('.')))
    return override?.variable ?? source
  }
  if (!parsed.success) {
    const problems = parsed.error.issues.map(issue => {
      const keys = issue.path.map(String).join('.')
      return `${where(keys)}: ${keys === '' ? '' : `${keys}: `}${messageOf(issue)}`
    })
    throw new StreambedError('MISCONFIGURED', problems.join('\n'))
  }
  try {
    validateBrokerConfigs(parsed.data.kafka)
  } catch (cause) {
    if (!StreambedError.is(cause)) throw cause
    throw new StreambedError(cause.code, `${where(/^[^:]*/.exec(cause.message)![0])}: ${cause.message}`, { cause })
  }
  return toBrokerConfig(parsed.data, source, file)
}

function toBrokerConfig (data: z.output<typeof fileSchema>, source: string, file: string | undefined): BrokerConfig {
  const { advertised, id, listeners, rack } = data.node
  const { metadata, objects, wal, ...engine } = data.storage
  return {
    node: {
      id,
      rack,
      listeners: listeners.map(listener => ({ ...listener, ...advertised === null ? {} : { advertised: { host: advertised.host, port: advertised.port } } }))
    },
    storage: { wal, objects, metadata, engine: { store: 'default', ...engine } },
    kafka: data.kafka,
    limits: data.limits,
    log: data.log,
    source,
    baseFolder: file === undefined ? '.' : path.dirname(file)
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

function messageOf (issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(value => `'${String(value)}'`).join(', ')}, got ${JSON.stringify(issue.input)}`
  if (issue.code === 'unrecognized_keys') return `unknown ${issue.keys.length === 1 ? 'key' : 'keys'} ${issue.keys.map(key => `'${key}'`).join(', ')}; see 'streambed config reference'`
  return issue.message
}
