/** Kafka's types of settings; the names are those of its documentation. */
export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password'

/**
 * What setting a value does here.
 * `supported`: it is acted on. `accepted`: it is checked, kept and reported, and has no effect: what it tunes does not exist here.
 * `refused`: only the default is taken. `elsewhere`: Streambed's own configuration has it; `instead` names the place.
 */
export type ConfigSupport = 'supported' | 'accepted' | 'refused' | 'elsewhere'

/** What a value of a type is once it is read. A long is a bigint: Long.MAX_VALUE is a common default. */
export type ConfigValue = boolean | string | number | bigint | readonly string[]

/** A condition on values beyond their type. */
export interface ConfigRule {
  /** What holds for values, such as `at least 0`: for people. */
  readonly text: string
  readonly allows: (value: ConfigValue) => boolean
}

/** A broker setting that a topic setting falls back to; `factor` turns its unit into the topic setting's. */
export interface ConfigSynonym { readonly name: string, readonly factor: bigint }

export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  /** As text; null: no value. */
  readonly default: string | null
  readonly rule?: ConfigRule
  readonly support: ConfigSupport
  /** One or two sentences for people. */
  readonly doc: string
  /** Of a topic setting: broker settings by precedence. */
  readonly synonyms?: readonly ConfigSynonym[]
  /** Of a broker setting: it may be changed by clients while the broker runs. */
  readonly isDynamic?: boolean
  /** Where to set what is `elsewhere`, or why it is `refused`. */
  readonly instead?: string
}

const integerRanges = {
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n]
} as const satisfies Readonly<Record<string, readonly [bigint, bigint]>>

/** Reads a value from its text; undefined when it is not of the type. Spaces around it do not count, nor does a double's `f` or `d`, as in Kafka. */
export function readConfig (type: ConfigType, text: string): ConfigValue | undefined {
  const trimmed = text.trim()
  switch (type) {
    case 'boolean': {
      const lower = trimmed.toLowerCase()
      return lower === 'true' ? true : lower === 'false' ? false : undefined
    }
    case 'short': case 'int': case 'long': {
      if (!/^[+-]?\d{1,20}$/.test(trimmed)) return undefined
      const value = BigInt(trimmed.replace('+', ''))
      const [min, max] = integerRanges[type]
      if (value < min || value > max) return undefined
      return type === 'long' ? value : Number(value)
    }
    case 'double': {
      if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/.test(trimmed)) return undefined
      const value = Number(trimmed.replace(/[dDfF]$/, ''))
      return Number.isFinite(value) ? value : undefined
    }
    case 'list': return trimmed === '' ? [] : trimmed.split(',').map(element => element.trim())
    case 'string': case 'class': case 'password': return trimmed
    default: return type satisfies never
  }
}

/** What is wrong with a value, as `expected …`; undefined when nothing is. */
export function configProblem (definition: ConfigDefinition, text: string): string | undefined {
  const value = readConfig(definition.type, text)
  if (value === undefined) return `expected a value of type ${definition.type}`
  if (definition.rule?.allows(value) === false) return `expected ${definition.rule.text}`
  return undefined
}

/** True when two texts mean the same value: `+1` and `1`, `a, b` and `a,b`. */
export function isSameConfig (type: ConfigType, left: string | null, right: string | null): boolean {
  if (left === null || right === null) return left === right
  return String(readConfig(type, left) ?? left) === String(readConfig(type, right) ?? right)
}

export function atLeast (min: number | bigint): ConfigRule {
  return { text: `at least ${min}`, allows: value => (value as number | bigint) >= min }
}

export function between (min: number, max: number): ConfigRule {
  return { text: `from ${min} to ${max}`, allows: value => (value as number | bigint) >= min && (value as number | bigint) <= max }
}

export function oneOf (...values: readonly string[]): ConfigRule {
  return { text: `one of ${values.join(', ')}`, allows: value => values.includes(value as string) }
}

/** A list of these values; an empty one too. A value that is named again says nothing more. */
export function listOf (...values: readonly string[]): ConfigRule {
  return {
    text: `a list of ${values.join(', ')}`,
    allows: value => (value as readonly string[]).every(element => values.includes(element))
  }
}

export function either (left: ConfigRule, right: ConfigRule): ConfigRule {
  return { text: `${left.text}, or ${right.text}`, allows: value => left.allows(value) || right.allows(value) }
}

export function exactly (expected: number): ConfigRule {
  return { text: String(expected), allows: value => value === expected }
}
