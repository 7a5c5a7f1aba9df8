import { StreambedError } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/** Time, as the host gives it. Simulations give a virtual one. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back; for durations and deadlines. Fractions allowed. */
  monotonicMs (): number
  /** Milliseconds since the Unix epoch; may jump; for stamps that people or Kafka clients read. Integer. */
  wallMs (): number
  /** Calls `action` once, not before `delayMs` from now. `cancel` is idempotent. The timer keeps no process alive. */
  schedule (delayMs: number, action: () => void): Timer
}

export interface Timer { cancel (): void }

/** Randomness, as the host gives it. Simulations seed it. */
export interface Random {
  /** Uniform in [0, 1). */
  fraction (): number
  /** `count` random bytes; unpredictable in production. */
  bytes (count: number): Uint8Array
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined | null>>

/** Structured log. Messages are constant strings; what varies goes into fields. Secrets go nowhere. */
export interface Logger {
  debug (message: string, fields?: LogFields): void
  info (message: string, fields?: LogFields): void
  warn (message: string, fields?: LogFields): void
  error (message: string, fields?: LogFields): void
  child (fields: LogFields): Logger
}

/** Counters and gauges. Names are snake_case with the unit last: `wal_append_bytes`. */
export interface Metrics {
  count (name: string, by?: number): void
  gauge (name: string, value: number): void
  /** Adds one observation, in the unit that the name ends with. */
  observe (name: string, value: number): void
}

/** What the host injects into a plugin. Plugins use nothing global in its place. */
export interface Environment {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly fileSystem: FileSystem
  /** CRC-32C (Castagnoli) of `bytes`, continuing from `seed`, as an unsigned 32-bit integer. */
  readonly crc32c: (bytes: Uint8Array, seed?: number) => number
  /** Lets the event loop serve others; long loops await it. Resolves on a later turn. */
  readonly yieldTurn: () => Promise<void>
}

/** Resolves after `delayMs`; rejects with ABORTED when `signal` aborts first. */
export function sleep (clock: Clock, delayMs: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
  const signal = options?.signal
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) { reject(abortedError(signal)); return }
    const onAbort = (): void => { timer.cancel(); reject(abortedError(signal)) }
    const timer = clock.schedule(delayMs, () => { signal?.removeEventListener('abort', onAbort); resolve() })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** The error that every aborted wait rejects with; the signal's reason is its cause. */
export function abortedError (signal?: AbortSignal): StreambedError {
  return new StreambedError('ABORTED', 'the wait was aborted', { cause: signal?.reason })
}

/** Throws ABORTED when `signal` has aborted. Called before an effect begins. */
export function throwIfAborted (signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal)
}
