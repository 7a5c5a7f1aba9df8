// A broker as its users run it: a process on a folder and a port, that can be killed and started again on both.
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

const cli = path.join(import.meta.dirname, '../../src/cli/main.ts')

/** Groups form without the delay meant for slow fleets, and a member that crashed is missed after one second. */
const quickGroups = {
  STREAMBED_KAFKA__GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  STREAMBED_KAFKA__GROUP_MIN_SESSION_TIMEOUT_MS: '1000'
}

export class BrokerProcess implements AsyncDisposable {
  readonly port: number
  readonly #folder: string
  readonly #settings: Readonly<Record<string, string>>
  #child: ChildProcess

  /** `settings` are environment variables, as `STREAMBED_KAFKA__NUM_PARTITIONS`. */
  static async start (settings: Readonly<Record<string, string>> = {}): Promise<BrokerProcess> {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'streambed-clients-'))
    try {
      const { child, port } = await launch(folder, 0, settings)
      return new BrokerProcess(folder, settings, child, port)
    } catch (error) {
      await fs.rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  private constructor (folder: string, settings: Readonly<Record<string, string>>, child: ChildProcess, port: number) {
    this.#folder = folder
    this.#settings = settings
    this.#child = child
    this.port = port
  }

  get address (): string { return `127.0.0.1:${this.port}` }

  /** Ends the process at once, as a crash would: nothing is drained or flushed. */
  async kill (): Promise<void> { await ended(this.#child, 'SIGKILL') }

  /** Starts again on the same folder and port, after `kill`. */
  async restart (): Promise<void> {
    this.#child = (await launch(this.#folder, this.port, this.#settings)).child
  }

  async killAndRestart (): Promise<void> {
    await this.kill()
    await this.restart()
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await ended(this.#child, 'SIGTERM')
    await fs.rm(this.#folder, { recursive: true, force: true })
  }
}

function launch (folder: string, port: number, settings: Readonly<Record<string, string>>): Promise<{ readonly child: ChildProcess, readonly port: number }> {
  const child = spawn(process.execPath, ['--conditions=streambed-source', '--disable-warning=ExperimentalWarning', cli, 'start'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      STREAMBED_NODE__LISTENERS: `["plaintext://127.0.0.1:${port}"]`,
      STREAMBED_STORAGE__WAL__PLUGIN: 'regional-disk',
      STREAMBED_STORAGE__WAL__PATH: path.join(folder, 'wal'),
      STREAMBED_STORAGE__OBJECTS__PLUGIN: 'fs',
      STREAMBED_STORAGE__OBJECTS__PATH: path.join(folder, 'objects'),
      STREAMBED_STORAGE__METADATA__PLUGIN: 'file',
      STREAMBED_STORAGE__METADATA__PATH: path.join(folder, 'metadata'),
      ...quickGroups,
      ...settings
    }
  })
  // A test run that ends early leaves no broker behind.
  const stop = (): void => { child.kill('SIGKILL') }
  process.once('exit', stop)
  child.once('exit', () => process.off('exit', stop))
  return new Promise((resolve, reject) => {
    let output = ''
    let errors = ''
    child.stderr.on('data', (bytes: Buffer) => { errors = (errors + bytes.toString()).slice(-4_000) })
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString()
      const ready = /ready on 127\.0\.0\.1:(\d+)/.exec(output)
      if (ready !== null) resolve({ child, port: Number(ready[1]) })
    })
    child.once('exit', () => reject(new Error(`the broker ended before it was ready: ${errors}`)))
  })
}

async function ended (child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise<void>(resolve => { child.once('exit', () => resolve()) })
  child.kill(signal)
  await exited
}
