import { StreambedError, type Environment, type LatencyClass, type Metrics, type WalCapabilities } from '@streambed/sdk'
import { nodeEnvironment } from '@streambed/sdk/node'
import { catalogueOf, isWithin, levels, missingBecause, type CatalogueEntry, type Level } from '../catalogue/catalogue.ts'
import { NotRun, defaultPace, type Pace } from '../faults/fault-harness.ts'
import type { CheckResult, Measurement, Report } from '../report/report.ts'
import { defaultLoad, type DeclaredLoad } from '../scale/scale.ts'
import { noIdentityNote } from '../wal/identity.ts'
import { measuringWriter, worstClass } from './latency.ts'
import { machine, suiteIdentity } from './machine.ts'
import { registeredChecks, type Registered } from './registration.ts'
import type { Target } from './target.ts'
import { within } from './within.ts'

/** A service that is absent or misconfigured is told of within this. */
const preflightMsMax = 25_000
/** What a check may take besides the times that it is given. */
const graceMs = 180_000
/** Spells of faults, or measurements, in one check at most. */
const spellsMax = 4

/** After this a check has no end: it counts as failed. Both in ms. */
export function checkMsMax ({ measureMs, spellMs }: { readonly measureMs: number, readonly spellMs: number }): number { return graceMs + spellsMax * (measureMs + spellMs) }

export interface CertifyOptions {
  readonly level: Level
  /** Only these ids. The report then claims no level. */
  readonly only?: readonly string[]
  /** Drives what is random in the checks. */
  readonly seed: number
  /** How long each latency is measured. */
  readonly measureMs: number
  readonly region?: string
  /** What level scale offers; `defaultLoad` when absent. */
  readonly load?: DeclaredLoad
  /** How long spells of faults and calls under them may last; `defaultPace` when absent. */
  readonly pace?: Pace
  readonly onProgress?: (progress: Progress) => void
}

export interface Progress { readonly done: number, readonly total: number, readonly check: CheckResult, readonly leftMs: number }

/**
 * Runs the checks of `level` and those below it against `target`, one after the other, each in an empty place of its own.
 * Rejects only when nothing could be said: MISCONFIGURED or UNAVAILABLE with what is wrong and what to do.
 */
export async function certify (target: Target, { level, load = defaultLoad, measureMs, only, onProgress, pace = defaultPace, region, seed }: CertifyOptions): Promise<Report> {
  const counting = new CountingMetrics()
  const environment: Environment = { ...nodeEnvironment({ metrics: counting }), random: seeded(seed) }
  const { clock } = environment
  const run = Buffer.from(nodeEnvironment().random.bytes(5)).toString('hex')
  const startedAt = new Date(clock.wallMs()).toISOString()
  const startMs = clock.monotonicMs()
  const warnings = await reachable(target, `${run}-preflight`, environment)
  const registered = registeredChecks(target, { run, environment, load, measureMs, pace, counters: () => counting.totals })
  const entries = catalogueOf(target.plugin.kind).filter(entry => only === undefined ? isWithin(level, entry.level) : only.includes(entry.id))
  const unknown = only?.filter(id => !entries.some(entry => entry.id === id)) ?? []
  if (unknown.length > 0) throw new StreambedError('INVALID_ARGUMENT', `there is no check ${unknown.join(', ')} for a plugin of kind ${target.plugin.kind}; 'list' shows them all`)
  const checks: CheckResult[] = []
  const measurements: Measurement[] = []
  for (const [done, entry] of entries.entries()) {
    const check = await runCheck(entry, registered.get(entry.id), { declared: target.declaredClass, limitMs: checkMsMax({ measureMs, spellMs: pace.spellMs }) }, environment, measurements)
    checks.push(check)
    const spentMs = clock.monotonicMs() - startMs
    onProgress?.({ done: done + 1, total: entries.length, check, leftMs: spentMs / (done + 1) * (entries.length - done - 1) })
  }
  const cost = await costOf(target, counting.totals)
  const worst = worstClass(measurements)
  const limits = target.plugin.kind === 'wal' && (target.capabilities as WalCapabilities).identity !== true ? [noIdentityNote] : []
  return {
    format: 1,
    suite: suiteIdentity(),
    plugin: { name: target.plugin.name, kind: target.plugin.kind, ...target.identity() },
    capabilities: { ...target.capabilities },
    environment: { ...machine(), ...region === undefined ? {} : { region } },
    startedAt,
    durationMs: Math.round(clock.monotonicMs() - startMs),
    seed,
    requestedLevel: level,
    level: only === undefined ? levelReached(level, checks) : 'none',
    verdict: checks.some(({ outcome }) => outcome === 'failed') ? 'failed' : 'passed',
    ...worst === undefined ? {} : { latencyClass: worst },
    checks,
    measurements,
    counters: counting.totals,
    ...cost === undefined ? {} : { cost },
    ...limits.length === 0 ? {} : { limits },
    warnings
  }
}

