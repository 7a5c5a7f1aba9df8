// What is measured. Each scenario runs the broker and the machine's ceiling one after the other, several rounds, in one run.
import fs from 'node:fs'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { nextOffset, wholeBatches } from './batches.ts'
import { checkProduced, createTopicFrame, decodeFetched, fetchFrame, produceFrame } from './frames.ts'
import { RawConnection, openLoop, saturate, type Latency, type Target } from './load.ts'
import { startBroker, startCeiling, startTinyBatches, type Measured } from './processes.ts'

const MiB = 1024 * 1024
/** The ceiling's file is written full before it is measured; so is the broker's ring: both then overwrite. */
const ringBytes = 512 * MiB

export interface Options {
  /** A folder of the bench's own, on the disk under test. */
  readonly folder: string
  readonly rounds: number
  readonly durationMs: number
  /** Payload read by the consume scenarios. */
  readonly consumeBytes: number
}

export interface Ratio {
  readonly name: string
  readonly unit: 'MB/s'
  readonly broker: readonly number[]
  readonly ceiling: readonly number[]
  /** Median of the broker's rounds over the median of the ceiling's. */
  readonly ratio: number
  readonly cpuSecondsPerGB: number
  readonly peakResidentMB: number
}

/** Saturating produce: `connections` connections, `inFlight` requests on each. */
export async function produce (name: string, options: Options, load: { readonly requestBytes: number, readonly recordBytes: number, readonly connections: number, readonly inFlight: number }): Promise<Ratio> {
  const frames = Array.from({ length: load.connections }, (_, index) => produceFrame('bench', index, load.requestBytes, load.recordBytes))
  const { payloadAt, payloadBytes } = frames[0]!
  const bytes = frames.map(({ frame }) => frame)
  const [broker, ceiling]: [number[], number[]] = [[], []]
  let cpuSeconds = 0
  let gigabytes = 0
  let peak = 0
  for (let round = 0; round < options.rounds; round++) {
    const file = path.join(options.folder, 'ceiling')
    if (!fs.existsSync(file)) fs.writeFileSync(file, Buffer.alloc(ringBytes))
    await using bare = stopping(await startCeiling('produce', file, payloadAt))
    const best = await saturate(at(bare), bytes, payloadBytes, { inFlight: load.inFlight, durationMs: options.durationMs })
    ceiling.push(best.megabytesPerSecond)
    await using served = stopping(await freshBroker(options, `produce-${round}`))
    await createTopic(at(served), load.connections)
    await checkOne(at(served), bytes[0]!)
    await fillRing(at(served), load.connections)
    const before = served.cpuSeconds()
    const got = await saturate(at(served), bytes, payloadBytes, { inFlight: load.inFlight, durationMs: options.durationMs })
    broker.push(got.megabytesPerSecond)
    cpuSeconds += served.cpuSeconds() - before
    gigabytes += got.megabytesPerSecond * got.seconds / 1_000
    peak = Math.max(peak, served.peakResidentBytes())
  }
  return { name, unit: 'MB/s', broker, ceiling, ratio: median(broker) / median(ceiling), cpuSecondsPerGB: cpuSeconds / gigabytes, peakResidentMB: peak / 1e6 }
}

/** Latency at a rate that the broker should bear easily: 1 KiB records, one a request, from many connections. */
export async function produceLatency (options: Options, load: { readonly megabytesPerSecond: number, readonly connections: number }): Promise<Latency> {
  await using served = stopping(await freshBroker(options, 'latency'))
  await createTopic(at(served), load.connections)
  const frames = Array.from({ length: load.connections }, (_, index) => produceFrame('bench', index, 1_024, 1_024).frame)
  await fillRing(at(served), load.connections)
  const requestsPerSecond = load.megabytesPerSecond * 1e6 / 1_024
  await openLoop(at(served), frames, { requestsPerSecond: requestsPerSecond / 4, durationMs: 1_000 })
  return await openLoop(at(served), frames, { requestsPerSecond, durationMs: options.durationMs })
}

/** Reading from memory what was just produced, again and again, against streaming a file to a socket. */
export async function tailConsume (options: Options): Promise<Ratio> {
  return await consume('tail consume', options, {}, async () => undefined)
}

