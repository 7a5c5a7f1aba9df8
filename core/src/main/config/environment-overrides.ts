import { parse } from 'yaml'

const prefix = 'STREAMBED_'

/**
 * Settings from the environment: `STREAMBED_STORAGE__WAL__PATH` sets storage.wal.path, two underscores between levels, one
 * between words; `STREAMBED_KAFKA__NUM_PARTITIONS` sets num.partitions. Values are read as YAML.
 */
export function overridesFrom (environment: Readonly<Record<string, string | undefined>>): { readonly variable: string, readonly path: readonly string[], readonly value: unknown }[] {
  return Object.entries(environment).flatMap(([variable, text]) => {
    if (!variable.startsWith(prefix) || !variable.includes('__') || text === undefined) return []
    const [section, ...rest] = variable.slice(prefix.length).split('__').map(level => level.toLowerCase().split('_'))
    const isKafka = section!.join('') === 'kafka'
    const names = rest.map(words => isKafka ? words.join('.') : camelCase(words))
    return [{ variable, path: [camelCase(section!), ...names], value: parse(text) as unknown }]
  })
}

/** `target` with the value at `path` set; objects on the way are made. Nothing given is modified. */
export function withValue (target: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value
  const object = typeof target === 'object' && target !== null && !Array.isArray(target) ? target as Readonly<Record<string, unknown>> : {}
  return { ...object, [name]: withValue(object[name], rest, value) }
}

function camelCase (words: readonly string[]): string {
  return words.map((word, index) => index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)).join('')
}
