import { sleep, type Environment, type Plugin, type WalWriter } from '@streambed/sdk'
import assert from 'node:assert/strict'
import type { Instance } from '../certify/target.ts'
import { metadataLogScale } from './metadata-log.ts'
import { objectStoreScale } from './object-store.ts'
import { walRecovery } from './wal-recovery.ts'
import { walScale } from './wal.ts'

/** What the backend must bear for as long as a latency is measured. */
export interface DeclaredLoad {
  /** Of objects put, or records appended. */
  readonly bytesPerSecond: number
  /** Of a metadata log. */
  readonly entriesPerSecond: number
}
export const defaultLoad: DeclaredLoad = Object.freeze({ bytesPerSecond: 2 * 2 ** 20, entriesPerSecond: 20 })

export interface ScaleBench<Subject> {
  readonly environment: Environment
  readonly load: DeclaredLoad
  readonly durationMs: number
  /** As the plugin declares them. */
  readonly capabilities: object
  /** Opens an instance at the place numbered `place`. Who opens it closes it. */
  readonly open: (place: number, writer?: WalWriter) => Promise<Subject>
}

/** Runs one check; resolves with its figures, in words. */
export type ScaleCheck<Subject> = (bench: ScaleBench<Subject>) => Promise<string>

const checks: Readonly<Record<Plugin['kind'], Readonly<Record<string, unknown>>>> = { objectStore: objectStoreScale, wal: { ...walScale, ...walRecovery }, metadataLog: metadataLogScale }

export function scaleChecks (kind: Plugin['kind']): ReadonlyMap<string, ScaleCheck<Instance>> { return new Map(Object.entries(checks[kind]) as [string, ScaleCheck<Instance>][]) }

/** Offers `act` at a steady rate, whether or not earlier ones have ended. The rate that was kept, a second. */
export async function sustained ({ clock }: Environment, perSecond: number, durationMs: number, act: (n: number) => Promise<unknown>): Promise<number> {
  const count = Math.max(1, Math.round(durationMs / 1000 * perSecond))
  const startMs = clock.monotonicMs()
  const pending: Promise<unknown>[] = []
  for (let n = 0; n < count; n++) {
    const waitMs = startMs + n * 1000 / perSecond - clock.monotonicMs()
    if (waitMs > 0) await sleep(clock, waitMs)
    pending.push(act(n))
  }
  const outcomes = await Promise.allSettled(pending)
  const failed = outcomes.filter(outcome => outcome.status === 'rejected')
  assert.equal(failed.length, 0, `${failed.length} of ${count} operations failed: ${String(failed[0]?.reason)}`)
  return count / Math.max(1, clock.monotonicMs() - startMs) * 1000
}

/** What the end of a short run may take beyond its time: the last operations have just begun. */
export const tailMs = 2_000

/** The rate that counts as kept, of one that was offered for `durationMs`. */
export function keptRate (perSecond: number, durationMs: number, share = 0.95): number { return share * perSecond * durationMs / (durationMs + tailMs) }

export function mib (bytes: number): string { return `${(bytes / 2 ** 20).toFixed(1)} MiB` }