/** Reading all from objects: the broker restarted, nothing of it in the broker's memory. */
export async function catchUpConsume (options: Options): Promise<Ratio> {
  const settings = { STREAMBED_STORAGE__UPLOAD_INTERVAL_MS: '250' }
  return await consume('catch-up from objects', options, settings, async served => {
    // Everything is uploaded once the interval has passed and the objects no longer grow.
    for (let before = -1, now = 0; now !== before || now === 0;) {
      before = now
      await new Promise(resolve => { setTimeout(resolve, 1_000) })
      now = served.cpuSeconds()
    }
  })
}

async function consume (name: string, options: Options, settings: Readonly<Record<string, string>>, prepare: (served: Measured) => Promise<void>): Promise<Ratio> {
  const isCold = name.startsWith('catch-up')
  const file = path.join(options.folder, 'stream')
  fs.writeFileSync(file, Buffer.alloc(options.consumeBytes, 'x'))
  const folder = path.join(options.folder, name.replaceAll(' ', '-'))
  let served = await startBroker(folder, settings)
  await createTopic(at(served), 1)
  const bytes = isCold ? options.consumeBytes : Math.min(options.consumeBytes, 48 * MiB)
  await fill(at(served), bytes)
  await prepare(served)
  if (isCold) {
    await served.stop()
    served = await startBroker(folder, settings)
  }
  const [broker, ceiling]: [number[], number[]] = [[], []]
  let cpuSeconds = 0
  let gigabytes = 0
  for (let round = 0; round < options.rounds; round++) {
    await using bare = stopping(await startCeiling('stream', file, 0))
    ceiling.push(await streamFile(at(bare), options.consumeBytes))
    if (isCold && round > 0) {
      await served.stop()
      served = await startBroker(folder, settings)
    }
    const before = served.cpuSeconds()
    const passes = isCold ? 1 : Math.max(1, Math.round(options.consumeBytes / bytes))
    const { megabytes, seconds } = await readAll(at(served), passes)
    broker.push(megabytes / seconds)
    cpuSeconds += served.cpuSeconds() - before
    gigabytes += megabytes / 1_000
  }
  const peak = served.peakResidentBytes()
  await served.stop()
  return { name, unit: 'MB/s', broker, ceiling, ratio: median(broker) / median(ceiling), cpuSecondsPerGB: cpuSeconds / gigabytes, peakResidentMB: peak / 1e6 }
}

export interface Startup { readonly readyMs: readonly number[], readonly idleResidentMB: number }

/** From spawn to ready on an empty folder and on a used one, and memory after a while of nothing. */
export async function startup (options: Options): Promise<Startup> {
  const readyMs: number[] = []
  let idle = 0
  for (let round = 0; round < Math.max(3, options.rounds); round++) {
    const served = await startBroker(path.join(options.folder, 'startup'))
    readyMs.push(served.readyMs)
    await new Promise(resolve => { setTimeout(resolve, 2_000) })
    idle = Math.max(idle, served.residentBytes())
    await served.stop()
  }
  return { readyMs, idleResidentMB: idle / 1e6 }
}

export interface Recovery { readonly walMiB: number, readonly readyMs: readonly number[], readonly peakResidentMB: number }

/** From spawn to ready after a kill, with `walBytes` in the WAL that no object holds yet. */
export async function recovery (options: Options, walBytes: number): Promise<Recovery> {
  const folder = path.join(options.folder, 'recovery')
  const settings = {
    STREAMBED_STORAGE__WAL__CAPACITY: String(2 * walBytes),
    STREAMBED_STORAGE__UPLOAD_BYTES: String(2 * walBytes),
    STREAMBED_STORAGE__UPLOAD_INTERVAL_MS: '0',
    STREAMBED_STORAGE__PENDING_BYTES_MAX: String(4 * walBytes)
  }
  let served = await startBroker(folder, settings)
  await createTopic(at(served), 1)
  await fill(at(served), walBytes)
  const readyMs: number[] = []
  let peak = 0
  for (let round = 0; round < options.rounds; round++) {
    await served.stop('SIGKILL')
    served = await startBroker(folder, settings)
    readyMs.push(served.readyMs)
    peak = Math.max(peak, served.peakResidentBytes())
  }
  await served.stop('SIGKILL')
  fs.rmSync(folder, { recursive: true, force: true })
  return { walMiB: walBytes / MiB, readyMs, peakResidentMB: peak / 1e6 }
}

export interface TinyBatches { readonly count: number, readonly heapMiB: number, readonly recoveredMs: readonly number[], readonly cpuSeconds: readonly number[], readonly peakResidentMiB: number }

