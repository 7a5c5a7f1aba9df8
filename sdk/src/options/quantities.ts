import * as z from 'zod'
import { parseBytes, parseMs } from '../units.ts'

/** Bytes, as a whole number or with a unit: `64MiB`. Both bounds are allowed. */
export function bytes (min: number, max: number): z.ZodType<number> {
  return quantity('bytes, such as 64MiB', parseBytes, min, max)
}

/** Milliseconds, as a whole number or with a unit: `30s`. Both bounds are allowed. */
export function duration (minMs: number, maxMs: number): z.ZodType<number> {
  return quantity('a duration, such as 250ms or 30s', parseMs, minMs, maxMs)
}

function quantity (expected: string, parse: (input: unknown) => number | undefined, min: number, max: number): z.ZodType<number> {
  return z.unknown().transform((input, context) => {
    const value = parse(input)
    if (value === undefined) context.addIssue({ code: 'custom', message: `expected ${expected}, got ${JSON.stringify(input)}` })
    else if (value < min || value > max) context.addIssue({ code: 'custom', message: `expected ${min} to ${max}, got ${value}` })
    else return value
    return z.NEVER
  })
}
