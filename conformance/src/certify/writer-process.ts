import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { CrashOrder } from './crash-order.ts'

/** A process that writes through the plugin until it fails or is stopped. */
export interface WriterProcess {
  /** Numbers of the writes that it has acknowledged so far. */
  readonly writes: readonly number[] & number[]
  /** Yields the count at each acknowledgement; ends when the process has. */
  acknowledgements (): AsyncGenerator<number>
  signal (name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  readonly exited: Promise<{ readonly signal: string | null, readonly complaint: string }>
}

/** `under`: a program and its arguments that the process is run by. */
export function startWriter (order: CrashOrder, under: readonly string[] = []): WriterProcess {
  const file = path.join(import.meta.dirname, `crash-child${path.extname(import.meta.filename)}`)
  const [program, ...args] = [...under, process.execPath, ...process.execArgv, file]
  const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  let complaint = ''
  child.stderr.on('data', (bytes: Buffer) => { complaint = (complaint + bytes.toString()).slice(-2_000) })
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify(order))
  const writes: number[] = []
  const lines = createInterface({ input: child.stdout })
  return {
    writes,
    acknowledgements: async function * () {
      for await (const line of lines) yield writes.push(Number(line))
    },
    // To its whole group: a program that watches it does not take it along when it is killed.
    signal: name => { if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, name) },
    exited: once(child, 'exit').then(([, signal]) => ({ signal: signal as string | null, complaint }))
  }
}
