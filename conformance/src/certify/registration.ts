import type { Environment, MetadataLogCapabilities, MetadataRepair, WalCapabilities, WalOpening, WalWriter } from '@streambed/sdk'
import { catalogueOf } from '../catalogue/catalogue.ts'
import type { Pace } from '../faults/fault-harness.ts'
import type { MetadataLogHarness, ObjectStoreHarness, Runner, WalHarness } from '../harness.ts'
import { metadataLogFaultConformance, type MetadataLogFaultHarness } from '../metadata-log/fault-suite.ts'
import { metadataLogConformance } from '../metadata-log/suite.ts'
import { objectStoreFaultConformance, type ObjectStoreFaultHarness } from '../object-store/fault-suite.ts'
import { keepsPlacesApart } from '../object-store/isolation.ts'
import { objectStoreConformance } from '../object-store/suite.ts'
import { flushesBeforeAcknowledging } from '../process/acknowledged-flushes.ts'
import { pausedProposerLoses, pausedWriterIsFenced } from '../process/paused.ts'
import { keepsNames, survivesPowerCuts } from '../process/power-cut.ts'
import type { Measurement } from '../report/report.ts'
import { namesItsPrices, tellsNoSecret } from '../scale/operations.ts'
import { scaleChecks, type DeclaredLoad } from '../scale/scale.ts'
import { walConformance } from '../wal.ts'
import { walFaultConformance, type WalFaultHarness } from '../wal/fault-suite.ts'
import { survivesKills, survivesKillsWhileTrimming } from './crash.ts'
import { faultHarnessOf } from './fault-target.ts'
import { keepsIdentityThroughKills } from './identity-through-kills.ts'
import { measure, measurementsOf, measuringWriter } from './latency.ts'
import type { Target } from './target.ts'

/** Checks that work on a place of their own, often with processes of their own. */
const placeChecks: Readonly<Record<string, (target: Target, run: string, environment: Environment) => Promise<void>>> = {
  'OS-D01': survivesKills,
  'W-R03': survivesKills,
  'OS-C10': keepsPlacesApart,
  'W-R09': survivesKillsWhileTrimming,
  'W-I08': keepsIdentityThroughKills,
  'W-N03': pausedWriterIsFenced,
  'W-D01': flushesBeforeAcknowledging,
  'W-D03': survivesPowerCuts,
  'W-D04': keepsNames,
  'ML-18': pausedProposerLoses,
  'ML-25': survivesKills,
  'OS-O02': namesItsPrices,
  'OS-O04': tellsNoSecret
}

/** Resolves with what it measured: a latency, or figures in words. */
type Run = () => Promise<Measurement | string | undefined>

/** What is run for one id; `skipped`: why it is not about this plugin. */
export interface Registered { readonly runs: Run[], skipped: string | undefined }

interface Registration {
  readonly run: string
  readonly environment: Environment
  readonly load: DeclaredLoad
  readonly measureMs: number
  readonly pace: Pace
  readonly counters: () => Readonly<Record<string, number>>
}

/** What can be run against `target`, by id, and what is not about it. */
export function registeredChecks (target: Target, { counters, environment, load, measureMs, pace, run }: Registration): ReadonlyMap<string, Registered> {
  const found = new Map<string, Registered>()
  const of = (id: string): Registered => {
    const entry = found.get(id) ?? { runs: [], skipped: undefined }
    found.set(id, entry)
    return entry
  }
  const add = (id: string, body: Run): void => { of(id).runs.push(body) }
  const collector: Runner = {
    describe: (_, body) => { body() },
    it: (name, body) => { add(name.split(' ', 1)[0]!, async () => { await body(); return undefined }) },
    skip: (name, reason) => { of(name.split(' ', 1)[0]!).skipped = reason }
  }
  let places = 0
  const nextPlace = (): string => `${run}-${++places}`
  const prepare = async (): Promise<{ open: (writer?: WalWriter, opening?: WalOpening) => Promise<never>, repair: () => Promise<MetadataRepair>, cleanUp: () => Promise<void> }> => {
    const name = nextPlace()
    return {
      open: async (writer, opening) => await target.open(target.place(name), environment, writer, { opening }) as never,
      repair: async () => await target.repair(target.place(name), environment),
      cleanUp: async () => { await target.cleanUp(name, environment) }
    }
  }
  const canRepair = target.plugin.kind === 'metadataLog' && target.plugin.repair !== undefined
  const harness = { name: target.plugin.name, capabilities: target.capabilities, canRepair, prepare }
  const faulty: unknown = faultHarnessOf(target, { counters, environment, nextPlace, pace })
  switch (target.plugin.kind) {
    case 'objectStore':
      objectStoreConformance(collector, harness as unknown as ObjectStoreHarness)
      objectStoreFaultConformance(collector, faulty as ObjectStoreFaultHarness)
      break
    case 'wal':
      walConformance(collector, harness as unknown as WalHarness)
      walFaultConformance(collector, faulty as WalFaultHarness)
      break
    case 'metadataLog':
      metadataLogConformance(collector, harness as unknown as MetadataLogHarness)
      metadataLogFaultConformance(collector, faulty as MetadataLogFaultHarness)
      break
  }
  for (const { id } of catalogueOf(target.plugin.kind)) {
    const check = placeChecks[id]
    if (check === undefined || !isDeclared(target, id)) continue
    add(id, async () => await inPlace(target, nextPlace(), environment, async name => { await check(target, name, environment); return undefined }))
  }
  for (const [id, check] of scaleChecks(target.plugin.kind)) {
    add(id, async () => {
      const name = nextPlace()
      const used = new Set<string>()
      try {
        return await check({
          environment, load, durationMs: measureMs, capabilities: target.capabilities,
          open: async (place, writer) => {
            used.add(`${name}-${place}`)
            return await target.open(target.place(`${name}-${place}`), environment, writer)
          }
        })
      } finally {
        for (const place of used) await target.cleanUp(place, environment)
      }
    })
  }
  for (const id of measurementsOf(target.plugin.kind, target.capabilities)) {
    add(id, async () => await inPlace(target, nextPlace(), environment, async name => {
      await using instance = await target.open(target.place(name), environment, measuringWriter)
      return await measure(target.plugin.kind, id, measureMs, instance, environment, target.declaredClass)
    }))
  }
  return found
}

/** What a log in an object store has written is that store's to keep through a power cut: the store is certified for itself. */
const filesOnly = ['W-D03', 'W-D04']

/** A log that the operating system locks knows no takeover while its writer lives; one of one process has no second proposer. */
function isDeclared ({ capabilities, isOnStore }: Target, id: string): boolean {
  if (filesOnly.includes(id)) return !isOnStore
  if (id === 'W-I08') return (capabilities as WalCapabilities).identity === true
  if (id === 'W-N03') return (capabilities as WalCapabilities).fencing !== 'lock'
  return id !== 'ML-18' || (capabilities as MetadataLogCapabilities).isShared
}

async function inPlace<T> (target: Target, name: string, environment: Environment, body: (name: string) => Promise<T>): Promise<T> {
  try {
    return await body(name)
  } finally {
    await target.cleanUp(name, environment)
  }
}