/** An engine's opening after a kill, with `count` batches of one byte in the WAL and a small heap; the process's own start is in CPU and memory alone. */
export async function tinyBatches (options: Options, count: number): Promise<TinyBatches> {
  const heapMiB = 512
  const folder = path.join(options.folder, 'tiny')
  const recoveredMs: number[] = []
  const cpuSeconds: number[] = []
  let peak = 0
  for (let round = 0; round < options.rounds; round++) {
    const unbounded = { STREAMBED_STORAGE__UPLOAD_BYTES: '1GiB', STREAMBED_STORAGE__UPLOAD_INTERVAL_MS: '0', STREAMBED_STORAGE__PENDING_BYTES_MAX: '64GiB' }
    const writer = await startTinyBatches(folder, { recovered: 0, appended: count, heapMiB: 8 * 1_024 }, unbounded)
    await writer.stop('SIGKILL')
    const recovered = await startTinyBatches(folder, { recovered: count, appended: 0, heapMiB })
    recoveredMs.push(recovered.recoveredMs)
    cpuSeconds.push(recovered.cpuSeconds())
    peak = Math.max(peak, recovered.peakResidentBytes())
    await recovered.stop('SIGKILL')
    fs.rmSync(folder, { recursive: true, force: true })
  }
  return { count, heapMiB, recoveredMs, cpuSeconds, peakResidentMiB: peak / MiB }
}

function freshBroker (options: Options, name: string): Promise<Measured> {
  const folder = path.join(options.folder, name)
  fs.rmSync(folder, { recursive: true, force: true })
  return startBroker(folder, { STREAMBED_STORAGE__WAL__CAPACITY: String(ringBytes) })
}

/** Writes the WAL's ring round once: the first lap also makes the file system find the blocks. */
async function fillRing (target: Target, partitions: number): Promise<void> {
  const frames = Array.from({ length: partitions }, (_, index) => produceFrame('bench', index, MiB, 1_024))
  const each = Math.ceil(ringBytes * 1.1 / MiB / partitions)
  await Promise.all(frames.map(async ({ frame }) => {
    const connection = await RawConnection.open(target)
    for (let sent = 0; sent < each; sent++) checkProduced(await connection.request(frame))
    connection.close()
  }))
  // What that has left to upload must not weigh on what is measured.
  await new Promise(resolve => { setTimeout(resolve, 3_000) })
}

async function createTopic (target: Target, partitions: number): Promise<void> {
  const connection = await RawConnection.open(target)
  await connection.request(createTopicFrame('bench', partitions))
  connection.close()
}

/** The load itself reads no answers: once is enough to know that they are not errors. */
async function checkOne (target: Target, frame: Uint8Array): Promise<void> {
  const connection = await RawConnection.open(target)
  checkProduced(await connection.request(frame))
  connection.close()
}

async function fill (target: Target, bytes: number): Promise<void> {
  const { frame, payloadBytes } = produceFrame('bench', 0, MiB, 1_024)
  const connection = await RawConnection.open(target)
  for (let sent = 0; sent < bytes; sent += payloadBytes) checkProduced(await connection.request(frame))
  connection.close()
}

async function readAll (target: Target, passes: number): Promise<{ readonly megabytes: number, readonly seconds: number }> {
  const connection = await RawConnection.open(target)
  const startMs = performance.now()
  let bytes = 0
  for (let pass = 0; pass < passes; pass++) {
    for (let offset = 0, end = Infinity; offset < end;) {
      const { highWatermark, records } = decodeFetched(await connection.request(fetchFrame('bench', 0, offset, 8 * MiB)))
      end = highWatermark
      for (const { at: place } of wholeBatches(records)) offset = nextOffset(records, place)
      bytes += records.length
    }
  }
  connection.close()
  return { megabytes: bytes / 1e6, seconds: (performance.now() - startMs) / 1_000 }
}

async function streamFile (target: Target, bytes: number): Promise<number> {
  const net = await import('node:net')
  return await new Promise((resolve, reject) => {
    const startMs = performance.now()
    let got = 0
    const socket = net.connect(target)
    socket.on('data', chunk => { got += chunk.length })
    socket.on('error', reject)
    socket.on('end', () => got === bytes ? resolve(got / 1e6 / ((performance.now() - startMs) / 1_000)) : reject(new Error('short stream')))
  })
}

function at ({ port }: Measured): Target { return { host: '127.0.0.1', port } }

function stopping (process: Measured): Measured & AsyncDisposable {
  return { ...process, [Symbol.asyncDispose]: () => process.stop('SIGKILL') }
}

export function median (values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
