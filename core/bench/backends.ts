// `npm run bench -- --only backends`: every WAL on every store that is at hand, on the services' own terms, and the object WAL on
// a store whose puts take 60 ms.
import fs from 'node:fs'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import type { PriceTable } from '@streambed/sdk'
import { bundledPlugin } from '../src/main/plugins/plugin-loader.ts'
import { services } from '../test/support/services.ts'
import { checkProduced, createTopicFrame, produceFrame } from './frames.ts'
import { RawConnection, openLoop, saturate, type Latency, type Target } from './load.ts'
import { startBackendBroker, type Requests } from './processes.ts'
import { median, type Options } from './scenarios.ts'

const MiB = 1024 * 1024
const wals: Readonly<Record<string, (folder: string) => object>> = {
  'regional-disk': folder => ({ plugin: 'regional-disk', path: path.join(folder, 'wal'), capacity: '512MiB' }),
  efs: folder => ({ plugin: 'efs', path: path.join(folder, 'wal'), capacity: '512MiB' }),
  object: () => ({ plugin: 'object', capacity: '1GiB' })
}
interface Store { readonly name: string, readonly objects: (folder: string) => object }
const aFolder: Store = { name: 'fs', objects: folder => ({ plugin: 'fs', path: path.join(folder, 'objects') }) }

export interface BackendResult {
  readonly wal: string
  readonly store: string
  readonly latency: Latency
  readonly megabytesPerSecond: number
  /** Of 10^9 payload bytes, under the saturating load. */
  readonly requestsPerGB: Requests
  /** At the service's list prices; undefined where it has none. */
  readonly costPerGB: { readonly currency: string, readonly amount: number } | undefined
}

/** A broker for each combination: latency at 1 MB/s of 1 KiB records, one a request, 20 connections; then 1 MiB requests, as many as it takes. */
export async function * everyBackend (options: Options): AsyncGenerator<BackendResult> {
  for (const [wal, walOptions] of Object.entries(wals)) {
    for (const { name: store, objects } of [aFolder, ...services] satisfies Store[]) {
      const folder = path.join(options.folder, `${wal}-${store}`)
      await using served = stopping(await startBackendBroker(folder, {
        wal: walOptions(folder), objects: objects(folder), metadata: wal === 'object' ? { plugin: 'object' } : { plugin: 'file', path: path.join(folder, 'metadata') }
      }))
      const target = at(served.port)
      await createTopic(target, 20)
      const small = Array.from({ length: 20 }, (_, index) => produceFrame('bench', index, 1_024, 1_024).frame)
      await openLoop(target, small, { requestsPerSecond: 250, durationMs: 1_000 })
      const latency = await openLoop(target, small, { requestsPerSecond: 1e6 / 1_024, durationMs: options.durationMs })
      const large = Array.from({ length: 4 }, (_, index) => produceFrame('bench', index, MiB, 1_024))
      const before = await served.requests()
      const got = await saturate(target, large.map(({ frame }) => frame), large[0]!.payloadBytes, { inFlight: 4, durationMs: options.durationMs })
      const after = await served.requests()
      const gigabytes = got.megabytesPerSecond * got.seconds / 1_000
      const perGB = (kind: keyof Requests): number => (after[kind] - before[kind]) / gigabytes
      const requestsPerGB = { put: perGB('put'), get: perGB('get'), list: perGB('list'), delete: perGB('delete') }
      yield { wal, store, latency, megabytesPerSecond: got.megabytesPerSecond, requestsPerGB, costPerGB: costOf(await pricesOf(store), requestsPerGB) }
      fs.rmSync(folder, { recursive: true, force: true })
    }
  }
}

export interface SlowPuts {
  readonly putLatencyMs: number
  /** One put of a small object, with the latency in it. */
  readonly putMs: number
  /** A produce request alone on the broker. */
  readonly loneProduceMs: number
  readonly ratio: number
  readonly megabytesPerSecond: number
}

/** The object WAL where each put takes `putLatencyMs` more than the folder below it. */
export async function slowPuts (options: Options, putLatencyMs: number): Promise<SlowPuts> {
  const folder = path.join(options.folder, 'slow-puts')
  await using served = stopping(await startBackendBroker(folder, { wal: { plugin: 'object', capacity: '1GiB' }, objects: aFolder.objects(folder), metadata: { plugin: 'object' } }, putLatencyMs))
  const target = at(served.port)
  await createTopic(target, 4)
  const { frame } = produceFrame('bench', 0, 1_024, 1_024)
  const connection = await RawConnection.open(target)
  const alone: number[] = []
  for (let count = 0; count < 50; count++) {
    const startMs = performance.now()
    checkProduced(await connection.request(frame))
    alone.push(performance.now() - startMs)
  }
  connection.close()
  const puts = await putTimes(path.join(options.folder, 'puts'), putLatencyMs)
  const large = Array.from({ length: 4 }, (_, index) => produceFrame('bench', index, MiB, 1_024))
  const got = await saturate(target, large.map(one => one.frame), large[0]!.payloadBytes, { inFlight: 8, durationMs: options.durationMs })
  return { putLatencyMs, putMs: median(puts), loneProduceMs: median(alone), ratio: median(alone) / median(puts), megabytesPerSecond: got.megabytesPerSecond }
}

/** What a put of a small object takes by itself, the added latency included. */
async function putTimes (folder: string, putLatencyMs: number): Promise<number[]> {
  const { nodeEnvironment } = await import('@streambed/sdk/node')
  const environment = nodeEnvironment()
  await using store = await (await bundledPlugin('objects', 'fs')).open({ path: folder } as never, environment)
  const times: number[] = []
  for (let count = 0; count < 50; count++) {
    const startMs = performance.now()
    await new Promise(resolve => { setTimeout(resolve, putLatencyMs) })
    await store.put(`put-${count}`, Buffer.alloc(1_200), { ifAbsent: true })
    times.push(performance.now() - startMs)
  }
  return times
}

/** List prices of the real service that a plugin is for, whatever stands in for it here. */
async function pricesOf (plugin: string): Promise<PriceTable | undefined> {
  return (await bundledPlugin('objects', plugin)).prices?.({ bucket: 'bench', container: 'bench', region: 'us-east-1', redundancy: 'zone' } as never)
}

function costOf (prices: PriceTable | undefined, requestsPerGB: Requests): BackendResult['costPerGB'] {
  if (prices === undefined) return undefined
  const requests = (['put', 'get', 'list', 'delete'] as const).reduce((sum, kind) => sum + requestsPerGB[kind] / 1_000 * prices.perThousand[kind], 0)
  return { currency: prices.currency, amount: requests + prices.perGb.written }
}

async function createTopic (target: Target, partitions: number): Promise<void> {
  const connection = await RawConnection.open(target)
  await connection.request(createTopicFrame('bench', partitions))
  connection.close()
}

function at (port: number): Target { return { host: '127.0.0.1', port } }

function stopping<T extends { stop (signal?: NodeJS.Signals): Promise<void> }> (process: T): T & AsyncDisposable {
  return Object.assign(process, { [Symbol.asyncDispose]: () => process.stop('SIGKILL') })
}
