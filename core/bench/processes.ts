// Child processes under measurement: started, watched through /proc, stopped.
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import { performance } from 'node:perf_hooks'
import path from 'node:path'
import { nodeSettings } from '../../tools/node-settings.mjs'

const core = path.dirname(import.meta.dirname)
const ticksPerSecond = 100

export interface Measured {
  readonly port: number
  /** From spawn to the line that says it is ready. */
  readonly readyMs: number
  /** User and system time so far. */
  cpuSeconds (): number
  residentBytes (): number
  peakResidentBytes (): number
  stop (signal?: NodeJS.Signals): Promise<void>
}

export async function startCeiling (mode: 'produce' | 'stream', file: string, payloadAt: number): Promise<Measured> {
  return await start([path.join(core, 'bench/ceiling-process.ts'), mode, file, String(payloadAt)], /ready (\d+)/)
}

export async function startBroker (folder: string, settings: Readonly<Record<string, string>> = {}): Promise<Measured> {
  return await start([path.join(core, 'src/cli/main.ts'), 'start'], /ready on 127\.0\.0\.1:(\d+)/, settingsIn(folder, settings))
}

/** An engine alone that recovers `recovered` batches, then appends `appended` of one byte; `heapMiB` of heap at most. */
export async function startTinyBatches (folder: string, { appended, heapMiB, recovered }: { readonly recovered: number, readonly appended: number, readonly heapMiB: number }, settings: Readonly<Record<string, string>> = {}): Promise<Omit<Measured, 'port'> & { readonly recoveredMs: number }> {
  const { port: recoveredMs, ...measured } = await start([`--max-old-space-size=${heapMiB}`, path.join(core, 'bench/tiny-batches-process.ts'), String(recovered), String(appended)], /recovered ms=(\d+)/, settingsIn(folder, settings))
  return { ...measured, recoveredMs }
}

/** Everything on this machine's disk, under `folder`. */
function settingsIn (folder: string, settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    STREAMBED_NODE__LISTENERS: '["plaintext://127.0.0.1:0"]',
    STREAMBED_STORAGE__WAL__PATH: path.join(folder, 'wal'),
    STREAMBED_STORAGE__WAL__PLUGIN: 'regional-disk',
    STREAMBED_STORAGE__OBJECTS__PATH: path.join(folder, 'objects'),
    STREAMBED_STORAGE__OBJECTS__PLUGIN: 'fs',
    STREAMBED_STORAGE__METADATA__PATH: path.join(folder, 'metadata'),
    STREAMBED_STORAGE__METADATA__PLUGIN: 'file',
    ...settings
  }
}

export interface Requests { readonly put: number, readonly get: number, readonly list: number, readonly delete: number }
export interface MeasuredBackends extends Measured {
  /** That its stores have got so far. */
  requests (): Promise<Requests>
}

/** A broker with `storage` as its configuration has it; each put of its stores takes `putLatencyMs` more. */
export async function startBackendBroker (folder: string, storage: object, putLatencyMs = 0): Promise<MeasuredBackends> {
  fs.mkdirSync(folder, { recursive: true })
  const file = path.join(folder, 'streambed.yaml')
  fs.writeFileSync(file, JSON.stringify({ node: { listeners: ['plaintext://127.0.0.1:0'] }, storage }))
  const measured = await start([path.join(core, 'bench/backend-process.ts'), file, String(putLatencyMs)], /ready on 127\.0\.0\.1:(\d+)/)
  return {
    ...measured,
    requests: async () => {
      measured.child.kill('SIGUSR2')
      const line = await new Promise<string>(resolve => { measured.child.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString())) })
      return JSON.parse(line.slice(line.indexOf('{'))) as Requests
    }
  }
}

/** `ready`: the line that says so, with a number in it: the port. */
function start (args: readonly string[], ready: RegExp, environment: Readonly<Record<string, string>> = {}): Promise<Measured & { readonly child: ChildProcess }> {
  const startMs = performance.now()
  const child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // As the launcher starts it; the ceiling gets them too.
    env: { ...process.env, ...nodeSettings, ...environment }
  })
  return new Promise((resolve, reject) => {
    let output = ''
    let errors = ''
    const exited = new Promise<void>(done => { child.once('exit', () => done()) })
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4_000)
      if (process.env['STREAMBED_BENCH_VERBOSE'] !== undefined) process.stderr.write(chunk)
    })
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const match = ready.exec(output)
      if (match === null) return
      resolve({
        child,
        port: Number(match[1]),
        readyMs: performance.now() - startMs,
        cpuSeconds: () => cpuSeconds(child),
        residentBytes: () => statusBytes(child, 'VmRSS'),
        peakResidentBytes: () => statusBytes(child, 'VmHWM'),
        stop: async (signal = 'SIGTERM') => {
          child.kill(signal)
          await exited
        }
      })
    })
    void exited.then(() => reject(new Error(`the process ended before it was ready: ${errors}`)))
  })
}

function cpuSeconds (child: ChildProcess): number {
  const fields = fs.readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

function statusBytes (child: ChildProcess, name: string): number {
  const match = new RegExp(`${name}:\\s+(\\d+) kB`).exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0) * 1_024
}
