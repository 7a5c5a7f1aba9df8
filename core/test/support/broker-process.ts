import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'

const cli = path.join(import.meta.dirname, '../../src/cli/main.ts')
const node = ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', cli]
const logBytesKept = 1_000_000

export interface Ended { readonly code: number | null, readonly signal: NodeJS.Signals | null }

/** One start of a broker, which may or may not become ready. */
export interface BrokerRun {
  readonly child: ChildProcess
  /** The port, once the broker says that it serves. Rejects with all that it said when it ends before. */
  readonly ready: Promise<number>
  readonly ended: Promise<Ended>
  /** From spawn to ready; NaN before. */
  readonly readyMs: number
  readonly stderr: string
}

const started = new Set<ChildProcess>()
process.once('exit', () => { for (const child of started) child.kill('SIGKILL') })

/** Settings, as environment variables, that put all three backends below `folder`. */
export function folderSettings (folder: string, port = 0): Record<string, string> {
  return {
    ...nodeSettings(port),
    STREAMBED_STORAGE__WAL__PLUGIN: 'regional-disk',
    STREAMBED_STORAGE__WAL__PATH: path.join(folder, 'wal'),
    STREAMBED_STORAGE__OBJECTS__PLUGIN: 'fs',
    STREAMBED_STORAGE__OBJECTS__PATH: path.join(folder, 'objects'),
    STREAMBED_STORAGE__METADATA__PLUGIN: 'file',
    STREAMBED_STORAGE__METADATA__PATH: path.join(folder, 'metadata')
  }
}

/** Settings of a broker whose configuration says where it stores. */
function nodeSettings (port: number): Record<string, string> {
  return {
    STREAMBED_NODE__LISTENERS: `["plaintext://127.0.0.1:${port}"]`,
    STREAMBED_KAFKA__GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    STREAMBED_KAFKA__GROUP_MIN_SESSION_TIMEOUT_MS: '1000'
  }
}

/** The user that a process runs as; root alone may choose another than its own. */
export interface Identity { readonly uid: number, readonly gid: number }

export function startRun (settings: Readonly<Record<string, string>>, args: readonly string[] = [], identity?: Identity): BrokerRun {
  const startMs = performance.now()
  const child = spawn(process.execPath, [...node, 'start', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...settings }, ...identity })
  started.add(child)
  const run = { child, ready: Promise.resolve(0), ended: Promise.resolve<Ended>({ code: null, signal: null }), readyMs: NaN, stderr: '' }
  child.stderr.on('data', (chunk: Buffer) => { run.stderr = (run.stderr + chunk.toString()).slice(-logBytesKept) })
  run.ended = new Promise(resolve => {
    child.once('close', (code, signal) => {
      started.delete(child)
      resolve({ code, signal })
    })
  })
  run.ready = new Promise((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const match = /ready on 127\.0\.0\.1:(\d+)/.exec(output)
      if (match === null) return
      if (Number.isNaN(run.readyMs)) run.readyMs = performance.now() - startMs
      resolve(Number(match[1]))
    })
    void run.ended.then(({ code, signal }) => reject(new Error(`the broker ended before it was ready. code=${code} signal=${signal}\n${run.stderr}`)))
  })
  run.ready.catch(() => undefined)
  return run
}

export interface BrokerProcessOptions {
  readonly settings?: Readonly<Record<string, string>>
  /** What the configuration says under `storage`, for the folder that the broker gets; without it all is below that folder. */
  readonly storage?: (folder: string) => object
  readonly folder?: string
  readonly identity?: Identity
}

/** A broker as a process on a folder of its own, which can be ended in any way and started again on the same folder and port. */
export class BrokerProcess implements AsyncDisposable {
  readonly folder: string
  readonly settings: Readonly<Record<string, string>>
  readonly #ownsFolder: boolean
  /** The configuration's `storage`; undefined for `folderSettings`. */
  readonly #storage: object | undefined
  readonly #identity: Identity | undefined
  #port = 0
  #run: BrokerRun

  private constructor (folder: string, ownsFolder: boolean, { identity, settings = {}, storage }: BrokerProcessOptions) {
    this.folder = folder
    this.settings = settings
    this.#ownsFolder = ownsFolder
    this.#storage = storage?.(folder)
    this.#identity = identity
    this.#run = this.launch()
  }

  /** Resolves once it is ready. Without a folder it gets one that is removed in the end. */
  static async start (options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
    const broker = new BrokerProcess(options.folder ?? temporaryFolder(), options.folder === undefined, options)
    broker.#port = await broker.#run.ready
    return broker
  }

  get address (): { readonly host: string, readonly port: number } { return { host: '127.0.0.1', port: this.#port } }
  get bootstrap (): string { return `127.0.0.1:${this.#port}` }
  get run (): BrokerRun { return this.#run }
  get pid (): number { return this.#run.child.pid! }

  /** Starts a process, which must not run, without waiting until it is ready. */
  launch (changed: Readonly<Record<string, string>> = {}): BrokerRun {
    const settings = { ...this.settings, ...changed }
    if (this.#storage === undefined) this.#run = startRun({ ...folderSettings(this.folder, this.#port), ...settings }, [], this.#identity)
    else {
      const file = path.join(this.folder, 'streambed.yaml')
      fs.writeFileSync(file, JSON.stringify({ storage: this.#storage }))
      this.#run = startRun({ ...nodeSettings(this.#port), ...settings }, ['-c', file], this.#identity)
    }
    return this.#run
  }

  /** Starts again and waits until it is ready. */
  async restart (changed: Readonly<Record<string, string>> = {}): Promise<BrokerRun> {
    const run = this.launch(changed)
    await run.ready
    return run
  }

  /** Sends the signal and waits for the end. */
  async end (signal: NodeJS.Signals): Promise<Ended> {
    this.#run.child.kill(signal)
    return await this.#run.ended
  }

  /** Ends the process at once, as a crash would: nothing is drained or flushed. */
  async kill (): Promise<void> { await this.end('SIGKILL') }

  async killAndRestart (): Promise<void> {
    await this.kill()
    await this.restart()
  }

  /** A line of /proc/<pid>/status, in bytes. */
  statusBytes (name: 'VmRSS' | 'VmHWM'): number {
    const match = new RegExp(`${name}:\\s+(\\d+) kB`).exec(fs.readFileSync(`/proc/${this.pid}/status`, 'utf8'))
    return Number(match?.[1] ?? NaN) * 1_024
  }

  get openFiles (): number { return fs.readdirSync(`/proc/${this.pid}/fd`).length }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.kill()
    if (this.#ownsFolder) fs.rmSync(this.folder, { recursive: true, force: true })
  }
}

export function temporaryFolder (): string { return fs.mkdtempSync(path.join(os.tmpdir(), 'streambed-test-')) }

export interface CliResult extends Ended { readonly stdout: string, readonly stderr: string }

/** Runs the command line to its end. */
export function runCli (args: readonly string[], options: { readonly settings?: Readonly<Record<string, string>>, readonly input?: string, readonly cwd?: string } = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [...node, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.settings },
    ...options.cwd === undefined ? {} : { cwd: options.cwd }
  })
  started.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString() })
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  return new Promise(resolve => {
    child.once('close', (code, signal) => {
      started.delete(child)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** The command as a shell would run it, for pipelines. */
export const shellCommand = [process.execPath, ...node].map(word => `'${word}'`).join(' ')
