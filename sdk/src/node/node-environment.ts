import { crc32c as portableCrc32c } from '../crc32c.ts'
import type { Environment, Logger, Metrics } from '../environment.ts'
import { NodeFileSystem } from './node-file-system.ts'
import { SystemClock } from './system-clock.ts'
import { SystemRandom } from './system-random.ts'

export interface NodeEnvironmentOptions {
  /** Where log lines go. Default: nowhere. */
  readonly logger?: Logger
  /** Where metrics go. Default: nowhere. */
  readonly metrics?: Metrics
  /** A faster CRC-32C than the portable one. */
  readonly crc32c?: Environment['crc32c']
}

/** What a plugin gets on this machine. */
export function nodeEnvironment (options: NodeEnvironmentOptions = {}): Environment {
  return {
    clock: new SystemClock(),
    random: new SystemRandom(),
    fileSystem: new NodeFileSystem(),
    logger: options.logger ?? quietLogger,
    metrics: options.metrics ?? noMetrics,
    crc32c: options.crc32c ?? portableCrc32c,
    yieldTurn: nextTurn
  }
}

/** Says nothing. */
export const quietLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => quietLogger
}

/** Counts nothing. */
export const noMetrics: Metrics = { count: nothing, gauge: nothing, observe: nothing }

/** Resolves on the next turn of the event loop, after the I/O that is ready. */
export function nextTurn (): Promise<void> { return new Promise(resolve => { setImmediate(resolve) }) }

function nothing (): void {}
