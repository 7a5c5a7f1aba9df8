import * as z from 'zod'
import { levels } from '../catalogue/catalogue.ts'

const latencyClass = z.enum(['A', 'B', 'C', 'none'])
const level = z.enum(levels)
const count = z.int().min(0)
const ms = z.number().min(0)

const measurement = z.strictObject({
  id: z.string(),
  operation: z.string(),
  offeredPerSecond: z.number().meta({ description: 'Operations a second, offered steadily whether or not earlier ones are answered.' }),
  count,
  failures: count,
  p50Ms: ms,
  p99Ms: ms,
  p999Ms: ms,
  maxMs: ms,
  /** How often it was measured: again while it missed the declared class. The figures are the last ones. */
  attempts: z.number().int().min(1),
  class: latencyClass.meta({ description: "The best class whose bounds all hold; 'none' when class C's do not." }),
  histogram: z.array(z.strictObject({ untilMs: ms, count })).meta({ description: 'Counts of answers by time, each up to untilMs, doubling.' })
})

const environment = z.strictObject({
  node: z.string(),
  platform: z.string(),
  kernel: z.string(),
  cpu: z.string(),
  cores: count,
  memoryBytes: count,
  region: z.string().exactOptional().meta({ description: 'As the operator names it; the suite cannot know.' })
})

const check = z.strictObject({
  id: z.string(),
  name: z.string(),
  level,
  outcome: z.enum(['passed', 'failed', 'notRun', 'notApplicable', 'missing']).meta({ description: 'notRun: this configuration or this machine cannot bear it; the level is not claimed then. notApplicable: it is about what the plugin does not declare. missing: this version of the suite does not have it.' }),
  durationMs: ms.exactOptional(),
  reason: z.string().exactOptional().meta({ description: 'Of a failure: what was expected and what was seen. Otherwise: why it did not run, and how to run it.' }),
  detail: z.string().exactOptional().meta({ description: 'Figures that the check measured, in words.' })
})

/** What `report.json` holds. docs/conformance-report.schema.json is generated from it. */
export const reportSchema = z.strictObject({
  format: z.literal(1),
  suite: z.strictObject({ package: z.string(), version: z.string() }),
  plugin: z.strictObject({ name: z.string(), kind: z.string(), package: z.string(), version: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  capabilities: z.record(z.string(), z.unknown()).meta({ description: 'As the plugin declares them for these options.' }),
  environment,
  startedAt: z.iso.datetime(),
  durationMs: ms,
  seed: z.int(),
  requestedLevel: level,
  level: z.enum([...levels, 'none']).meta({ description: "Every check of the level, and of those below it, that this suite has and that applies was run and has passed; 'none' when not even those of 'core' did." }),
  verdict: z.enum(['passed', 'failed']),
  latencyClass: latencyClass.exactOptional().meta({ description: 'The worst class of all that was measured; absent when nothing was.' }),
  checks: z.array(check),
  measurements: z.array(measurement),
  counters: z.record(z.string(), z.number()).meta({ description: 'What the plugin counted of its requests and bytes.' }),
  cost: z.strictObject({ currency: z.string(), amount: z.number().min(0), source: z.string(), readOn: z.string() }).exactOptional(),
  limits: z.array(z.string()).exactOptional().meta({ description: 'What the plugin cannot do, as it declares, and whoever trusts it must know; absent when there is nothing.' }),
  warnings: z.array(z.strictObject({ problem: z.string(), remedy: z.string() })).meta({ description: "What the backend's own preflight warned of." })
})

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T

/** What a run found. */
export type Report = DeepReadonly<z.infer<typeof reportSchema>>
export type Environment = DeepReadonly<z.infer<typeof environment>>
export type Measurement = DeepReadonly<z.infer<typeof measurement>>
export type CheckResult = DeepReadonly<z.infer<typeof check>>

export function countOf (report: Report, outcome: CheckResult['outcome']): number { return report.checks.filter(check => check.outcome === outcome).length }

/** JSON Schema (draft 2020-12) of `report.json`. */
export function reportJsonSchema (): object { return { title: 'Report of streambed-conformance', ...z.toJSONSchema(reportSchema) } }
