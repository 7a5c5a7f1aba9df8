const byteUnits: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }
const timeUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Bytes, from a whole number or a text with a unit: `64MiB`. Undefined: neither. */
export function parseBytes (input: unknown): number | undefined { return parse(input, byteUnits) }

/** Milliseconds, from a whole number or a text with a unit: `250ms`, `30s`. Undefined: neither. */
export function parseMs (input: unknown): number | undefined { return parse(input, timeUnits) }

function parse (input: unknown, units: Readonly<Record<string, number>>): number | undefined {
  if (typeof input === 'number') return Number.isInteger(input) ? input : undefined
  const match = typeof input === 'string' ? /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(input) : null
  const unit = match === null ? undefined : units[match[2]!]
  return unit === undefined ? undefined : Math.round(Number(match![1]) * unit)
}
