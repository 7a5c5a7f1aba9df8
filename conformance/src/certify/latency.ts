import { sleep, type Environment, type LatencyClass, type MetadataLog, type ObjectStore, type ObjectStoreCapabilities, type Plugin, type Wal } from '@streambed/sdk'
import { build } from 'hdr-histogram-js'
import { pattern } from '../assertions.ts'
import type { Measurement } from '../report/report.ts'
import { crashWriter } from './crash-order.ts'
import type { Instance } from './target.ts'

const KiB = 1024
const MiB = 1024 * KiB
const firstBarMs = 0.125
/** P50, P99, P99.9 in milliseconds. */
type Bounds = readonly [number, number, number]
type Classes = Readonly<Record<LatencyClass, Bounds>>

const walBounds: Classes = { A: [5, 10, 50], B: [40, 100, 500], C: [250, 800, 2_500] }
const putBounds: Classes = { A: [20, 50, 200], B: [80, 200, 800], C: [250, 800, 2_500] }
const getBounds: Classes = { A: [5, 20, 100], B: [15, 50, 250], C: [80, 250, 1_000] }
const logBounds: Classes = { A: [5, 20, 100], B: [15, 50, 250], C: [150, 400, 1_600] }

interface Load {
  readonly id: string
  readonly operation: string
  readonly perSecond: number
  readonly bounds: Classes
  /** Prepares, and gives what is done each time. */
  readonly prepare: (instance: Instance) => Promise<(n: number) => Promise<unknown>>
}

/** Loads by kind of plugin: steady and well below what any class bears. */
const loads: Readonly<Record<Plugin['kind'], readonly Load[]>> = {
  objectStore: [
    { id: 'OS-P01', operation: 'put of 4 MiB', perSecond: 4, bounds: putBounds, prepare: async instance => putting(instance, 4 * MiB, 'large') },
    { id: 'OS-P02', operation: 'put of 256 KiB', perSecond: 16, bounds: putBounds, prepare: async instance => putting(instance, 256 * KiB, 'small') },
    { id: 'OS-P03', operation: 'ranged get of 1 MiB', perSecond: 16, bounds: getBounds, prepare: async instance => {
      const store = instance as ObjectStore
      await store.put('latency/read', pattern(8 * MiB))
      return async n => await store.get('latency/read', { range: { start: n % 8 * MiB, end: (n % 8 + 1) * MiB } })
    } },
    { id: 'OS-P04', operation: 'conditional put of 1 KiB', perSecond: 16, bounds: putBounds, prepare: async instance => {
      const body = pattern(KiB)
      return async n => await (instance as ObjectStore).put(`latency/conditional/${n}`, body, { ifAbsent: true })
    } }
  ],
  wal: [
    { id: 'W-P01', operation: 'append of 4 KiB', perSecond: 100, bounds: walBounds, prepare: async instance => appending(instance, 4 * KiB) },
    { id: 'W-P02', operation: 'append of 256 KiB', perSecond: 16, bounds: walBounds, prepare: async instance => appending(instance, 256 * KiB) }
  ],
  metadataLog: [
    { id: 'ML-19', operation: 'append of 4 KiB', perSecond: 10, bounds: logBounds, prepare: async instance => {
      const log = instance as MetadataLog
      let end = 0
      let last: Promise<unknown> = Promise.resolve()
      // One proposer: each append names the end that the one before it made.
      return async () => await (last = last.then(async () => { await log.append(end, [pattern(4 * KiB)]); end++ }))
    } }
  ]
}

/** Ids of the measurements of a kind. */
export function measurementsOf (kind: Plugin['kind'], capabilities: object): readonly string[] {
  return loads[kind].filter(({ id }) => id !== 'OS-P04' || (capabilities as ObjectStoreCapabilities).conditionalCreate !== 'none').map(({ id }) => id)
}

/** Of one load. What else runs on a shared machine only adds to latencies: a miss counts when it is repeated. */
const attemptsMax = 3

/**
 * Offers the load `id` for `durationMs`, and again as long as the latencies miss the class `wanted`, three times at most.
 * Resolves with the last measurement. Operations that fail are a result at once.
 */
export async function measure (kind: Plugin['kind'], id: string, durationMs: number, instance: Instance, environment: Environment, wanted: LatencyClass = 'C'): Promise<Measurement> {
  const load = loads[kind].find(candidate => candidate.id === id)!
  const act = await load.prepare(instance)
  let begun = 0
  const next = async (): Promise<unknown> => await act(begun++)
  for (let attempts = 1; ; attempts++) {
    const found = await measureOnce(load, durationMs, next, environment)
    const isMissed = order.indexOf(found.class) > order.indexOf(wanted)
    if (!isMissed || found.failures > 0 || attempts === attemptsMax) return { ...found, attempts }
  }
}

/** Latencies count from when an operation was due. */
async function measureOnce ({ bounds, id, operation, perSecond }: Load, durationMs: number, act: () => Promise<unknown>, { clock }: Environment): Promise<Omit<Measurement, 'attempts'>> {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 })
  const count = Math.max(1, Math.round(durationMs / 1000 * perSecond))
  const startMs = clock.monotonicMs()
  const pending: Promise<void>[] = []
  const bars: number[] = []
  let failures = 0
  for (let n = 0; n < count; n++) {
    const dueMs = startMs + n * 1000 / perSecond
    const waitMs = dueMs - clock.monotonicMs()
    if (waitMs > 0) await sleep(clock, waitMs)
    pending.push(act().then(() => {
      const latencyMs = clock.monotonicMs() - dueMs
      histogram.recordValue(Math.max(1, Math.round(latencyMs * 1000)))
      bars[barOf(latencyMs)] = (bars[barOf(latencyMs)] ?? 0) + 1
    }, () => { failures++ }))
  }
  await Promise.all(pending)
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000
  const figures = [at(50), at(99), at(99.9)] as const
  const met = (['A', 'B', 'C'] as const).find(name => figures.every((figure, index) => figure <= bounds[name][index]!))
  return {
    id, operation, offeredPerSecond: perSecond, count, failures, p50Ms: figures[0], p99Ms: figures[1], p999Ms: figures[2], maxMs: histogram.maxValue / 1000,
    class: failures > 0 ? 'none' : met ?? 'none', histogram: Array.from(bars, (_, index) => ({ untilMs: firstBarMs * 2 ** index, count: bars[index] ?? 0 }))
  }
}

export function worstClass (measurements: readonly Measurement[]): LatencyClass | 'none' | undefined {
  return measurements.map(measurement => measurement.class).sort((left, right) => order.indexOf(right) - order.indexOf(left))[0]
}
const order = ['A', 'B', 'C', 'none']

function putting (instance: Instance, bytes: number, folder: string): (n: number) => Promise<unknown> {
  const body = pattern(bytes)
  return async n => await (instance as ObjectStore).put(`latency/${folder}/${n}`, body)
}

/** Trims behind itself, as a broker does. */
function appending (instance: Instance, bytes: number): (n: number) => Promise<unknown> {
  const wal = instance as Wal
  const record = pattern(bytes)
  return async n => {
    const position = await wal.append([record])
    if (n % 8 === 0) void wal.trim(position).catch(() => undefined)
  }
}

/** The bar of a histogram that `latencyMs` belongs to. */
function barOf (latencyMs: number): number { return Math.max(0, Math.ceil(Math.log2(latencyMs / firstBarMs))) }

export const measuringWriter = crashWriter(1)
