import type { Level } from '../catalogue/catalogue.ts'
import type { Measurement } from '../certify/latency.ts'

/** What a run found. `report.json` holds it; docs/reference/conformance-report.schema.json describes it. */
export interface Report {
  readonly format: 1
  readonly suite: { readonly package: string, readonly version: string }
  readonly plugin: { readonly name: string, readonly kind: string, readonly package: string, readonly version: string, readonly sha256: string }
  /** As the plugin declares them for these options. */
  readonly capabilities: object
  readonly environment: Environment
  readonly startedAt: string
  readonly durationMs: number
  readonly seed: number
  readonly requestedLevel: Level
  /** Every check of the level that this suite has and that applies has passed; `none` when not even those of `core` did. */
  readonly level: Level | 'none'
  readonly verdict: 'passed' | 'failed'
  /** The worst class of all that was measured; absent when nothing was. */
  readonly latencyClass?: Measurement['class']
  readonly checks: readonly CheckResult[]
  readonly measurements: readonly Measurement[]
  /** What the plugin counted of its requests and bytes. */
  readonly counters: Readonly<Record<string, number>>
  readonly cost?: { readonly currency: string, readonly amount: number, readonly source: string, readonly readOn: string }
  /** What the backend's own preflight warned of. */
  readonly warnings: readonly { readonly problem: string, readonly remedy: string }[]
}

export interface Environment {
  readonly node: string
  readonly platform: string
  readonly kernel: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  /** As the operator names it; the suite cannot know. */
  readonly region?: string
}

export interface CheckResult {
  readonly id: string
  readonly name: string
  readonly level: Level
  /** `notApplicable`: it is about what the plugin does not declare. `missing`: this version of the suite does not have it. */
  readonly outcome: 'passed' | 'failed' | 'notApplicable' | 'missing'
  readonly durationMs?: number
  /** Of a failure: what was expected and what was seen. Otherwise: why it did not run. */
  readonly reason?: string
}

export function countOf (report: Report, outcome: CheckResult['outcome']): number { return report.checks.filter(check => check.outcome === outcome).length }
