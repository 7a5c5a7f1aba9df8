import { z } from 'zod'

const byteUnits: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }
const timeUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Bytes, as a whole number or with a unit: `64MiB`. */
export function bytes (min: number, max: number): z.ZodType<number> {
  return quantity('bytes, such as 64MiB', byteUnits, min, max)
}

/** Milliseconds, as a whole number or with a unit: `30s`. */
export function duration (minMs: number, maxMs: number): z.ZodType<number> {
  return quantity('a duration, such as 250ms or 30s', timeUnits, minMs, maxMs)
}

function quantity (expected: string, units: Readonly<Record<string, number>>, min: number, max: number): z.ZodType<number> {
  return z.unknown().transform((input, context) => {
    const value = parse(input, units)
    if (value === undefined) context.addIssue({ code: 'custom', message: `expected ${expected}, got ${JSON.stringify(input)}` })
    else if (value < min || value > max) context.addIssue({ code: 'custom', message: `expected ${min} to ${max}, got ${value}` })
    else return value
    return z.NEVER
  })
}

function parse (input: unknown, units: Readonly<Record<string, number>>): number | undefined {
  if (typeof input === 'number') return Number.isInteger(input) ? input : undefined
  const match = typeof input === 'string' ? /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(input) : null
  const unit = match === null ? undefined : units[match[2]!]
  return unit === undefined ? undefined : Math.round(Number(match![1]) * unit)
}
