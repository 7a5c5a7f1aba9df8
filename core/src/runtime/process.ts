/** The process's environment variables. */
export const environmentVariables: Readonly<Record<string, string | undefined>> = process.env

/** Resolves with the first signal that asks the process to end. A second one ends it at once. */
export function shutdownRequested (): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal))
  })
}

/** Ends the process after `limitMs`, whatever still holds it; a broker may be ended at any moment. Tells why before. */
export function endWithin (limitMs: number, tell: () => void): void {
  setTimeout(() => {
    tell()
    process.exit(0)
  }, limitMs).unref()
}

/**
 * Gives file I/O more threads than Node's four, unless the operator said how many: a few large uploads would keep the WAL's
 * small writes waiting. Works only before the first use of the pool.
 */
export function widenThreadPool (): void {
  process.env['UV_THREADPOOL_SIZE'] ??= '16'
}
