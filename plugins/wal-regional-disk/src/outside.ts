import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { StreambedError, withDeadline, type Clock } from '@streambed/sdk'

const outputBytesMax = 64 * 1024

export interface ProgramResult {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  /** At most the last 64 KiB of each. */
  readonly stdout: string
  readonly stderr: string
}

export interface HttpAnswer { readonly status: number, readonly text: string }

/** Programs and services beside the file system that the plugin calls; a test gives its own. */
export interface Outside {
  /**
   * Runs `command`, never through a shell, with `input` as its standard input. Rejects with MISCONFIGURED when it cannot be
   * started, and with UNAVAILABLE after `timeoutMs`: it and what it has started are killed then.
   */
  run (command: readonly string[], input: string, timeoutMs: number, clock: Clock): Promise<ProgramResult>
  /** One POST of JSON, redirects not followed. Rejects with UNAVAILABLE when no answer comes within `timeoutMs`. */
  post (url: string, headers: Readonly<Record<string, string>>, json: string, timeoutMs: number, clock: Clock): Promise<HttpAnswer>
}

/** The real ones. */
export const nodeOutside: Outside = { run: runProgram, post: postJson }

async function runProgram (command: readonly string[], input: string, timeoutMs: number, clock: Clock): Promise<ProgramResult> {
  const [program = '', ...args] = command
  const cannotStart = (cause: unknown): StreambedError => new StreambedError('MISCONFIGURED', `the program cannot be started; install it, or name its path. program=${program}: ${reasonOf(cause)}`, { cause })
  let child: ChildProcessWithoutNullStreams
  try {
    // A process group of its own, so that a time-out ends what it has started as well.
    child = spawn(program, args, { shell: false, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  } catch (cause) {
    // No system takes a zero byte in an argument.
    throw cannotStart(cause)
  }
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout = (stdout + text).slice(-outputBytesMax) })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr = (stderr + text).slice(-outputBytesMax) })
  // A program need not read what it is given.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const late = (): Error => {
    killGroup(child.pid)
    child.stdout.destroy()
    child.stderr.destroy()
    return new StreambedError('UNAVAILABLE', `the program did not end in ${timeoutMs} ms and was killed. program=${program} stderr=${tail(stderr)}`)
  }
  return await withDeadline({ clock, limitMs: timeoutMs, late }, () => new Promise((resolve, reject) => {
    child.once('error', cause => { reject(cannotStart(cause)) })
    child.once('close', (exitCode, signal) => { resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined, stdout, stderr }) })
  }))
}

function killGroup (pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch { /* it has ended meanwhile */ }
}

async function postJson (url: string, headers: Readonly<Record<string, string>>, json: string, timeoutMs: number, clock: Clock): Promise<HttpAnswer> {
  try {
    return await withDeadline({ clock, limitMs: timeoutMs }, async signal => {
      const response = await fetch(url, { method: 'POST', redirect: 'manual', headers: { 'content-type': 'application/json', ...headers }, body: json, signal })
      return { status: response.status, text: await startOf(response) }
    })
  } catch (cause) {
    throw new StreambedError('UNAVAILABLE', `the service gave no answer. url=${url}: ${reasonOf(cause)}`, { cause })
  }
}

/** What is said first; the rest of an endless answer is not waited for. */
async function startOf (response: Response): Promise<string> {
  let text = ''
  if (response.body === null) return text
  const decoder = new TextDecoder()
  for await (const bytes of response.body) {
    text += decoder.decode(bytes as Uint8Array, { stream: true })
    if (text.length >= outputBytesMax) break
  }
  return text
}

/** The end of what a program said, on one line. */
export function tail (text: string): string { return JSON.stringify(text.trim().slice(-500)) }

function reasonOf (error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