async function runCheck (entry: CatalogueEntry, { runs, skipped }: Registered = { runs: [], skipped: undefined }, { declared, limitMs }: { readonly declared: LatencyClass | undefined, readonly limitMs: number }, { clock }: Environment, measurements: Measurement[]): Promise<CheckResult> {
  const { id, level, missing, name } = entry
  if (missing !== undefined) return { id, level, name, outcome: 'missing', reason: missingBecause[missing] }
  if (skipped !== undefined) return { id, level, name, outcome: 'notApplicable', reason: skipped }
  if (runs.length === 0) return { id, level, name, outcome: 'notApplicable', reason: 'the plugin does not declare what it is about' }
  const startMs = clock.monotonicMs()
  let detail: string | undefined
  const result = (outcome: CheckResult['outcome'], reason?: string): CheckResult => ({ id, level, name, outcome, durationMs: Math.round(clock.monotonicMs() - startMs), ...reason === undefined ? {} : { reason }, ...detail === undefined ? {} : { detail } })
  try {
    for (const run of runs) {
      const measurement = await within(clock, limitMs, `no end within ${limitMs / 1000} s`, run())
      if (measurement === undefined) continue
      if (typeof measurement === 'string') { detail = measurement; continue }
      measurements.push(measurement)
      if (measurement.class === 'none') return result('failed', `${measurement.operation}: ${measurement.failures} of ${measurement.count} failed; P50 ${measurement.p50Ms} ms, P99 ${measurement.p99Ms} ms, P99.9 ${measurement.p999Ms} ms: not even class C`)
      if (declared !== undefined && measurement.class > declared) return result('failed', `${measurement.operation}: class ${measurement.class} was measured, ${declared} is declared; P50 ${measurement.p50Ms} ms, P99 ${measurement.p99Ms} ms, P99.9 ${measurement.p999Ms} ms`)
    }
    return result('passed')
  } catch (error) {
    if (error instanceof NotRun) return result(error.outcome, error.message)
    return result('failed', error instanceof Error ? error.message : String(error))
  }
}

/** Throws what keeps every check from running; resolves with the backend's warnings. */
async function reachable (target: Target, run: string, environment: Environment): Promise<Report['warnings']> {
  const aborter = new AbortController()
  try {
    const findings = await within(environment.clock, preflightMsMax, `the service did not answer within ${preflightMsMax / 1000} s. Check endpoint, network and credentials.`, (async () => {
      const found = await target.preflight(run, environment, aborter.signal)
      if (found.some(({ severity }) => severity === 'error')) return found
      if (target.plugin.kind !== 'objectStore') await (await target.open(target.place(run), environment, measuringWriter)).close()
      await target.cleanUp(run, environment)
      return found
    })())
    const errors = findings.filter(({ severity }) => severity === 'error')
    if (errors.length > 0) throw new StreambedError('MISCONFIGURED', errors.map(({ problem, remedy }) => `${problem}. ${remedy}`).join('\n'))
    return findings.map(({ problem, remedy }) => ({ problem, remedy }))
  } finally {
    aborter.abort()
  }
}

/** The highest level up to which nothing failed and nothing was left out. */
function levelReached (requested: Level, checks: readonly CheckResult[]): Level | 'none' {
  let reached: Level | 'none' = 'none'
  for (const level of levels.slice(0, levels.indexOf(requested) + 1)) {
    const ofLevel = checks.filter(check => check.level === level)
    if (ofLevel.some(({ outcome }) => outcome === 'failed' || outcome === 'notRun') || !ofLevel.some(({ outcome }) => outcome === 'passed')) return reached
    reached = level
  }
  return reached
}

async function costOf (target: Target, counters: Readonly<Record<string, number>>): Promise<Report['cost']> {
  const prices = await target.prices()
  if (prices === undefined) return undefined
  const requests = (['put', 'get', 'list', 'delete'] as const).reduce((sum, kind) => sum + (counters[`object_store_${kind}_requests`] ?? 0) / 1000 * prices.perThousand[kind], 0)
  const bytes = ((counters['object_store_put_bytes'] ?? 0) * prices.perGb.written + (counters['object_store_get_bytes'] ?? 0) * prices.perGb.read) / 1e9
  return { currency: prices.currency, amount: requests + bytes, source: prices.source, readOn: prices.readOn }
}

class CountingMetrics implements Metrics {
  readonly totals: Record<string, number> = {}
  count (name: string, by = 1): void { this.totals[name] = (this.totals[name] ?? 0) + by }
  gauge (): void { /* Only totals are reported. */ }
  observe (): void { /* Only totals are reported. */ }
}

/** xorshift32: enough for choosing moments; bytes stay unpredictable, since plugins make tokens of them. */
function seeded (seed: number): Environment['random'] {
  const { random } = nodeEnvironment()
  let state = seed | 1
  return {
    bytes: count => random.bytes(count),
    fraction: () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return (state >>> 0) / 2 ** 32
    }
  }
}
